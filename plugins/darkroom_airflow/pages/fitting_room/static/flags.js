// The flags of a style: what people found wrong with combinations, who and when, until somebody clears them.

import { announce, byId, element, say } from "./dom.js";
import * as server from "./server.js";

/** The flags on the page. `show(name)` is told which flagged picture somebody wants to see. */
export class Flags {
  #show;
  #style = "";
  #flags = [];
  #mayFlag = false;
  #picture = "";

  constructor(show) {
    this.#show = show;
    byId("flag-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#flag();
    });
  }

  /** Load those of a style. */
  async load(style) {
    this.#style = style;
    try {
      const { flags, may_flag: mayFlag } = await server.flagsOf(style);
      if (style !== this.#style) return;
      [this.#flags, this.#mayFlag] = [flags, mayFlag];
      say(byId("flag-trouble"), "");
    } catch (error) {
      [this.#flags, this.#mayFlag] = [[], false];
      say(byId("flag-trouble"), error.message);
    }
    this.#update();
  }

  /** Say which picture would be flagged. */
  of(picture) {
    this.#picture = picture;
    byId("flag-what").textContent = picture;
    for (const item of byId("flags").children) item.classList.toggle("here", item.dataset.picture === picture);
  }

  async #flag() {
    const note = byId("note");
    const style = this.#style;
    await this.#change(async () => {
      const made = await server.flag(style, this.#picture, note.value);
      if (style === this.#style) this.#flags = [made, ...this.#flags];
      note.value = "";
      announce(`${made.picture} is flagged.`);
    });
  }

  async #clear(flag) {
    await this.#change(async () => {
      const cleared = await server.clear(this.#style, flag.id);
      this.#flags = this.#flags.map((one) => (one.id === cleared.id ? cleared : one));
      announce(`The flag of ${flag.picture} is cleared.`);
    });
    byId("flags-title").focus(); // the button that had it is gone
  }

  async #change(act) {
    byId("flag").disabled = true;
    try {
      await act();
      say(byId("flag-trouble"), "");
    } catch (error) {
      say(byId("flag-trouble"), error.message);
    }
    byId("flag").disabled = false;
    this.#update();
  }

  #update() {
    const standing = this.#flags.filter((one) => !one.cleared);
    const cleared = this.#flags.filter((one) => one.cleared);
    byId("flag-form").hidden = !this.#mayFlag;
    byId("may-not-flag").hidden = this.#mayFlag;
    byId("flag-count").textContent = standing.length;
    byId("to-flags").classList.toggle("some", standing.length > 0);
    const none = element("li", { className: "quiet" }, "None stands: nothing holds the approval up.");
    byId("flags").replaceChildren(...(standing.length ? standing.map((one) => this.#item(one)) : [none]));
    byId("cleared").replaceChildren(...cleared.map((one) => this.#item(one)));
    byId("cleared-count").textContent = cleared.length;
    byId("cleared-box").hidden = cleared.length === 0;
    this.of(this.#picture);
  }

  #item(flag) {
    const name = element("button", { type: "button", className: "picture", title: "Show this picture" }, flag.picture);
    name.addEventListener("click", () => this.#show(flag.picture));
    const who = element("p", { className: "who" }, element("bdi", {}, flag.by), ", ", time(flag.when));
    if (flag.cleared) who.append("; cleared by ", element("bdi", {}, flag.cleared_by), ", ", time(flag.cleared));
    const item = element("li", {}, name, element("p", { className: "note", dir: "auto" }, flag.note), who);
    item.dataset.picture = flag.picture;
    if (!flag.cleared && this.#mayFlag) {
      const clear = element("button", { type: "button", "aria-label": `Clear the flag of ${flag.picture}` }, "Clear");
      clear.addEventListener("click", () => this.#clear(flag));
      who.append(" ", clear);
    }
    return item;
  }
}

function time(when) {
  const at = new Date(when);
  const text = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  return element("time", { dateTime: when, title: when }, text);
}
