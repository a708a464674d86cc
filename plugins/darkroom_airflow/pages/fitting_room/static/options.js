// The option tree of a length: what may be picked beside what is picked, and why something may not. Pure functions.

import { inOrder, own } from "./resolve.js";

/**
 * The groups in which a length's codes are offered: `[{kind, codes, atMost, under}]`, each code in one group only.
 *
 * A style that says no options offers every code, and nobody knows which go together (`kind: "unknown"`).
 */
export function groupsOf(length) {
  if (!length.codes.length) {
    return [{ kind: "unknown", codes: [...length.order], atMost: null, under: [], requires: [] }];
  }
  const seen = new Set();
  const groups = [];
  for (const choice of length.choices) {
    const codes = choice.codes.filter((code) => length.codes.includes(code) && !seen.has(code));
    codes.forEach((code) => seen.add(code));
    if (!codes.length) continue;
    const { kind, at_most: atMost, under, requires } = choice;
    groups.push({ kind: kind === "one of" && codes.length === 1 ? "any of" : kind, codes, atMost, under, requires });
  }
  return joined(groups);
}

/** Single free codes one after another read better as one group. */
function joined(groups) {
  const found = [];
  for (const group of groups) {
    const last = found.at(-1);
    const same = (one) => JSON.stringify([one.under, one.requires]);
    if (last && group.kind === "any of" && last.kind === "any of" && !group.atMost && !last.atMost && same(last) === same(group)) {
      last.codes.push(...group.codes);
    } else {
      found.push({ ...group, codes: [...group.codes] });
    }
  }
  return found;
}

/** Why `code` cannot be added to `picked`, a sentence each; none: it can. */
export function against(length, picked, code) {
  if (!length.codes.length) return [];
  const others = picked.filter((one) => one !== code);
  if (!length.codes.includes(code)) return [`${length.name} does not offer it.`];
  if (length.impossible.includes(code)) return [`It needs something that ${length.name} does not offer.`];
  const said = [];
  const excluded = (own(length.excludes, code) ?? []).filter((one) => others.includes(one));
  if (excluded.length) said.push(`It does not go with ${list(excluded, "and")}.`);
  for (const choice of length.choices) {
    if (!choice.codes.includes(code)) continue;
    const lacking = choice.requires.filter((one) => !others.includes(one));
    if (lacking.length) said.push(`It needs ${list(lacking, "and")}.`);
    if (choice.under.length && !choice.under.some((one) => others.includes(one))) {
      said.push(choice.under.length > 1 ? `It needs one of ${list(choice.under, "or")}.` : `It needs ${choice.under[0]}.`);
    }
    if (choice.kind === "any of" && choice.at_most !== null) {
      const full = choice.codes.filter((one) => others.includes(one));
      if (full.length >= choice.at_most) {
        said.push(`At most ${choice.at_most} of ${list(choice.codes, "and")}; take ${list(full, "or")} away first.`);
      }
    }
  }
  return [...new Set(said)];
}

/** Why a combination is not offered, a sentence each; none: it is. */
export function problemsOf(length, picked) {
  const said = picked.flatMap((code) => against(length, picked, code).map((why) => `${code}: ${lower(why)}`));
  return [...new Set(said)];
}

/**
 * Pick or take away a code: `{codes, removed}`. What stood in the way in a group of one goes, as does what then lacks
 * what it needs; `removed` names it.
 */
export function toggled(length, picked, code) {
  if (picked.includes(code)) return without(length, picked, [code]);
  const group = groupsOf(length).find((one) => one.codes.includes(code));
  const instead = group?.kind === "one of" ? picked.filter((one) => group.codes.includes(one)) : [];
  const left = without(length, picked, instead);
  return { codes: inOrder(length, [...left.codes, code]), removed: left.removed };
}

/** Why a click on a code would do nothing; none: it does something. */
export function blocked(length, picked, code) {
  if (picked.includes(code)) return [];
  const { codes } = toggled(length, picked, code);
  return against(length, codes, code);
}

/** The combination without these codes, and without what needs them: `{codes, removed}`. */
export function without(length, picked, gone) {
  let codes = picked.filter((one) => !gone.includes(one));
  const removed = [];
  for (let lacking = true; lacking; ) {
    lacking = codes.find((code) => lacks(length, codes, code) && !lacks(length, picked, code));
    if (lacking) {
      removed.push(lacking);
      codes = codes.filter((one) => one !== lacking);
    }
  }
  return { codes, removed };
}

function lacks(length, picked, code) {
  return length.choices.some(
    (choice) =>
      choice.codes.includes(code) &&
      (choice.requires.some((one) => !picked.includes(one)) ||
        (choice.under.length > 0 && !choice.under.some((one) => picked.includes(one)))),
  );
}

/** As much of a combination as a length offers: `{codes, removed}`. What others need is tried first. */
export function fitting(length, picked) {
  let codes = [];
  let waiting = inOrder(length, picked);
  for (let more = true; more; ) {
    const next = waiting.find((code) => !against(length, codes, code).length);
    more = next !== undefined;
    if (more) {
      codes = inOrder(length, [...codes, next]);
      waiting = waiting.filter((one) => one !== next);
    }
  }
  return { codes, removed: waiting };
}

/** Names as people list them: `a, b and c`. */
export function list(names, word) {
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} ${word} ${names.at(-1)}` : (names[0] ?? "");
}

function lower(sentence) {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
