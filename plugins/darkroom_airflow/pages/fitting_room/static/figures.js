// A picture on the page: its canvas, its name, what is said of it.

import { draw } from "./draw.js";
import { element } from "./dom.js";
import { proxyKey } from "./findings.js";
import { lengthOf } from "./resolve.js";
import { nameOf } from "./state.js";

const SLOW = 200; // milliseconds after which it is said that something is still on its way

/** One picture. */
export class Figure {
  #proxies;
  #asked = 0; // which picture was asked for last: an earlier one that comes late is not drawn
  #canvas = element("canvas", { role: "img", width: 800, height: 800 });
  #name = element("code", { className: "name" });
  #facts = element("span", { className: "facts" });
  #note = element("p", { className: "over", hidden: true });
  #edit;
  #close;

  constructor(number, proxies, acts) {
    this.#proxies = proxies;
    this.#edit = element("button", { type: "button", className: "edit" }, "Change this one");
    this.#edit.addEventListener("click", () => acts.edit(number));
    this.#close = element("button", { type: "button", className: "close", title: "Close this picture" }, "Close");
    this.#close.addEventListener("click", () => acts.close(number));
    const acts_ = element("span", { className: "figure-acts" }, this.#edit, this.#close);
    const caption = element("figcaption", {}, this.#name, this.#facts, acts_);
    this.root = element("figure", {}, element("div", { className: "paper" }, this.#canvas, this.#note), caption);
  }

  /** Say which of two pictures the form changes; with one, there is nothing to say. */
  mark(isOneOfTwo, isEdited) {
    this.#edit.parentNode.hidden = !isOneOfTwo;
    this.#edit.setAttribute("aria-pressed", String(isEdited));
    this.#edit.textContent = isEdited ? "Changing this one" : "Change this one";
    this.root.classList.toggle("edited", isOneOfTwo && isEdited);
  }

  /** Draw a picture. `since` is when somebody asked for it. Resolves when it stands, or when another was asked for. */
  async show({ catalogue, versions }, picture, stack, problems, since) {
    const asked = ++this.#asked;
    const name = nameOf(picture);
    this.#name.textContent = name;
    this.#facts.textContent = facts(catalogue, picture, stack, problems);
    const wanted = proxiesOf({ catalogue, versions }, picture, stack);
    this.#canvas.setAttribute("aria-busy", "true");
    const slow = setTimeout(() => this.#say("Loading …"), SLOW);
    const loaded = await Promise.allSettled(this.#proxies.bitmaps(wanted));
    clearTimeout(slow);
    if (asked !== this.#asked) return;
    draw(this.#canvas, loaded.filter((one) => one.status === "fulfilled").map((one) => one.value), catalogue.proxy);
    const failed = loaded.find((one) => one.status === "rejected");
    const lacking = stack.length - wanted.length;
    this.#say(failed ? failed.reason.message : lacking ? `${lacking} of ${stack.length} layers missing` : "", Boolean(failed));
    this.#canvas.setAttribute("aria-busy", "false");
    this.#canvas.setAttribute("aria-label", `${describe(catalogue, picture)}. Layers, the lowest first: ${stack.map((one) => one.layer).join(", ") || "none"}.`);
    await new Promise((shown) => requestAnimationFrame(() => setTimeout(shown))); // behind the frame that shows it
    this.#canvas.dataset.picture = failed ? "" : name;
    if (since !== undefined) performance.measure("darkroom:picture", { start: since, detail: name });
    this.#proxies.trim(wanted);
  }

  #say(sentence, isFailed = false) {
    this.#note.textContent = sentence;
    this.#note.hidden = !sentence;
    this.#note.classList.toggle("failed", isFailed);
  }
}

/** The proxies of a stack, `[{key, version}]`, the lowest first; those that are missing are left out. */
export function proxiesOf({ catalogue, versions }, picture, stack) {
  const keys = stack.map(({ layer }) => proxyKey(catalogue, versions, layer, picture.colour));
  return keys.filter((key) => key !== null).map((key) => ({ key, version: versions[key] }));
}

/** A picture in words. */
export function describe(catalogue, { codes, length, side, colour }) {
  const what = codes.length ? codes.join(", ") : "Nothing picked";
  return `${what}; ${lengthOf(catalogue, length).name}, ${side}, colour ${String(colour).padStart(4, "0")}`;
}

function facts(catalogue, picture, stack, problems) {
  const layers = `${stack.length} ${stack.length === 1 ? "layer" : "layers"}`;
  const findings = problems.length ? `${problems.length} ${problems.length === 1 ? "finding" : "findings"}` : "nothing found";
  return `${lengthOf(catalogue, picture.length).name}, ${picture.side} · ${layers} · ${findings}`;
}
