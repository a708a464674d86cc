// Composites: chosen by style, length, side, colour and codes; one, or two over one another.

import { differing, drawn, swiped } from "./compare.js";
import { byId, element, say } from "./dom.js";
import * as server from "./server.js";

const [WHOLE, SMALL] = ["800x800", "142x142"];
const known = new Map(); // styles that were asked for
const TAIL = /-(\d{4})$/; // of a picture's name: its colour

/** Show the view of a state. */
export async function composites(page) {
  const { state, go, isLast } = page;
  const names = await server.styles();
  if (!names.length) throw new Error("The studio has no style file yet; add one to its folder of styles.");
  const name = state.style || names[0];
  if (!known.has(name)) known.set(name, await server.style(name));
  const style = known.get(name);
  const chosen = { ...state, style: name, length: state.length || style.lengths[0].slug, side: state.side || style.sides[0] };
  const found = await server.pictures(chosen);
  if (!isLast()) return;
  choices(names, style, chosen, go);
  grid(page, chosen, found);
  await shown(page, style, chosen, found);
}

const pad = (colour) => String(colour).padStart(4, "0");

function select(label, options, value, change) {
  const made = element("select", {}, ...options.map(([one, said]) => element("option", { value: one }, said)));
  made.value = value;
  made.addEventListener("change", () => change(made.value));
  return element("label", {}, label, made);
}

function choices(names, style, chosen, go) {
  const other = { first: 0, open: "", beside: "", version: "", how: "" };
  const codes = style.codes.map((code) => {
    const box = element("input", { type: "checkbox", checked: chosen.codes.includes(code) });
    box.addEventListener("change", () =>
      go({ ...other, codes: box.checked ? [...chosen.codes, code] : chosen.codes.filter((one) => one !== code) }),
    );
    return element("label", { className: "chip" }, box, element("span", {}, code));
  });
  byId("choose").replaceChildren(
    select("Style", names.map((one) => [one, one]), chosen.style, (value) => go({ ...other, style: value, length: "", side: "", colour: 0, codes: [] })),
    select("Length", style.lengths.map(({ slug, name }) => [slug, name]), chosen.length, (length) => go({ ...other, length })),
    select("Side", style.sides.map((side) => [side, side]), chosen.side, (side) => go({ ...other, side })),
    select("Colour", Array.from({ length: style.colours }, (_, at) => [String(at), pad(at)]), String(chosen.colour), (colour) => go({ ...other, colour })),
    element("fieldset", {}, element("legend", {}, "With all of these codes"), element("div", { className: "chips codes" }, ...codes)),
  );
}

function grid({ state, link, fill }, chosen, found) {
  const tiles = found.pictures.map(({ name, codes, cuts, offered, stale }) => {
    const cut = SMALL in cuts ? SMALL : WHOLE;
    const picture = cut in cuts
      ? element("img", { src: server.pictureAddress(chosen.style, name, cut, { v: cuts[cut] }), alt: "", loading: "lazy", width: 142, height: 142 })
      : element("span", { className: "missing" }, "not made yet");
    const said = [codes.join(" ") || "default", offered ? "" : "not offered any more", stale].filter(Boolean).join(" · ");
    const made = link({ open: name, beside: "", version: "", how: "" }, { title: name }, picture, element("span", {}, said));
    if (name === state.open) made.setAttribute("aria-current", "true");
    return made;
  });
  const last = found.first + found.pictures.length;
  fill(tiles, found.total ? `${found.first + 1} to ${last} of ${found.total} pictures; ${found.made} are made.` : "No picture has all of these codes.", {
    before: found.first ? { first: Math.max(0, found.first - found.page) } : null,
    after: last < found.total ? { first: last } : null,
  });
}

/** The picture that is open, with what it is compared with. */
async function shown(page, style, chosen, found) {
  const { state, open, isLast } = page;
  if (!state.open) return void open("");
  open(state.open);
  const kept = await server.versions(chosen.style, state.open).catch((error) => ({ kept: false, versions: [], trouble: error.message }));
  if (!isLast()) return;
  acts(page, style, found, kept);
  const cut = (name, more) => server.pictureAddress(chosen.style, name, WHOLE, more);
  const wanted = [{ label: state.open, address: cut(state.open) }];
  if (state.version) wanted.push({ label: "its earlier version", address: cut(state.open, { of: state.version }) });
  else if (state.beside) wanted.push({ label: state.beside, address: cut(state.beside) });
  let pictures;
  try {
    pictures = await Promise.all(wanted.map(async (one) => ({ ...one, bitmap: await server.bitmap(one.address) })));
  } catch (error) {
    if (isLast()) stage([]), say(byId("shown-trouble"), error.message);
    return;
  }
  if (!isLast()) return;
  const facts = (said) => (byId("facts").textContent = said);
  facts(none(kept));
  if (pictures.length < 2) stage([element("div", { className: "paper" }, drawn(pictures[0].bitmap, pictures[0].label))]);
  else if (state.how === "difference") stage(differing(pictures[0], pictures[1], facts));
  else {
    stage(swiped(pictures[0], pictures[1]));
    facts(`Left ${pictures[0].label}, right ${pictures[1].label}.`);
  }
}

/** Why there is nothing earlier to compare with; empty where there is. */
function none({ kept, versions, trouble }) {
  if (trouble) return `Its earlier versions cannot be listed: ${trouble}`;
  if (!kept) return "The store keeps no earlier versions: a folder never does, a bucket once its versioning is on.";
  return versions.length > 1 ? "" : "The store keeps earlier versions; of this picture there is none.";
}

function stage(children) {
  byId("stage").className = "stage";
  byId("stage").replaceChildren(...children);
}

function acts({ state, go }, style, found, kept) {
  const colour = TAIL.exec(state.open)?.[1] ?? "0000";
  const named = (one) => state.open.replace(TAIL, `-${one}`);
  const colours = Array.from({ length: style.colours }, (_, at) => pad(at)).filter((one) => one !== colour);
  const beside = found.pictures.filter(({ name, cuts }) => WHOLE in cuts && name !== state.open);
  const others = [
    ["", "nothing"],
    ...kept.versions.filter((one) => !one.current).map((one) => [`v:${one.id}`, `as written ${when(one.modified)}`]),
    ...colours.map((one) => [`p:${named(one)}`, `colour ${one}`]),
    ...beside.map(({ name, codes }) => [`p:${name}`, codes.join(" ") || "default"]),
  ];
  const value = state.version ? `v:${state.version}` : state.beside ? `p:${state.beside}` : "";
  if (value && !others.some(([one]) => one === value)) others.push([value, value.slice(2)]);
  const pick = select("Compare with ", others, value, (one) =>
    go({ version: one.startsWith("v:") ? one.slice(2) : "", beside: one.startsWith("p:") ? one.slice(2) : "" }),
  );
  const button = (text, how) => {
    const made = element("button", { type: "button", "aria-pressed": String((state.how || "swipe") === how) }, text);
    made.addEventListener("click", () => go({ how: how === "swipe" ? "" : how }));
    return made;
  };
  byId("acts").replaceChildren(pick, ...(value ? [button("Swipe", "swipe"), button("Difference", "difference")] : []));
}

const when = (iso) => new Date(iso).toLocaleString();
