// From a catalogue and picked codes to the stack that draws them (docs/catalogue.md). Pure functions, no page.

const DEFAULT = "default";
const BELOW_ALL = -1;

/** The length of a catalogue by its slug, or undefined. */
export function lengthOf(catalogue, slug) {
  return catalogue.lengths.find((length) => length.slug === slug);
}

/** Codes as the length layers them; those that it does not know stay behind the others, in their order. */
export function inOrder(length, codes) {
  const rank = new Map(length.order.map((code, at) => [code, at]));
  const of = (code) => rank.get(code) ?? rank.size;
  return [...new Set(codes)].sort((one, other) => of(one) - of(other));
}

/**
 * The stack of a combination, the lowest layer first: `[{layer, slot, code, why}]`.
 *
 * `code` is who draws it (`default`: the defaults; "": an exception that says what the slot shows), `why` is
 * `{kind: "default" | "rule" | "exception", conditions, exception}`.
 */
export function stackOf(catalogue, slug, sideName, codes) {
  const length = lengthOf(catalogue, slug);
  const side = own(length.sides, sideName);
  const picked = inOrder(length, codes);
  const place = new Map(picked.map((code, at) => [code, at]));
  const drawn = byRule(catalogue, side, picked, place);
  const holding = picked.length ? side.exceptions.filter((one) => holds(one, place)) : [];
  for (const exception of holding) {
    if (exception.code !== null) change(drawn, exception, place);
  }
  const shown = new Map(catalogue.slots.map((slot) => [slot, shownIn(catalogue, slot, drawn.get(slot))]));
  for (const exception of holding.filter((one) => one.code === null)) {
    for (const [slot, said] of Object.entries(exception.slots)) {
      if (Array.isArray(said)) {
        shown.set(slot, said.map((layer) => ({ layer, slot, code: "", why: { kind: "exception", exception } })));
      }
    }
  }
  return catalogue.slots.flatMap((slot) => shown.get(slot));
}

/** What each code draws in each slot by the rule alone: slot -> code -> `{at, layers, why}`. */
function byRule(catalogue, side, picked, place) {
  const drawn = new Map(catalogue.slots.map((slot) => [slot, new Map()]));
  const standing = new Set(side.standing);
  for (const [slot, layer] of Object.entries(side.defaults)) {
    drawn.get(slot).set(DEFAULT, { at: [BELOW_ALL, BELOW_ALL], layers: [layer], why: { kind: "default" } });
  }
  for (const code of picked) {
    const at = place.get(code);
    for (const { slot, layer, conditions } of drawnBy(side, code, place, standing)) {
      drawn.get(slot).set(code, { at: [at, at], layers: [layer], why: { kind: "rule", conditions } });
    }
  }
  return drawn;
}

/** The layers that a code draws, at most one a slot. */
function drawnBy(side, code, place, standing) {
  const best = [];
  for (const [slot, candidates] of Object.entries(own(side.draws, code) ?? {})) {
    const layer = bestOf(candidates.filter((one) => allHold(one.conditions, place, standing)), place);
    if (layer) best.push({ slot, ...layer });
  }
  const forPicked = best.filter((one) => one.conditions.some((word) => place.has(word)));
  if (forPicked.length) return forPicked;
  const elsewhere = own(side.elsewhere, code) ?? {};
  const onlyElsewhere = ({ slot }) =>
    (own(elsewhere, slot) ?? []).some((words) => allHold(words, place, standing) && words.some((word) => place.has(word)));
  return best.filter((one) => !onlyElsewhere(one));
}

function allHold(conditions, place, standing) {
  return conditions.every((word) => place.has(word) || standing.has(word));
}

/** The most conditions met by picked codes; then the one whose condition is layered last; then the first. */
function bestOf(candidates, place) {
  let best = null;
  let score = null;
  for (const one of candidates) {
    const met = one.conditions.filter((word) => place.has(word)).map((word) => place.get(word));
    const here = [met.length, Math.max(BELOW_ALL, ...met)];
    if (!best || here[0] > score[0] || (here[0] === score[0] && here[1] > score[1])) [best, score] = [one, here];
  }
  return best;
}

function holds(exception, picked) {
  if (!exception.with.every((code) => picked.has(code))) return false;
  if (exception.with_any_of.length && !exception.with_any_of.some((code) => picked.has(code))) return false;
  if (exception.without.some((code) => picked.has(code))) return false;
  if (exception.alone === null) return true;
  const named = new Set([...exception.with, ...exception.with_any_of]);
  return exception.alone === [...picked.keys()].every((code) => named.has(code));
}

/** What an exception says of what a code draws. */
function change(drawn, exception, place) {
  const { code } = exception;
  const home = code === DEFAULT ? BELOW_ALL : place.get(code);
  for (const [slot, said] of Object.entries(exception.slots)) {
    const before = drawn.get(slot).get(code) ?? { at: [home, home], layers: [], why: { kind: "rule", conditions: [] } };
    if (Array.isArray(said)) {
      drawn.get(slot).set(code, { at: before.at, layers: said, why: { kind: "exception", exception } });
    } else {
      const at = "after" in said ? place.get(said.after) + 0.5 : place.get(said.before) - 0.5;
      drawn.get(slot).set(code, { ...before, at: [at, before.at[1]] });
    }
  }
}

/** What a slot shows, the lowest first. */
function shownIn(catalogue, slot, drawn) {
  const latestFirst = [...drawn]
    .filter(([, one]) => one.layers.length)
    .sort(([, one], [, other]) => other.at[0] - one.at[0] || other.at[1] - one.at[1]);
  const shown = catalogue.collecting.includes(slot) ? latestFirst : latestFirst.slice(0, 1);
  return shown.flatMap(([code, { layers, why }]) => layers.map((layer) => ({ layer, slot, code, why })));
}

/** A value that an object itself has: a code may be called `constructor`. */
export function own(object, name) {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
