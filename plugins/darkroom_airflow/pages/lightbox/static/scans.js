// Pyramids below a prefix, and those of a night beside their scans, in deep zoom.

import { byId, element, say } from "./dom.js";
import * as server from "./server.js";
import { buttons, imageViewer, placeOf, pyramidViewer, together } from "./zoom.js";

let opened = { what: "", free: [] };

/** The pyramids below a prefix. */
export async function pyramids(page) {
  const { state, go, link, fill, isLast, may } = page;
  const found = await server.pyramids(state.prefix, state.after);
  if (!isLast()) return;
  const input = element("input", { type: "text", value: state.prefix, placeholder: "maps/1890/", autocomplete: "off", spellcheck: false });
  input.addEventListener("change", () => go({ prefix: input.value.trim(), after: "", open: "" }));
  byId("choose").replaceChildren(
    element("label", {}, "Keys that begin with", input),
    element("p", { className: "quiet" }, `Pyramids in ${may.images}`),
  );
  fill(
    found.pyramids.map((one) => current(link({ open: one.id }, {}, one.key), one.id === state.open)),
    found.pyramids.length ? `${found.pyramids.length} pyramids${found.next ? ", and there are more" : ""}.` : "No pyramid lies there.",
    { lines: true, before: state.after ? { after: "" } : null, after: found.next ? { after: found.next } : null },
  );
  await shown(page, state.open && { id: state.open, name: keyOf(state.open) });
}

const keyOf = (id) => id.replaceAll("~1", "/").replaceAll("~0", "~");

function current(made, isIt) {
  if (isIt) made.setAttribute("aria-current", "true");
  return made;
}

/** A night's pyramids, each beside the scan that it is of. */
export async function nights(page) {
  const { state, go, link, fill, isLast } = page;
  const plans = await server.nights();
  if (!isLast()) return;
  if (!plans.length) {
    byId("choose").replaceChildren();
    await shown(page, null);
    fill([], "No night has a plan: its files go after 30 days. Start nightly_pyramids, or look below Pyramids.");
    return;
  }
  const [run, plan] = state.plan ? [state.run, state.plan] : [plans[0].run, plans[0].plan];
  const chosen = { ...state, run, plan, job: state.job || 1 };
  const night = await server.night(chosen);
  if (!isLast()) return;
  choices(plans, chosen, night, go);
  const all = night.jobs[chosen.job - 1]?.items ?? 0;
  const last = night.first + night.images.length;
  fill(
    night.images.map((one) => {
      const said = [one.name, one.state && one.state !== "done" ? `${one.state}: ${one.reason}` : "", one.state ? "" : "not done yet"];
      const made = link({ run, plan, open: String(one.number + 1) }, {}, ...said.filter(Boolean).map((text) => element("span", {}, text)));
      return current(made, String(one.number + 1) === state.open);
    }),
    night.images.length ? `${night.first + 1} to ${last} of ${all} images of this job.` : "There was nothing to be made.",
    { lines: true, before: night.first ? { first: Math.max(0, night.first - night.page), open: "" } : null, after: last < all ? { first: last, open: "" } : null },
  );
  const one = night.images.find(({ number }) => String(number + 1) === state.open);
  await shown(page, one && { ...one, night: chosen, elsewhere: night.same_store ? "" : night.images_in });
}

function choices(plans, chosen, night, go) {
  const select = (label, options, value, change) => {
    const made = element("select", {}, ...options.map(([one, said]) => element("option", { value: one }, said)));
    made.value = value;
    made.addEventListener("change", () => change(made.value));
    return element("label", {}, label, made);
  };
  const other = { first: 0, open: "" };
  byId("choose").replaceChildren(
    select("Run", plans.map((one, at) => [String(at), `${one.run} · ${one.plan}`]), String(plans.findIndex((one) => one.plan === chosen.plan && one.run === chosen.run)), (at) =>
      go({ ...other, ...plans[at], job: 0 }),
    ),
    select("Job", night.jobs.map(({ label, items }, at) => [String(at + 1), `${label} (${items})`]), String(chosen.job), (job) => go({ ...other, job })),
    element("p", { className: "quiet" }, night.title),
  );
}

/** Open a pyramid, with its scan beside it where it is one of a night's. */
async function shown({ open, isLast }, one) {
  const what = one ? JSON.stringify([one.id, one.night?.plan, one.night?.job, one.number]) : "";
  if (what === opened.what && what) return;
  for (const free of opened.free) free();
  opened = { what, free: [] };
  open(one ? one.name : "");
  byId("acts").replaceChildren();
  byId("stage").replaceChildren();
  if (!one) return;
  const trouble = [];
  const failed = (sentence) => {
    if (!isLast() || trouble.includes(sentence)) return;
    trouble.push(sentence);
    say(byId("shown-trouble"), trouble.join("\n"));
  };
  const parts = [];
  if (one.night) parts.push(part("Scan", (place) => scan(one, place, failed)));
  if (one.elsewhere) failed(`The pyramids of this run lie in ${one.elsewhere}, and this page shows those of DARKROOM_IMAGE_STORE.`);
  else parts.push(part("Pyramid", (place) => pyramidViewer(one.id, place, failed).catch((error) => void failed(error.message))));
  byId("stage").className = parts.length > 1 ? "stage two" : "stage";
  byId("stage").replaceChildren(...parts.map(({ box }) => box));
  byId("facts").textContent = one.source ? `Scan: ${one.source}` : "";
  const viewers = (await Promise.all(parts.map((each) => each.start()))).filter(Boolean);
  const free = () => viewers.forEach((each) => (each.viewer.destroy(), each.free?.()));
  if (!isLast() || opened.what !== what) return free();
  opened.free.push(free);
  if (viewers.length < 2) byId("stage").className = "stage";
  if (viewers.length) byId("acts").replaceChildren(...buttons(viewers.map((each) => each.viewer).reverse()));
  if (viewers.length > 1) together(viewers[0].viewer, viewers[1].viewer);
}

/** A place on the stage, and what puts a viewer there; without one, it goes again. */
function part(name, view) {
  const [title, place] = [element("h3", {}, name), placeOf(name)];
  const box = element("div", {}, title, place);
  const start = async () => {
    const made = await view(place);
    if (made?.said) title.textContent = made.said;
    if (!made) box.remove();
    return made;
  };
  return { box, start };
}

async function scan(one, place, failed) {
  if (!one.shown) return void failed(`Its scan lies on the web and is not loaded here: ${one.source}`);
  try {
    const made = await imageViewer(server.scanAddress(one.night, one.number), place);
    if (made.isChanged) failed("The scan was delivered anew since this night's plan.");
    return made;
  } catch (error) {
    return void failed(error.message);
  }
}
