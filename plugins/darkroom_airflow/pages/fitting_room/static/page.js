// The page: one state (style, one or two pictures, which of them is being changed), its address, and everything that shows it.

import { Controls } from "./controls.js";
import { showFindings, showStack } from "./details.js";
import { announce, byId, element, say } from "./dom.js";
import { Proxies } from "./draw.js";
import { describe, Figure, proxiesOf } from "./figures.js";
import { findingsOf, proxyKey } from "./findings.js";
import { Flags } from "./flags.js";
import { News } from "./news.js";
import { blocked, fitting, groupsOf, toggled, without } from "./options.js";
import { inOrder, lengthOf, stackOf } from "./resolve.js";
import * as server from "./server.js";
import { addressOf, asked, firstPicture, frameAddress, nameOf, pictureOf } from "./state.js";

const IDLE = 120; // milliseconds without a click before what may come next is fetched

const state = { style: "", pictures: [], edit: 0 };
let data = null; // of the style: {style, catalogue, versions, checks}
let controls = null;
let idle = 0;
const proxies = new Proxies();
const flags = new Flags((name) => showPicture(pictureOf(data.catalogue, name)));
const news = new News(() => openStyle(state.style, ...[0, 1].map((at) => state.pictures[at] && nameOf(state.pictures[at])), state.edit));
const figures = [0, 1].map((number) => new Figure(number, proxies, { edit: editNumber, close: closeNumber }));

/** The picture that the form changes. */
const current = () => state.pictures[state.edit];

const stackFor = (picture) => stackOf(data.catalogue, picture.length, picture.side, picture.codes);

function choose(change, event) {
  const { catalogue } = data;
  const before = current();
  const next = { ...before };
  let removed = [];
  if ("length" in change) {
    next.length = change.length;
    ({ codes: next.codes, removed } = fitting(lengthOf(catalogue, change.length), before.codes));
  } else if ("toggle" in change) {
    ({ codes: next.codes, removed } = toggled(lengthOf(catalogue, before.length), before.codes, change.toggle));
  } else if ("without" in change) {
    ({ codes: next.codes, removed } = without(lengthOf(catalogue, before.length), before.codes, change.without));
  } else {
    Object.assign(next, change);
  }
  showPicture(next, event?.timeStamp, removed.length ? `${removed.join(", ")} taken away too.` : "");
}

function showPicture(picture, since, also = "") {
  if (!picture) {
    announce("The style has no such picture any more.");
    return;
  }
  state.pictures[state.edit] = picture;
  show(since);
  announce([describe(data.catalogue, picture), also].filter(Boolean).join(". "));
}

/** Show the state: the picture first, then everything beside it. */
function show(since) {
  proxies.expect([]); // what is wanted now does not share the line with what may be wanted next
  const { catalogue, versions } = data;
  const stacks = state.pictures.map(stackFor);
  const findings = state.pictures.map((picture, at) => findingsOf(data, picture, stacks[at]));
  const isTwo = state.pictures.length > 1;
  state.pictures.forEach((picture, at) => {
    const began = at === state.edit ? since : undefined;
    figures[at].mark(isTwo, at === state.edit);
    figures[at].show(data, picture, stacks[at], findings[at], began);
  });
  byId("pictures").replaceChildren(...state.pictures.map((_, at) => figures[at].root));
  byId("pictures").classList.toggle("two", isTwo);
  byId("compare").setAttribute("aria-pressed", String(isTwo));
  controls.show(current());
  const others = isTwo ? new Set(stacks[1 - state.edit].map((one) => one.layer)) : null;
  const { colour } = current();
  showStack(stacks[state.edit], (layer) => !proxyKey(catalogue, versions, layer, colour), others);
  showFindings(findings[state.edit]);
  flags.of(nameOf(current()));
  say(byId("link"), "");
  clearTimeout(idle);
  idle = setTimeout(() => {
    address();
    proxies.expect(likely());
  }, IDLE);
}

/** Proxies that one more click may need: the other side, what may be picked, the colours and lengths beside. */
function likely() {
  const picture = current();
  const length = lengthOf(data.catalogue, picture.length);
  const next = data.catalogue.sides.map((side) => ({ ...picture, side }));
  for (const code of groupsOf(length).flatMap((group) => group.codes)) {
    if (!blocked(length, picture.codes, code).length) {
      next.push({ ...picture, codes: toggled(length, picture.codes, code).codes });
    }
  }
  const at = data.catalogue.lengths.indexOf(length);
  for (const other of [data.catalogue.lengths[at + 1], data.catalogue.lengths[at - 1]]) {
    if (other) next.push({ ...picture, length: other.slug, codes: fitting(other, picture.codes).codes });
  }
  for (const colour of [picture.colour + 1, picture.colour - 1]) {
    if (colour >= 0 && colour < data.catalogue.colours) next.push({ ...picture, colour });
  }
  const wanted = next.flatMap((one) => proxiesOf(data, one, stackFor(one)));
  return [...new Map(wanted.map((one) => [one.key, one])).values()];
}

/** Somebody looks at an option: fetch what it would need. */
function look(code) {
  const picture = current();
  const length = lengthOf(data.catalogue, picture.length);
  if (blocked(length, picture.codes, code).length) return;
  const next = { ...picture, codes: toggled(length, picture.codes, code).codes };
  for (const bitmap of proxies.bitmaps(proxiesOf(data, next, stackFor(next)))) bitmap.catch(() => null);
}

function editNumber(number) {
  state.edit = number;
  show();
  announce(`The form changes picture ${number + 1} now: ${describe(data.catalogue, current())}.`);
}

function closeNumber(number) {
  const kept = state.pictures[1 - number];
  state.pictures = [kept];
  state.edit = 0;
  show();
  byId("compare").focus();
}

/** Write the state into the address, and into that of Airflow's page around this one. */
function address() {
  const search = addressOf(state);
  history.replaceState(null, "", search);
  const around = frame();
  const there = around && frameAddress(around.location.pathname, location.pathname, search);
  if (there) around.history.replaceState(around.history.state, "", there);
}

/** Airflow's window, where this page is in its frame. */
function frame() {
  try {
    return parent !== self && parent.location.origin === location.origin ? parent : null;
  } catch {
    return null; // somebody else's page: the browser shows nothing there anyway
  }
}

async function copyLink() {
  address();
  const { href } = (frame() ?? self).location;
  try {
    await navigator.clipboard.writeText(href);
    announce("The link is copied.");
    byId("copy").textContent = "Copied";
    setTimeout(() => (byId("copy").textContent = "Copy link"), 1500);
  } catch {
    byId("link").hidden = false; // a browser that does not let pages copy
    byId("link-text").value = href;
    byId("link-text").select();
  }
}

/** Load a style, and show what is asked for, or its default. */
async function openStyle(style, shown, beside, edit) {
  clearTimeout(idle); // what the style before was about to fetch ahead
  Object.assign(state, { style, pictures: [], edit: 0 });
  byId("room").hidden = true;
  say(byId("trouble"), "");
  document.title = `${style} · Fitting room`;
  const checks = server.checksOf(style).catch(() => ({ findings: [] }));
  let got;
  try {
    got = await server.catalogueOf(style);
    if (!got.catalogue.lengths.length) throw new Error(`${style}: its catalogue has no length; start render_ingest again.`);
  } catch (error) {
    if (style === state.style) say(byId("trouble"), error.message);
    return;
  }
  const { findings } = await checks;
  if (style !== state.style) return;
  data = { style, ...got, checks: findings };
  proxies.open(style);
  news.since(style, got.version);
  controls = new Controls(data.catalogue, { choose, look });
  const first = pictureOf(data.catalogue, shown);
  state.pictures = [first ?? firstPicture(data.catalogue)];
  const second = pictureOf(data.catalogue, beside);
  if (second) state.pictures.push(second);
  state.edit = second ? edit : 0;
  if (shown && !first) say(byId("trouble"), `${shown}: ${style} has no such picture; its default is shown.`);
  byId("room").hidden = false;
  show();
  flags.load(style);
}

async function start() {
  const wanted = asked(location.search);
  let names = [];
  try {
    names = await server.styles();
  } catch (error) {
    say(byId("trouble"), error.message);
  }
  const style = wanted.style || names[0];
  if (!style) {
    if (byId("trouble").hidden) say(byId("trouble"), "The studio has no style file yet; add one to its folder of styles.");
    return;
  }
  if (!names.includes(style)) names.push(style);
  byId("style").replaceChildren(...names.map((name) => element("option", { value: name }, name)));
  byId("style").value = style;
  await openStyle(style, wanted.show, wanted.beside, wanted.edit);
}

byId("style").addEventListener("change", () => openStyle(byId("style").value, "", "", 0));
byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("none").addEventListener("click", (event) => choose({ without: current().codes }, event));
byId("copy").addEventListener("click", copyLink);
byId("to-flags").addEventListener("click", () => byId("flags-title").focus());
byId("compare").addEventListener("click", () => {
  if (state.pictures.length > 1) return closeNumber(1);
  state.pictures.push({ ...current(), codes: inOrder(lengthOf(data.catalogue, current().length), current().codes) });
  return editNumber(1);
});
start();
