// Deep zoom: OpenSeadragon over this server's IIIF tiles, without its own buttons; a scan beside it moves along.

import { element } from "./dom.js";
import { blob, imageAddress, json } from "./server.js";

// OpenSeadragon empties elements by innerHTML = "": nothing else may be written so
globalThis.trustedTypes?.createPolicy("default", { createHTML: (markup) => (markup === "" ? "" : null) });

const OPTIONS = {
  drawer: "canvas",
  showNavigationControl: false,
  showNavigator: false,
  animationTime: 0.4,
  visibilityRatio: 0.6,
  maxZoomPixelRatio: 4,
  gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
  crossOriginPolicy: false,
  ajaxWithCredentials: false,
};

/** Where a viewer goes: it has to stand on the page before, as the viewer fits the image to it. */
export const placeOf = (label) => element("div", { className: "zoom", role: "group", "aria-label": label });

/** A viewer of a pyramid; `failed` is told in a sentence. Throws as `json` does. */
export async function pyramidViewer(id, place, failed) {
  const address = imageAddress(id);
  const info = await json(`${address}/info.json`);
  // the server knows its host only as whoever asked has written it; the page knows where it is
  info.id = new URL(address, location.href).href;
  const viewer = new OpenSeadragon.Viewer({ ...OPTIONS, element: place, tileSources: info });
  viewer.addHandler("open-failed", () => failed("The pyramid cannot be opened."));
  viewer.addHandler("tile-load-failed", async (event) => {
    const said = await fetch(event.tile.getUrl()).then((answer) => answer.json()).catch(() => ({}));
    failed(typeof said.detail === "string" ? said.detail : "A tile of it cannot be loaded.");
  });
  viewer.addHandler("open", () => watch(viewer, place));
  return { viewer, said: `Pyramid, ${info.width} x ${info.height}` };
}

/** Says on the element whether all tiles that are in sight have come. */
function watch(viewer, place) {
  const item = viewer.world.getItemAt(0);
  const say = () => (place.dataset.loaded = String(item.getFullyLoaded()));
  item.addHandler("fully-loaded-change", say);
  say();
}

/** A viewer of one whole image. Throws as `blob` does. */
export async function imageViewer(address, place) {
  const got = await blob(address);
  const url = URL.createObjectURL(got.blob);
  const viewer = new OpenSeadragon.Viewer({ ...OPTIONS, element: place, tileSources: { type: "image", url, buildPyramid: false } });
  viewer.addHandler("open", () => watch(viewer, place));
  return { viewer, isChanged: got.headers.get("X-Darkroom-Changed") === "1", free: () => URL.revokeObjectURL(url) };
}

/** Let each of two viewers show the part that the other one shows. */
export function together(one, other) {
  let leading = null;
  const follow = (from, to) => () => {
    if (leading && leading !== from) return;
    leading = from;
    if (to.world.getItemCount()) to.viewport.fitBounds(from.viewport.getBounds(), true);
    leading = null;
  };
  one.addHandler("viewport-change", follow(one, other));
  other.addHandler("viewport-change", follow(other, one));
}

/** Buttons for who has no wheel: closer, farther, whole, turned. */
export function buttons(viewers) {
  const button = (text, label, act) => {
    const made = element("button", { type: "button", "aria-label": label, title: label }, text);
    made.addEventListener("click", () => act(viewers[0].viewport));
    return made;
  };
  const turn = button("⟳", "Turn by 90 degrees", () => viewers.forEach((one) => one.viewport.rotateBy(90)));
  return [
    button("+", "Closer", (port) => port.zoomBy(1.6).applyConstraints()),
    button("−", "Farther", (port) => port.zoomBy(1 / 1.6).applyConstraints()),
    button("Whole", "The whole image", (port) => port.goHome()),
    button("1:1", "Each pixel of the image as one of the screen", (port) => port.zoomTo(port.imageToViewportZoom(1 / devicePixelRatio))),
    turn,
  ];
}
