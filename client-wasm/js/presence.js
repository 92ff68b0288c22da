// Presence: who is here now, in a channel.
//
// The class listens to the channel, holds diffs back until the state has come, and calls back. What states and
// diffs do to the members is in members.js.

import { Members } from "./members.js";
import { ignore, PresenceEvent } from "./presence_event.js";
import { list, syncDiff, syncState } from "./states.js";

const EVENTS = { state: "presence_state", diff: "presence_diff" };

// Far more than come between a join and its state, however many users there are.
const MAX_PENDING_DIFFS = 10_000;

const NONE = [];

export class Presence {
  #members = new Members();
  // Events whose callbacks are due.
  #due = NONE;
  #subscribers = new Set();
  // What `getSnapshot` gave out, and whether it may be outdated.
  #snapshot = [];
  #stale = false;
  #destroyed = false;
  // What it listens to: for each, the event and what `off` takes.
  #bindings = [];

  constructor(channel, opts = {}) {
    const events = opts.events || EVENTS;
    const maxPendingDiffs = Math.max(1, opts.maxPendingDiffs || MAX_PENDING_DIFFS);
    this.pendingDiffs = [];
    this.channel = channel;
    this.joinRef = null;
    this.caller = { onJoin: ignore, onLeave: ignore, onSync: ignore };

    // A channel of ours has the text of a payload, others, such as those of phoenix.js, only what was parsed.
    const isOurs = typeof channel._bindRaw === "function";
    const bind = (event, hear) =>
      isOurs
        ? this.#bind("_bindRaw", event, hear)
        : this.#bind("on", event, (payload) => hear({ payload }));
    bind(events.state, (message) => this.#onState(message));
    bind(events.diff, (message) => {
      if (this.inPendingSyncState()) this.#hold(message.payload, maxPendingDiffs, events);
      else this.#onDiff(message);
    });
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

  onUpdate(callback) {
    this.caller.onUpdate = callback;
  }

  onChange(callback) {
    this.caller.onChange = callback;
  }

  get size() {
    return this.#members.size;
  }

  get connections() {
    return this.#members.connections;
  }

  has(key) {
    return this.get(key) !== undefined;
  }

  get(key) {
    return this.#members.get(String(key));
  }

  keys() {
    return this.#all((key) => key)[Symbol.iterator]();
  }

  values() {
    return this.#all((_key, presence) => presence)[Symbol.iterator]();
  }

  entries() {
    return this.#all((key, presence) => [key, presence])[Symbol.iterator]();
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  // For UI frameworks. A property, so that it may be passed on by itself.
  subscribe = (callback) => {
    // Wrapped, so that one who subscribes twice is called twice.
    const subscriber = () => callback();
    this.#subscribers.add(subscriber);
    return () => {
      this.#subscribers.delete(subscriber);
    };
  };

  getSnapshot = () => {
    if (this.#stale) {
      this.#stale = false;
      const last = this.#snapshot;
      const next = this.#all((key, presence) => [key, presence]);
      const same = (entry, i) => entry[0] === last[i][0] && entry[1] === last[i][1];
      if (next.length !== last.length || !next.every(same)) this.#snapshot = next;
    }
    return this.#snapshot;
  };

  destroy() {
    if (this.#destroyed) return;
    this.#destroyed = true;
    for (const event of this.#due) event.cancel();
    for (const [event, ref] of this.#bindings.splice(0)) this.channel.off?.(event, ref);
    this.#members.clear();
    this.#subscribers.clear();
    this.#snapshot = [];
    this.#stale = false;
    this.caller = { onJoin: ignore, onLeave: ignore, onSync: ignore };
    this.pendingDiffs = [];
    this.joinRef = null;
  }

  list(by) {
    return by ? this.#members.list(by) : this.#all((_key, presence) => presence);
  }

  #all(by) {
    const all = [];
    this.#members.forEach((key, presence) => all.push(by(key, presence)));
    return all;
  }

  get state() {
    return this.#members.state;
  }

  // Forgets everybody and takes these instead, without a callback.
  set state(presences) {
    if (this.#destroyed) return;
    this.#stale = true;
    this.#members.clear();
    this.#members.syncState(new PresenceEvent({}), presences);
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

  #bind(how, event, callback) {
    const ref = this.channel[how](event, (payload) => {
      // A channel need not have `off`: one may still call when all is over.
      if (!this.#destroyed) callback(payload);
    });
    this.#bindings.push([event, ref]);
  }

  #onState(message) {
    const event = new PresenceEvent(this.caller);
    this.#members.syncStateMessage(event, message);
    this.joinRef = this.channel.joinRef();
    const diffs = this.pendingDiffs;
    this.pendingDiffs = [];
    for (const diff of diffs) event.attempt(() => this.#members.syncDiff(event, diff));
    this.#deliver(event);
  }

  // Should the state come after all, it is the oldest diffs that are the most likely to be in it.
  #hold(payload, max, { state, diff }) {
    if (this.pendingDiffs.push(payload) <= max) return;
    this.pendingDiffs.splice(0, Math.ceil(max / 2));
    throw new Error(
      `Presence of '${this.channel.topic}': no '${state}' has come, and of more than ${max} '${diff}' the oldest were dropped: make it before channel.join()`,
    );
  }

  #onDiff(message) {
    const event = new PresenceEvent(this.caller);
    this.#members.syncDiffMessage(event, message);
    this.#deliver(event);
  }

  // Runs the callbacks of an event; of one that happens within a callback, when those before are through.
  // By now the members are what they are after the event. What a callback throws stops no other callback:
  // the first such exception goes on from here in the end.
  #deliver(event) {
    this.#stale = true;
    if (this.#due.length > 0) {
      this.#due.push(event);
      return;
    }
    const due = [event];
    this.#due = due;
    let errors = NONE;
    for (let i = 0; i < due.length; i++) {
      const event = due[i];
      event.deliver(this.#members);
      if (this.#subscribers.size > 0) {
        // Who subscribes meanwhile is told of the next event.
        for (const subscriber of [...this.#subscribers]) event.attempt(subscriber);
      }
      if (errors.length === 0) errors = event.errors;
    }
    this.#due = NONE;
    if (errors.length > 0) throw errors[0];
  }
}
