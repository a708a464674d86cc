// The page: one state, its address, and the view that shows it.

import { composites } from "./composites.js";
import { announce, byId, element, say } from "./dom.js";
import { nights, pyramids } from "./scans.js";
import { seen } from "./server.js";
import { frameAddress, read, write } from "./state.js";

const VIEWS = { composites, pyramids, nights };
const NAMES = { composites: "Composites", pyramids: "Pyramids", nights: "Nights" };
const NEEDS = { composites: "composites", pyramids: "scans", nights: "scans" };

let state = read(location.search);
let may = {};
let turn = 0; // of two answers that come late, only that to the last question is shown

/** Show another state; `replace`: without a step back to the one before. */
function go(change, { replace = false } = {}) {
  state = read(write({ ...state, ...change }));
  const search = write(state);
  history[replace ? "replaceState" : "pushState"](null, "", search);
  const around = frame();
  const there = around && frameAddress(around.location.pathname, location.pathname, search);
  if (there) around.history.replaceState(around.history.state, "", there);
  return show();
}

/** Airflow's window, where this page is in its frame. */
function frame() {
  try {
    return parent !== self && parent.location.origin === location.origin ? parent : null;
  } catch {
    return null; // somebody else's page: the browser shows nothing there anyway
  }
}

/** A link to another state, which is gone to without loading the page again. */
function link(change, properties = {}, ...children) {
  const made = element("a", { href: write({ ...state, ...change }), ...properties }, ...children);
  made.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(change);
  });
  return made;
}

async function show() {
  const mine = ++turn;
  const isLast = () => mine === turn;
  const views = Object.keys(VIEWS).filter((view) => may[NEEDS[view]]);
  byId("views").replaceChildren(
    ...views.map((view) => {
      const made = link({ view }, {}, NAMES[view]);
      if (view === state.view) made.setAttribute("aria-current", "page");
      return made;
    }),
  );
  if (!views.includes(state.view)) return void (state.view !== views[0] && go({ view: views[0] }, { replace: true }));
  document.title = `${[state.open, NAMES[state.view]].filter(Boolean).join(" · ")} · Lightbox`;
  say(byId("trouble"), "");
  say(byId("shown-trouble"), "");
  byId("main").dataset.view = state.view;
  delete byId("main").dataset.ready;
  try {
    await VIEWS[state.view]({ state, go, link, isLast, may, open, fill });
  } catch (error) {
    if (isLast()) say(byId("trouble"), error.message);
  }
  if (isLast()) byId("main").dataset.ready = "true";
}

/** Show (or close, without a name) the part that shows one picture; whether it was another one before. */
function open(name, facts = "") {
  const isNew = byId("shown-name").textContent !== name;
  byId("main").classList.toggle("open", Boolean(name));
  byId("shown").hidden = !name;
  byId("shown-name").textContent = name;
  byId("facts").textContent = facts;
  if (name && isNew) {
    announce(`${name} is shown.`);
    if (matchMedia("(max-width: 1000px)").matches) byId("shown").scrollIntoView();
  }
  return isNew;
}

/** Fill the grid, with what is said above it and where its other pages are. */
function fill(children, counts, { before = null, after = null, lines = false } = {}) {
  byId("grid").classList.toggle("lines", lines);
  byId("grid").replaceChildren(...children.map((child) => element("li", {}, child)));
  byId("counts").textContent = counts;
  byId("pages").hidden = !(before || after);
  for (const [id, change] of [["before", before], ["after", after]]) {
    byId(id).disabled = !change;
    byId(id).onclick = () => go(change);
  }
}

function step(by) {
  const links = [...byId("grid").querySelectorAll("a")];
  const at = links.findIndex((one) => one.hasAttribute("aria-current"));
  links[at + by]?.click();
}

byId("choose").addEventListener("submit", (event) => event.preventDefault());
byId("close").addEventListener("click", () => go({ open: "", beside: "", version: "", how: "" }));
addEventListener("popstate", () => {
  state = read(location.search);
  show();
});
addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input, select, textarea, .zoom");
  if (event.altKey || event.ctrlKey || event.metaKey || isTyping || !state.open) return;
  if (event.key === "Escape") byId("close").click();
  if (event.key === "ArrowRight") step(1);
  if (event.key === "ArrowLeft") step(-1);
});

try {
  may = await seen();
  await show();
} catch (error) {
  say(byId("trouble"), error.message);
}
