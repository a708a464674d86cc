// Whether renders came since the page was loaded: looked up now and then, while somebody has the page in sight.

import { byId } from "./dom.js";
import * as server from "./server.js";

const EVERY = 120_000; // milliseconds; a page that comes into sight again looks at once

/** Says so on the page. `load()` is called when somebody wants to see them. */
export class News {
  #style = "";
  #version = "";

  constructor(load) {
    byId("show-news").addEventListener("click", load);
    document.addEventListener("visibilitychange", () => this.#look());
    setInterval(() => this.#look(), EVERY);
  }

  /** What the page shows from now on, and in which version. */
  since(style, version) {
    [this.#style, this.#version] = [style, version];
    byId("news").hidden = true;
  }

  async #look() {
    const style = this.#style;
    if (!style || document.visibilityState !== "visible" || !byId("news").hidden) return;
    const now = await server.versionOf(style).catch(() => this.#version); // what somebody does next will say what is wrong
    if (style === this.#style && now !== this.#version) byId("news").hidden = false;
  }
}
