// Drawing a stack on a canvas, and the proxies that it is drawn from.

import { files } from "./server.js";

const MOST = (navigator.deviceMemory ?? 8) < 4 ? 40 : 120; // decoded proxies that are kept, of 2.5 MB each
const MOST_FILES = 600; // that are kept as they came, of some 50 KB each
const AT_ONCE = 8; // proxies in one answer, of those that may be wanted next
const MOST_AT_ONCE = 32; // in any answer

/** Kept straight: premultiplied in eight bits a bitmap would be rounded once more. */
const STRAIGHT = { colorSpaceConversion: "none", premultiplyAlpha: "none" };

/** The proxies of a style, each fetched once, and decoded when it is drawn; the ones used last are kept. */
export class Proxies {
  #style = "";
  #files = new Map(); // by name: promises of blobs
  #bitmaps = new Map(); // and of what they show
  #expected = [];
  #isFetching = false;

  /** Let go of everything, for another style. */
  open(style) {
    for (const bitmap of this.#bitmaps.values()) release(bitmap);
    [this.#style, this.#expected] = [style, []];
    this.#files = new Map();
    this.#bitmaps = new Map();
  }

  /** Bitmaps of `[{key, version}]`, promises. What is not there yet comes in one answer. */
  bitmaps(wanted) {
    this.#fetch(wanted, "high");
    return wanted.map((one) => {
      const name = nameOf(one);
      const bitmaps = this.#bitmaps;
      const bitmap = used(bitmaps, name) ?? used(this.#files, name).then((blob) => createImageBitmap(blob, STRAIGHT));
      if (!bitmaps.has(name)) bitmap.catch(() => bitmaps.delete(name)); // the next try asks again
      bitmaps.set(name, bitmap);
      return bitmap;
    });
  }

  /** Fetch these while nothing else is to be done; those of before that are not among them are forgotten. */
  async expect(wanted) {
    this.#expected = wanted.filter((one) => !this.#files.has(nameOf(one))).slice(0, MOST_FILES / 2);
    if (this.#isFetching) return;
    this.#isFetching = true;
    while (this.#expected.length) {
      await Promise.allSettled(this.#fetch(this.#expected.splice(0, AT_ONCE), "low"));
    }
    this.#isFetching = false;
  }

  /** Let go of the oldest, but for these bitmaps. */
  trim(wanted) {
    const inUse = new Set(wanted.map(nameOf));
    for (const [name, bitmap] of this.#bitmaps) {
      if (this.#bitmaps.size <= MOST) break;
      if (inUse.has(name)) continue;
      this.#bitmaps.delete(name);
      release(bitmap);
    }
    for (const name of this.#files.keys()) {
      if (this.#files.size <= MOST_FILES) break;
      this.#files.delete(name);
    }
  }

  /** Ask for those that nobody asked for yet. */
  #fetch(wanted, priority) {
    const known = this.#files;
    const lacking = wanted.filter((one) => !known.has(nameOf(one)) && !this.#bitmaps.has(nameOf(one)));
    const asked = [];
    for (let at = 0; at < lacking.length; at += MOST_AT_ONCE) {
      asked.push(...files(this.#style, lacking.slice(at, at + MOST_AT_ONCE), priority));
    }
    lacking.forEach((one, at) => {
      known.set(nameOf(one), asked[at]);
      asked[at].catch(() => known.delete(nameOf(one)));
    });
    return asked;
  }
}

const nameOf = ({ key, version }) => `${version}/${key}`;

/** What a map has; it is the last in it from now on. */
function used(map, name) {
  const found = map.get(name);
  if (map.delete(name)) map.set(name, found);
  return found;
}

const release = (bitmap) => bitmap.then((one) => one.close()).catch(() => null);

/** Draw bitmaps over one another, the first lowest, one pixel for each of theirs. */
export function draw(canvas, bitmaps, size) {
  if (canvas.width !== size.width || canvas.height !== size.height) {
    [canvas.width, canvas.height] = [size.width, size.height];
  }
  // in eight bits each layer over another costs up to one in 255; a browser without half floats ignores the wish
  const context = canvas.getContext("2d", { colorType: "float16" });
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (const bitmap of bitmaps) context.drawImage(bitmap, 0, 0);
}
