// Making elements. Whatever comes from outside becomes text here, never markup.

/** An element with properties, `data-`/`aria-` attributes (with a dash in their names), and children: elements or text. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** The element of an id. */
export const byId = (id) => document.getElementById(id);

/** Show a sentence where one stands ready for it; none: hide it. */
export function say(place, sentence) {
  place.textContent = sentence;
  place.hidden = !sentence;
}

/** Tell who listens rather than looks. */
export function announce(sentence) {
  byId("said").textContent = sentence;
}
