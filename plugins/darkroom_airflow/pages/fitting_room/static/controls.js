// The form: length, side, colour and options, all of them real radio buttons and check boxes.

import { announce, byId, element } from "./dom.js";
import { colourName } from "./findings.js";
import { blocked, groupsOf, list } from "./options.js";
import { lengthOf } from "./resolve.js";

/** The form of one style. `choose(change)` is told what somebody chose; `look(code)` what somebody may choose next. */
export class Controls {
  #catalogue;
  #acts;
  #shown = null; // the length whose options stand in the form
  #options = new Map(); // by code: its box, and where its reason stands
  #nones = []; // of each group of one: its "none", and its codes
  #places = { length: new Map(), side: new Map(), colour: new Map() };

  constructor(catalogue, acts) {
    this.#catalogue = catalogue;
    this.#acts = acts;
    const lengths = catalogue.lengths.map(({ slug, name }) => [slug, name]);
    this.#radios("lengths", "length", lengths);
    this.#radios("sides", "side", catalogue.sides.map((side) => [side, side]));
    const colours = Array.from({ length: catalogue.colours }, (_, at) => [at, colourName(at)]);
    this.#radios("colours", "colour", colours);
  }

  /** Show what is picked, and what may be picked beside it. */
  show(picture) {
    for (const name of ["length", "side", "colour"]) this.#places[name].get(picture[name]).checked = true;
    const length = lengthOf(this.#catalogue, picture.length);
    if (this.#shown !== length) this.#offer(length);
    for (const [code, { box, label, why }] of this.#options) {
      box.checked = picture.codes.includes(code);
      const reasons = blocked(length, picture.codes, code);
      box.setAttribute("aria-disabled", String(reasons.length > 0));
      label.classList.toggle("blocked", reasons.length > 0);
      label.title = reasons.join(" ");
      why.textContent = reasons.join(" ");
    }
    for (const { box, codes } of this.#nones) box.checked = !codes.some((code) => picture.codes.includes(code));
    byId("none").disabled = picture.codes.length === 0;
    for (const line of document.querySelectorAll("#options .why")) {
      if (line.dataset.code) this.#explain(line, line.dataset.code);
    }
  }

  #radios(place, name, values) {
    const fieldset = byId(place);
    fieldset.querySelector(".chips")?.remove();
    const chips = values.map(([value, text]) => {
      const box = element("input", { type: "radio", name, value: String(value) });
      box.addEventListener("change", (event) => this.#acts.choose({ [name]: value }, event));
      this.#places[name].set(value, box);
      return element("label", { className: "chip" }, box, element("span", {}, text));
    });
    fieldset.append(element("div", { className: "chips" }, ...chips));
  }

  /** Put a length's options into the form. */
  #offer(length) {
    this.#shown = length;
    this.#options.clear();
    this.#nones = [];
    byId("options").replaceChildren(...groupsOf(length).map((group, at) => this.#group(group, at)));
  }

  #group(group, at) {
    const line = element("p", { className: "why", "aria-hidden": "true" });
    const name = `option-${at}`;
    const chips = group.codes.map((code) => this.#option(group, code, name, `${name}-${code}`, line));
    if (group.kind === "one of") {
      const box = element("input", { type: "radio", name, value: "" });
      box.addEventListener("change", (event) => this.#acts.choose({ without: group.codes }, event));
      this.#nones.push({ box, codes: group.codes });
      chips.unshift(element("label", { className: "chip none" }, box, element("span", {}, "none")));
    }
    return element("fieldset", {}, element("legend", {}, title(group)), element("div", { className: "chips" }, ...chips), line);
  }

  #option(group, code, name, id, line) {
    const type = group.kind === "one of" ? "radio" : "checkbox";
    const why = element("span", { className: "unseen", id: `${id}-why` });
    const box = element("input", { type, name, value: code, "aria-describedby": why.id });
    const label = element("label", { className: "chip" }, box, element("span", {}, code));
    box.addEventListener("click", (event) => {
      if (box.getAttribute("aria-disabled") !== "true") return;
      event.preventDefault(); // it takes the focus and gives its reason, and stays as it is
      announce(`${code} cannot be picked. ${why.textContent}`);
      this.#explain(line, code);
    });
    box.addEventListener("change", (event) => this.#acts.choose({ toggle: code }, event));
    const near = () => {
      this.#explain(line, code);
      this.#acts.look(code);
    };
    box.addEventListener("focus", near);
    label.addEventListener("pointerenter", near);
    this.#options.set(code, { box, label, why });
    return element("span", {}, label, why);
  }

  /** Say below a group why one of its codes cannot be picked; nothing where it can. */
  #explain(line, code) {
    const reason = this.#options.get(code)?.why.textContent;
    line.dataset.code = code;
    line.textContent = reason ? `${code}: ${reason}` : "";
  }
}

function title({ kind, atMost, under, requires }) {
  if (kind === "unknown") return "The style says no options: pick any";
  const words = [kind === "one of" ? "One of" : atMost ? `At most ${atMost} of` : "Any of"];
  if (under.length) words.push(`with ${list(under, "or")}`);
  if (requires.length) words.push(`with ${list(requires, "and")}`);
  return words.length > 1 ? `${words[0]} (${words.slice(1).join(", ")})` : words[0];
}
