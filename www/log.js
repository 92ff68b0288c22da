// What just happened, newest first. The list is a live region: each line is also read out.

import { element } from "./dom.js";
import { STATUSES, avatar, clean, deviceOf, statusOf } from "./identity.js";
import { clock } from "./time.js";

const KEPT = 60;

const SAY = {
  arrived: () => "came in. That’s you",
  back: () => "are connected again",
  joined: () => "came in",
  left: () => "left",
  opened: (meta) => `came in on another device, ${deviceOf(meta)}`,
  closed: (meta) => `left one device, ${deviceOf(meta)}`,
  changed: (meta) => `is ${STATUSES[statusOf(meta)].toLowerCase()}`,
};

export class Log {
  #list;

  constructor(list) {
    this.#list = list;
  }

  // Adds a line for `event`, { kind, key, meta }.
  add({ kind, key, meta }) {
    const name = clean(key);
    const who = kind === "back" ? "You" : name;
    this.#list.prepend(element("li", { class: kind },
      avatar(name),
      element("p", {}, element("b", {}, who), ` ${SAY[kind](meta)}`),
      element("time", { datetime: new Date().toISOString() }, clock())));
    while (this.#list.children.length > KEPT) this.#list.lastElementChild.remove();
  }
}
