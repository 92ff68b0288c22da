// The list of people: one row each, with their devices folded in. Rows are kept from one render to the
// next, so that an open row stays open and only what is new moves.

import { element, setText } from "./dom.js";
import { STATUSES, avatar, clean, deviceOf, nodeOf, statusOf, statusOfAll } from "./identity.js";
import { lasting, onlineAt } from "./time.js";

// More rows than anybody reads, and few enough to lay out at once.
const SHOWN = 200;

export class People {
  #rows = new Map();
  #list;
  #self;

  // `self`: { name, tab }, to mark one's own row and device.
  constructor(list, self) {
    this.#list = list;
    this.#self = self;
  }

  // Shows `people`, [{ key, metas }]; returns how many more there are than rows.
  render(people) {
    const shown = this.#inOrder(people).slice(0, SHOWN);
    const keys = new Set(shown.map(({ key }) => key));
    for (const [key, row] of this.#rows) {
      if (keys.has(key)) continue;
      row.item.remove();
      this.#rows.delete(key);
    }
    shown.forEach((person, index) => {
      let row = this.#rows.get(person.key);
      if (!row) this.#rows.set(person.key, (row = new Row(person.key, this.#self)));
      row.render(person.metas);
      const place = this.#list.children[index];
      if (place !== row.item) this.#list.insertBefore(row.item, place ?? null);
    });
    return people.length - shown.length;
  }

  // Time passed.
  tick() {
    for (const row of this.#rows.values()) row.tick();
  }

  // Oneself, then who came first; the name settles the rest, so that nothing jumps.
  #inOrder(people) {
    return people
      .map((person) => ({ ...person, since: Math.min(...person.metas.map((meta) => onlineAt(meta))) }))
      .sort((a, b) =>
        (b.key === this.#self.name) - (a.key === this.#self.name) ||
        a.since - b.since || (a.key < b.key ? -1 : 1));
  }
}

class Row {
  #self;
  #isSelf;
  #metas = [];
  #who = element("span", { class: "who" });
  #about = element("span", { class: "about" });
  #devices = element("ul", { class: "devices" });

  constructor(key, self) {
    this.#self = self;
    this.#isSelf = key === self.name;
    this.name = clean(key);
    this.item = element("li", { class: "person" },
      element("details", {},
        element("summary", {},
          avatar(this.name),
          element("span", { class: "lines" }, this.#who, this.#about)),
        this.#devices));
  }

  render(metas) {
    this.#metas = metas;
    this.item.dataset.status = statusOfAll(metas);
    setText(this.#who, `${this.name} (count: ${metas.length})`);
    this.#devices.replaceChildren(...metas.map((meta) => this.#device(meta)));
    this.tick();
  }

  tick() {
    const since = Math.min(...this.#metas.map((meta) => onlineAt(meta)));
    const status = this.item.dataset.status;
    const devices = this.#metas.length;
    setText(this.#about, [
      this.#isSelf && "You",
      status !== "available" && STATUSES[status],
      came(since),
      devices > 1 && `${devices} devices`,
      nodesOf(this.#metas),
    ].filter(Boolean).join(" · "));
    this.#metas.forEach((meta, index) => {
      setText(this.#devices.children[index].lastElementChild, lasting(onlineAt(meta)));
    });
  }

  #device(meta) {
    const own = this.#isSelf && meta.tab === this.#self.tab;
    const status = statusOf(meta);
    return element("li", { "data-status": status },
      element("span", { class: "device" }, deviceOf(meta)),
      own && element("span", { class: "tag" }, "this tab"),
      nodeOf(meta) && element("span", { class: "tag" }, nodeOf(meta)),
      element("span", { class: "unseen" }, STATUSES[status]),
      element("span", { class: "since" }));
  }
}

// "on node-1 and node-2"; nothing where the server is not one of several.
function nodesOf(metas) {
  const nodes = [...new Set(metas.map(nodeOf).filter(Boolean))].sort();
  return nodes.length > 0 && `on ${nodes.join(" and ")}`;
}

function came(since) {
  const time = lasting(since);
  return time === "just now" ? "came just now" : `here for ${time}`;
}
