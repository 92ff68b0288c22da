// Presence: who is here now, in a channel.
//
// The members are kept in wasm, as the text that they came as (see src/presence.rs). Here are the objects
// that somebody has looked at: those given to callbacks, and those that list() and state have shown. Each
// is made once, with all others that are wanted at the moment, by a single JSON.parse, and kept until its
// presence changes. To list members that did not change costs no call into wasm at all.

import { PresenceCore, payloadText, readText, words, writeScratch } from "./wasm.js";
import { list, syncDiff, syncState } from "./presence_objects.js";

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

const EVENTS = { state: "presence_state", diff: "presence_diff" };
const ignore = () => {};

export class Presence {
  #core = new PresenceCore(random(), random());
  // By slot, the small number that wasm gives each key.
  #keys = [];
  #objects = [];
  // The slots of all members, in order. Right if #fresh; else wasm knows better.
  #order = new Uint32Array(0);
  #fresh = true;
  // What `state` returned last, the object that it shows for each slot, and the slots of which there is a
  // newer one.
  #state = null;
  #shown = [];
  #touched = [];
  // Events whose callbacks are due.
  #due = [];

  constructor(channel, opts = {}) {
    const events = opts.events || EVENTS;
    this.pendingDiffs = [];
    this.channel = channel;
    this.joinRef = null;
    this.caller = { onJoin: ignore, onLeave: ignore, onSync: ignore };

    if (typeof channel._bindRaw === "function") {
      channel._bindRaw(events.state, () => this.#onState(false));
      channel._bindRaw(events.diff, () => {
        if (this.inPendingSyncState()) {
          this.pendingDiffs.push(JSON.parse(payloadText()));
        } else {
          this.#onDiff(false);
        }
      });
    } else {
      channel.on(events.state, (state) => {
        writeScratch(String(JSON.stringify(state)));
        this.#onState(true);
      });
      channel.on(events.diff, (diff) => {
        if (this.inPendingSyncState()) {
          this.pendingDiffs.push(diff);
        } else {
          writeScratch(String(JSON.stringify(diff)));
          this.#onDiff(true);
        }
      });
    }
  }

  onJoin(callback) {
    this.caller.onJoin = callback;
  }

  onLeave(callback) {
    this.caller.onLeave = callback;
  }

  onSync(callback) {
    this.caller.onSync = callback;
  }

  list(by) {
    this.#refresh();
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
    const keys = this.#keys;
    const objects = this.#objects;
    const show = (slot) => {
      this.#state[keys[slot]] = this.#shown[slot] = objects[slot];
    };
    if (this.#state === null) {
      this.#state = Object.create(null);
      this.#shown = [];
      this.#order.forEach(show);
    } else {
      // Keys that are new come last, in order (or are array indices, which find their place themselves).
      let known = this.#order.length;
      while (known > 0 && this.#shown[this.#order[known - 1]] === undefined) known--;
      this.#order.subarray(known).forEach(show);
      this.#touched.filter((slot) => this.#shown[slot] !== objects[slot]).forEach(show);
    }
    this.#touched = [];
    return this.#state;
  }

  // Forgets everybody and takes these instead, without a callback.
  set state(presences) {
    this.#core.reset();
    this.#keys = [];
    this.#objects = [];
    this.#state = null;
    this.#touched = [];
    writeScratch(String(JSON.stringify(presences)));
    this.#sync("presence_state", true, { changes: [] });
  }

  inPendingSyncState() {
    return !this.joinRef || this.joinRef !== this.channel.joinRef();
  }

  static syncState(currentState, newState, onJoin, onLeave) {
    return syncState(currentState, newState, onJoin, onLeave);
  }

  static syncDiff(state, diff, onJoin, onLeave) {
    return syncDiff(state, diff, onJoin, onLeave);
  }

  static list(presences, chooser) {
    return list(presences, chooser);
  }

  #onState(scratch) {
    const event = { ...this.caller, changes: [], errors: [] };
    this.#sync("presence_state", scratch, event);
    this.joinRef = this.channel.joinRef();
    const diffs = this.pendingDiffs;
    this.pendingDiffs = [];
    for (const diff of diffs) {
      writeScratch(String(JSON.stringify(diff)));
      attempt(event.errors, () => this.#sync("presence_diff", true, event));
    }
    this.#deliver(event);
  }

  #onDiff(scratch) {
    const event = { ...this.caller, changes: [], errors: [] };
    this.#sync("presence_diff", scratch, event);
    this.#deliver(event);
  }

  // Applies the payload that has been written, and adds to the event what is to be reported of it.
  #sync(kind, scratch, event) {
    const joins = event.onJoin && event.onJoin !== ignore ? WATCH_JOINS : 0;
    const leaves = event.onLeave && event.onLeave !== ignore ? WATCH_LEAVES : 0;
    const count = this.#core.sync(kind === EVENTS.state, scratch, joins | leaves);
    if (count < 0) throw new TypeError(`${kind} refused: ${refusal(count, this.#core.error_offset())}`);
    this.#fresh = false;
    if (count > 0) this.#report(count, event.changes);
  }

  #report(count, changes) {
    const [values, newKeys] = this.#given();
    const keys = this.#keys;
    const objects = this.#objects;
    const records = words();
    const start = this.#core.records_ptr() >>> 2;
    let key = 0;
    let value = 0;
    for (let at = start; at < start + count; at += 2) {
      const slot = records[at];
      const flags = records[at + 1];
      if (flags & KEY) keys[slot] = newKeys[key++];
      let how = (flags >> 2) & 3;
      let current;
      if (how !== NONE) {
        current = how === KEPT ? objects[slot] : presence(values[value++], how === SOLE);
        if (flags & KEEP_CURRENT) this.#keep(slot, current);
      }
      how = (flags >> 4) & 3;
      if (how !== NONE) {
        const what = how === KEPT ? objects[slot] : presence(values[value++], how === SOLE);
        if (flags & KEEP_WHAT) this.#keep(slot, what);
        changes.push(flags & LEAVE, keys[slot], current, what);
      }
      if (flags & DROP) this.#drop(slot);
    }
  }

  // Fetches the objects that are missing, and the order.
  #refresh() {
    if (this.#fresh) return;
    const core = this.#core;
    const count = core.refresh();
    if (count > 0) {
      const [values, keys] = this.#given();
      const records = words();
      const start = core.records_ptr() >>> 2;
      let key = 0;
      for (let i = 0; i < count; i++) {
        const record = records[start + i];
        const slot = record >>> 2;
        if (record & 1) this.#keys[slot] = keys[key++];
        this.#keep(slot, presence(values[i], record & 2));
      }
    }
    const start = core.order_ptr() >>> 2;
    this.#order = words().slice(start, start + core.count());
    this.#fresh = true;
  }

  // The values and keys that wasm has to give.
  #given() {
    return JSON.parse(readText(this.#core.text_ptr(), this.#core.text_len()));
  }

  #keep(slot, object) {
    this.#objects[slot] = object;
    if (this.#state !== null) this.#touch(slot);
  }

  #drop(slot) {
    if (this.#state !== null && this.#shown[slot] !== undefined) {
      delete this.#state[this.#keys[slot]];
      this.#shown[slot] = undefined;
    }
    this.#keys[slot] = this.#objects[slot] = undefined;
  }

  // Notes what `state` has to show anew. If it is not read for long, it had better be made anew itself.
  #touch(slot) {
    this.#touched.push(slot);
    if (this.#touched.length > 2 * this.#objects.length + 100) {
      this.#state = null;
      this.#touched = [];
    }
  }

  // Runs the callbacks of an event; of one that happens within a callback, when those before are through.
  // By now the members are what they are after the event. What a callback throws stops no other callback:
  // the first such exception goes on from here in the end.
  #deliver(event) {
    this.#due.push(event);
    if (this.#due.length > 1) return;
    const errors = [];
    for (let i = 0; i < this.#due.length; i++) {
      const { changes, onJoin, onLeave, onSync } = this.#due[i];
      errors.push(...this.#due[i].errors);
      for (let j = 0; j < changes.length; j += 4) {
        const callback = changes[j] ? onLeave : onJoin;
        try {
          callback(changes[j + 1], changes[j + 2], changes[j + 3]);
        } catch (error) {
          errors.push(error);
        }
      }
      if (onSync) attempt(errors, onSync);
    }
    this.#due = [];
    if (errors.length > 0) throw errors[0];
  }
}

// Calls back, and adds what is thrown to the errors.
function attempt(errors, callback) {
  try {
    callback();
  } catch (error) {
    errors.push(error);
  }
}

function presence(value, sole) {
  return sole ? { metas: [value] } : value;
}

function random() {
  return Math.floor(Math.random() * 2 ** 32);
}

function refusal(code, offset) {
  if (code === -1) return `no JSON object of presences at byte ${offset}`;
  if (code === -4) return "too much text";
  return `it has no "${code === -2 ? "joins" : "leaves"}"`;
}
