// The members of a topic, kept in wasm as the text that they came as (see src/presence.rs).
//
// Here are the objects that somebody has looked at: those given to callbacks, and those that `list` and
// `state` have shown. Each is made once, with all others that are wanted at the moment, by a single
// JSON.parse, and kept until its presence changes. To list members that did not change costs no call
// into wasm at all.

import { PresenceCore, readText, words, writeScratch } from "./wasm.js";

// What wasm is asked to report, and the flags of what it reports: see src/objects.rs.
const WATCH_JOINS = 1;
const WATCH_LEAVES = 2;
const LEAVE = 1;
const KEY = 1 << 1;
const KEEP_CURRENT = 1 << 6;
const KEEP_WHAT = 1 << 7;
const DROP = 1 << 8;
const NONE = 0;
const KEPT = 1;
const SOLE = 3;
const NEXT_PART = 0xffff_ffff;
const SEPARATOR = "\u0001";
// The first join of a key, with one meta and nothing else: what most of a snapshot is.
const NEW = KEY | (SOLE << 4) | KEEP_WHAT;

export class TextMembers {
  #core = new PresenceCore(random(), random());
  // By slot, the small number that wasm gives each key.
  #keys = [];
  #objects = [];
  // Whether #objects are right, and whether #order is. If not, wasm knows better.
  #fresh = true;
  #sorted = true;
  // The slots of all members, in order.
  #order = new Uint32Array(0);
  // The objects by key, once somebody has asked for that.
  #state = null;

  // Applies a state or else a diff: the payload of the frame, unless one is given. Adds to the event what
  // there is to tell.
  sync(isState, event, payload) {
    const given = payload !== undefined;
    if (given) writeScratch(JSON.stringify(payload));
    const joins = event.watchesJoins ? WATCH_JOINS : 0;
    const leaves = event.watchesLeaves ? WATCH_LEAVES : 0;
    const count = this.#core.sync(isState, given, joins | leaves);
    if (count < 0) throw new TypeError(refusal(isState, count, this.#core.error_offset()));
    this.#fresh = false;
    this.#sorted = false;
    if (count > 0) this.#take(count, event);
  }

  list(by) {
    this.#refresh();
    this.#sort();
    const order = this.#order;
    const keys = this.#keys;
    const objects = this.#objects;
    const listed = new Array(order.length);
    for (let i = 0; i < order.length; i++) {
      const slot = order[i];
      listed[i] = by ? by(keys[slot], objects[slot]) : objects[slot];
    }
    return listed;
  }

  get state() {
    this.#refresh();
    if (this.#state === null) {
      this.#sort();
      this.#state = Object.create(null);
      for (const slot of this.#order) this.#state[this.#keys[slot]] = this.#objects[slot];
    }
    return this.#state;
  }

  clear() {
    this.#core.reset();
    this.#keys = [];
    this.#objects = [];
    this.#state = null;
  }

  // Gives the memory in wasm back. Nothing may be asked afterwards.
  free() {
    this.#core.free();
  }

  has(key) {
    return key in this.state;
  }

  get size() {
    return this.#core.size();
  }

  get connections() {
    return this.#core.connections();
  }

  // Takes over the objects that wasm gives, and the changes that it reports. All in one loop, because that
  // may run once for each member of a large room.
  #take(count, event) {
    const keys = this.#keys;
    const objects = this.#objects;
    const state = this.#state;
    const records = words();
    let at = this.#core.records_ptr() >>> 2;
    let textAt = this.#core.text_ptr();
    let values, newKeys, nextValue, nextKey, batch;
    for (const end = at + count; at < end; at += 2) {
      const slot = records[at];
      const flags = records[at + 1];
      if (slot === NEXT_PART) {
        const texts = readText(textAt, flags >>> 1).split(SEPARATOR);
        textAt += flags >>> 1;
        values = JSON.parse(texts[0]);
        nextValue = 0;
        newKeys = flags & 1 ? JSON.parse(texts[1]) : texts;
        nextKey = flags & 1 ? 0 : 1;
        batch = event?.batch();
        continue;
      }
      if (flags === NEW) {
        const key = newKeys[nextKey++];
        const what = alone(values[nextValue++]);
        keys[slot] = key;
        objects[slot] = what;
        if (state !== null) state[key] = what;
        batch.push(false, key, undefined, what);
        continue;
      }
      if (flags & KEY) keys[slot] = newKeys[nextKey++];
      const key = keys[slot];
      let how = (flags >> 2) & 3;
      let current;
      if (how !== NONE) {
        current = how === KEPT ? objects[slot] : values[nextValue++];
        if (how === SOLE) current = alone(current);
        // Keys that are new here come in the order in which they were added, and so they are in `state`.
        if (flags & KEEP_CURRENT) {
          objects[slot] = current;
          if (state !== null) state[key] = current;
        }
      }
      how = (flags >> 4) & 3;
      if (how !== NONE) {
        let what = how === KEPT ? objects[slot] : values[nextValue++];
        if (how === SOLE) what = alone(what);
        if (flags & KEEP_WHAT) {
          objects[slot] = what;
          if (state !== null) state[key] = what;
        }
        batch.push((flags & LEAVE) !== 0, key, current, what);
      }
      if (flags & DROP) {
        if (state !== null) delete state[key];
        keys[slot] = objects[slot] = undefined;
      }
    }
  }

  // Fetches the objects that are missing.
  #refresh() {
    if (this.#fresh) return;
    this.#fresh = true;
    const count = this.#core.refresh();
    if (count > 0) this.#take(count, null);
  }

  // Fetches the order.
  #sort() {
    if (this.#sorted) return;
    this.#sorted = true;
    const count = this.#core.sort();
    const start = this.#core.order_ptr() >>> 2;
    this.#order = words().slice(start, start + count);
  }
}

// A presence of one meta. In two steps, for which engines have faster code than for a nested literal.
function alone(meta) {
  const metas = [meta];
  return { metas };
}

function random() {
  return Math.floor(Math.random() * 2 ** 32);
}

function refusal(isState, code, offset) {
  const what = isState ? "presence_state" : "presence_diff";
  if (code === -4) return `${what} refused: too much text`;
  const where = { [-1]: `at byte ${offset}`, [-2]: 'in "joins"', [-3]: 'in "leaves"' };
  return `${what} refused: no object of presences ${where[code]}`;
}
