// Two pictures of one size over one another: swiped with a slider, or their difference, made stronger.

import { element } from "./dom.js";

/** How two pictures' pixels differ: a picture of it, `gain` times as strong, and in numbers. Pure: RGBA in and out. */
export function difference(one, other, gain) {
  const shown = new Uint8ClampedArray(one.length);
  let differing = 0;
  let most = 0;
  for (let at = 0; at < one.length; at += 4) {
    // what cannot be seen has no colour: both are looked at as they lie on white
    let here = Math.abs(one[at + 3] - other[at + 3]);
    for (let channel = 0; channel < 3; channel += 1) {
      const off = Math.abs(onWhite(one, at, channel) - onWhite(other, at, channel));
      shown[at + channel] = off * gain;
      here = Math.max(here, off);
    }
    shown[at + 3] = 255;
    if (here >= 1) differing += 1;
    most = Math.max(most, here);
  }
  return { shown, differing, most: Math.round(most) };
}

function onWhite(pixels, at, channel) {
  const alpha = pixels[at + 3] / 255;
  return pixels[at + channel] * alpha + 255 * (1 - alpha);
}

/** Both pictures as `{pixels, width, height}`; of two sizes the second is drawn as large as the first. */
function pixelsOf(bitmap, width, height) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

/** One canvas of a picture. */
export function drawn(bitmap, label) {
  const canvas = element("canvas", { width: bitmap.width, height: bitmap.height, role: "img", "aria-label": label });
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  return canvas;
}

/** The first picture left of a slider, the second right of it. */
export function swiped(first, second) {
  const [under, over] = [drawn(second.bitmap, second.label), drawn(first.bitmap, first.label)];
  over.classList.add("over-it");
  const label = `How much of ${first.label} is shown, the rest is ${second.label}`;
  const slider = element("input", { type: "range", min: "0", max: "100", value: "50", className: "swipe", "aria-label": label });
  const line = element("span", { className: "line" });
  const paper = element("div", { className: "paper pair" }, under, over, line);
  const move = () => {
    over.style.clipPath = `inset(0 ${100 - slider.value}% 0 0)`;
    line.style.left = `${slider.value}%`;
  };
  slider.addEventListener("input", move);
  paper.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse" && event.buttons === 0) return;
    const { left, width } = paper.getBoundingClientRect();
    slider.value = String(Math.round(((event.clientX - left) / width) * 100));
    move();
  });
  move();
  return [paper, slider];
}

/** What differs, with a slider for how strong it is shown; `say` is told in words. */
export function differing(first, second, say) {
  const { width, height } = first.bitmap;
  const [one, other] = [first, second].map(({ bitmap }) => pixelsOf(bitmap, width, height));
  const canvas = element("canvas", { width, height, role: "img", "aria-label": `How ${first.label} and ${second.label} differ` });
  const slider = element("input", { type: "range", min: "1", max: "32", value: "8", id: "gain", "aria-label": "How many times as strong" });
  const show = () => {
    const found = difference(one, other, Number(slider.value));
    canvas.getContext("2d").putImageData(new ImageData(found.shown, width, height), 0, 0);
    const share = ((100 * found.differing) / (width * height)).toFixed(2);
    say(found.differing ? `${found.differing} pixels differ (${share} %), by ${found.most} of 255 at most; shown ${slider.value} times as strong.` : "They are the same in every pixel.");
  };
  slider.addEventListener("input", show);
  show();
  return [element("div", { className: "paper dark" }, canvas), slider];
}
