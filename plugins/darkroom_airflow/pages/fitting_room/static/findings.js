// What is odd about a picture: from its stack, the catalogue, and what the checks of the renders found. Pure functions.

import { problemsOf } from "./options.js";
import { lengthOf, own } from "./resolve.js";

const ORDER = ["error", "warning", "note"];

/** A colour as names write it. */
export const colourName = (colour) => String(colour).padStart(4, "0");

/** The key of the proxy of a layer in a colour; null where there is none. `versions` says what really lies there. */
export function proxyKey(catalogue, versions, layer, colour) {
  const key = own(own(catalogue.layers, layer)?.proxies ?? {}, colourName(colour));
  return key !== undefined && own(versions, key) !== undefined ? key : null;
}

/** Findings of a picture, the worst first: `[{severity, text}]`. */
export function findingsOf({ catalogue, versions, checks }, picture, stack) {
  const length = lengthOf(catalogue, picture.length);
  const found = [
    ...problemsOf(length, picture.codes).map((text) => ({ severity: "warning", text: `Not offered. ${text}` })),
    ...missing(catalogue, versions, picture, stack),
    ...hollow(catalogue, length, picture, stack),
    ...undrawn(length, picture, stack),
    ...checked(checks, length, picture, stack),
  ];
  return found.sort((one, other) => ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity));
}

function* missing(catalogue, versions, picture, stack) {
  for (const { layer } of stack) {
    if (proxyKey(catalogue, versions, layer, picture.colour)) continue;
    const others = Object.keys(own(catalogue.layers, layer)?.proxies ?? {}).length;
    const what = others ? `it has no proxy in colour ${colourName(picture.colour)}` : "it has no proxy in any colour";
    yield { severity: "error", text: `${layer}: ${what}, and is not drawn here.` };
  }
}

function* hollow(catalogue, length, picture, stack) {
  const here = length.sides[picture.side].defaults;
  for (const slot of catalogue.slots) {
    const elsewhere = catalogue.lengths.some((other) => own(other.sides[picture.side].defaults, slot));
    if (elsewhere && !own(here, slot) && !stack.some((one) => one.slot === slot)) {
      yield { severity: "warning", text: `${slot}: nothing is drawn there, as ${length.name} has no default for it.` };
    }
  }
}

function* undrawn(length, picture, stack) {
  const draws = (side, code) =>
    own(side.draws, code) !== undefined || side.exceptions.some((one) => one.code === code || one.with.includes(code));
  for (const code of picture.codes) {
    if (!Object.values(length.sides).some((side) => draws(side, code))) {
      yield { severity: "warning", text: `${code}: nothing draws it in ${length.name}.` };
    } else if (!draws(length.sides[picture.side], code)) {
      yield { severity: "note", text: `${code}: nothing draws it on the ${picture.side}.` };
    } else if (!stack.some((one) => one.code === code || namesIt(one, code))) {
      yield { severity: "note", text: `${code}: other codes cover all that it draws on the ${picture.side}.` };
    }
  }
}

/** Is a layer drawn as it is because of a code? */
function namesIt({ why }, code) {
  return why.conditions?.includes(code) || why.exception?.with.includes(code) || why.exception?.with_any_of.includes(code);
}

/** Of what the checks found, what is of this picture's layers, codes, length and side. */
function* checked(checks, length, picture, stack) {
  const layers = new Set(stack.map((one) => one.layer));
  const files = new Set(stack.map((one) => `${one.layer}_${colourName(picture.colour)}.png`));
  const places = new Set([...layers, ...picture.codes, `${length.name}, ${picture.side}`]);
  for (const { kind, severity, where, what, to_do: toDo } of checks ?? []) {
    if (kind === "missing layer" || kind === "missing default" || kind === "slot without default") continue; // said above
    const file = where.split("/").at(-1).toLowerCase().replace("behind_belt", "behindbelt");
    if (kind === "missing colour" ? false : places.has(where) || files.has(file)) {
      yield { severity: ORDER.includes(severity) ? severity : "note", text: `${where}: ${what}; ${toDo}.` };
    }
  }
}
