// Beside the picture: its stack, where each layer comes from, and the findings.

import { byId, element } from "./dom.js";
import { list } from "./options.js";

const SEVERITY = { error: "Error", warning: "Warning", note: "Note" };

/** Show the findings of the picture that is being changed. */
export function showFindings(findings) {
  const items = findings.map(({ severity, text }) =>
    element("li", { className: severity }, element("b", {}, SEVERITY[severity]), " ", text),
  );
  byId("findings").replaceChildren(...(items.length ? items : [element("li", { className: "quiet" }, "Nothing found.")]));
}

/** Show a stack, the top layer first. `isMissing(layer)`; `others`: the layers of the picture beside it, or null. */
export function showStack(stack, isMissing, others) {
  const items = stack.toReversed().map((one) => {
    const marks = [];
    if (isMissing(one.layer)) marks.push(element("span", { className: "mark error" }, "no proxy"));
    if (others && !others.has(one.layer)) marks.push(element("span", { className: "mark" }, "only here"));
    const name = element("code", {}, one.layer);
    const from = element("span", { className: "from" }, `${one.slot} · ${origin(one)}`);
    return element("li", {}, element("span", { className: "layer" }, name, ...marks), from);
  });
  byId("stack").replaceChildren(...(items.length ? items : [element("li", { className: "quiet" }, "No layer.")]));
}

/** Where a layer comes from, in words. */
export function origin({ code, why }) {
  if (why.kind === "default") return "the default";
  if (why.kind === "rule") return why.conditions.length ? `${code}, for ${list(why.conditions, "and")}` : code;
  const { exception } = why;
  const when = [...exception.with.filter((one) => one !== code)];
  if (exception.with_any_of.length) when.push(`one of ${list(exception.with_any_of, "or")}`);
  const who = code === "default" ? "the default" : code;
  const words = [who, when.length ? `with ${list(when, "and")}` : "", exception.without.length ? `without ${list(exception.without, "or")}` : "", exception.alone === true ? "alone" : ""];
  return `an exception of the style: ${words.filter(Boolean).join(" ") || "always"}`;
}
