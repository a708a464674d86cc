// What the page shows, as its address. Pure functions: `read(write(state))` is the state.

export const VIEWS = ["composites", "pyramids", "nights"];
const WORDS = {
  composites: ["style", "length", "side", "colour", "first", "open", "beside", "version", "how"],
  pyramids: ["prefix", "after", "open"],
  nights: ["run", "plan", "job", "first", "open"],
};
const NUMBERS = new Set(["colour", "first", "job"]);

/** The state of an address, from its `?` on; what it does not say is empty. */
export function read(search) {
  const said = new URLSearchParams(search);
  const view = VIEWS.includes(said.get("view")) ? said.get("view") : VIEWS[0];
  const state = { view };
  for (const word of WORDS[view]) {
    const value = said.get(word) ?? "";
    state[word] = NUMBERS.has(word) ? Math.max(0, Math.min(1e7, Number.parseInt(value, 10) || 0)) : value;
  }
  if (view === "composites") state.codes = [...new Set(said.getAll("code"))].slice(0, 100);
  return state;
}

/** The address of a state, from its `?` on. */
export function write(state) {
  const said = new URLSearchParams({ view: state.view });
  for (const word of WORDS[state.view]) if (state[word]) said.set(word, String(state[word]));
  for (const code of state.codes ?? []) said.append("code", code);
  return `?${said}`;
}

/** The address of Airflow's own page that has this one in its frame, with the state in it; null without such a frame. */
export function frameAddress(framePath, ownPath, search) {
  const at = framePath.indexOf("/plugin/lightbox");
  return at < 0 ? null : `${framePath.slice(0, at)}/plugin/lightbox${ownPath}${search}`;
}
