// What the page shows, and its address: `?style=…&show=<picture>&beside=<picture>&edit=2`. Pure functions.

import { inOrder, lengthOf } from "./resolve.js";

/** A picture's name, as composites are called: codes sorted by code point, `default` for none. */
export function nameOf({ codes, length, side, colour }) {
  const sorted = [...new Set(codes)].sort(byCodePoint);
  return `${sorted.join("-") || "default"}-${length}-${side}-${String(colour).padStart(4, "0")}`;
}

// a plain sort() compares halves of characters
function byCodePoint(one, other) {
  const [a, b] = [[...one], [...other]];
  const at = a.findIndex((sign, index) => sign !== b[index]);
  if (at < 0) return a.length - b.length;
  return at < b.length ? a[at].codePointAt(0) - b[at].codePointAt(0) : 1;
}

/** The picture that a name says, as far as the catalogue has such a length, side and colour; else null. */
export function pictureOf(catalogue, name) {
  const found = /^(?<codes>[\p{L}\p{M}\p{N}_]{1,40}(?:-[\p{L}\p{M}\p{N}_]{1,40})*)-(?<length>[^-/]+)-(?<side>[a-z]+)-(?<colour>\d{4})$/u.exec(name ?? "");
  if (!found) return null;
  const { codes, length: slug, side, colour } = found.groups;
  const length = lengthOf(catalogue, slug);
  if (!length || !catalogue.sides.includes(side) || Number(colour) >= catalogue.colours) return null;
  return { codes: codes === "default" ? [] : inOrder(length, codes.split("-")), length: slug, side, colour: Number(colour) };
}

/** What a style shows first. */
export function firstPicture(catalogue) {
  return { codes: [], length: catalogue.lengths[0].slug, side: catalogue.sides[0], colour: 0 };
}

/** What an address asks for: `{style, show, beside, edit}`, the pictures by name. */
export function asked(search) {
  const said = new URLSearchParams(search);
  return {
    style: said.get("style") ?? "",
    show: said.get("show") ?? "",
    beside: said.get("beside") ?? "",
    edit: said.get("edit") === "2" ? 1 : 0,
  };
}

/** The address of a state `{style, pictures, edit}`, from its `?` on. */
export function addressOf({ style, pictures, edit }) {
  const said = new URLSearchParams();
  if (style) said.set("style", style);
  if (pictures[0]) said.set("show", nameOf(pictures[0]));
  if (pictures[1]) said.set("beside", nameOf(pictures[1]));
  if (pictures[1] && edit === 1) said.set("edit", "2");
  return `?${said}`;
}

/**
 * The address of Airflow's own page that has this one in its frame, with the state in it; null without such a frame.
 * Airflow writes a frame's path and query behind `/plugin/<name>` and opens the frame at what stands there.
 */
export function frameAddress(framePath, ownPath, search) {
  const at = framePath.indexOf("/plugin/fitting-room");
  return at < 0 ? null : `${framePath.slice(0, at)}/plugin/fitting-room${ownPath}${search}`;
}
