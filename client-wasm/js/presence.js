// Presence: who is here now, in a channel.
//
// The class listens to the channel, holds diffs back until the state has come, and calls back. Who is
// here is kept by one of two engines: for channels of herenow's, which hand over payloads as text, by wasm
// (text_members.js); for others, such as those of phoenix.js, which have made objects of them already, by
// JavaScript (object_members.js). To make text of objects again, for the wasm, and objects of that, would
// cost more than all the rest.

import { ObjectMembers, list, syncDiff, syncState } from "./object_members.js";
import { TextMembers } from "./text_members.js";
import { payloadText } from "./wasm.js";

const EVENTS = { state: "presence_state", diff: "presence_diff" };
const ignore = () => {};

// An event's changes go into another batch when one has more values than this, of four for each change.
const BATCH = 2_048;

export class Presence {
  #members;
  // Events whose callbacks are due.
  #due = [];

  constructor(channel, opts = {}) {
    const events = opts.events || EVENTS;
    this.pendingDiffs = [];
    this.channel = channel;
    this.joinRef = null;
    this.caller = { onJoin: ignore, onLeave: ignore, onSync: ignore };

    // Without a payload, an engine takes that of the frame which is just handled.
    if (typeof channel._bindRaw === "function") {
      this.#members = new TextMembers();
      channel._bindRaw(events.state, () => this.#onState());
      channel._bindRaw(events.diff, () => {
        if (this.inPendingSyncState()) this.pendingDiffs.push(JSON.parse(payloadText()));
        else this.#onDiff();
      });
    } else {
      this.#members = new ObjectMembers();
      channel.on(events.state, (state) => this.#onState(state));
      channel.on(events.diff, (diff) => {
        if (this.inPendingSyncState()) this.pendingDiffs.push(diff);
        else this.#onDiff(diff);
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
    return this.#members.list(by);
  }

  get state() {
    return this.#members.state;
  }

  // Forgets everybody and takes these instead, without a callback.
  set state(presences) {
    this.#members.clear();
    this.#members.sync(true, new Event({}), presences);
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

  #onState(state) {
    const event = new Event(this.caller);
    this.#members.sync(true, event, state);
    this.joinRef = this.channel.joinRef();
    const diffs = this.pendingDiffs;
    this.pendingDiffs = [];
    for (const diff of diffs) event.attempt(() => this.#members.sync(false, event, diff));
    this.#deliver(event);
  }

  #onDiff(diff) {
    const event = new Event(this.caller);
    this.#members.sync(false, event, diff);
    this.#deliver(event);
  }

  // Runs the callbacks of an event; of one that happens within a callback, when those before are through.
  // By now the members are what they are after the event. What a callback throws stops no other callback:
  // the first such exception goes on from here in the end.
  #deliver(event) {
    this.#due.push(event);
    if (this.#due.length > 1) return;
    const errors = [];
    for (let i = 0; i < this.#due.length; i++) {
      this.#due[i].deliver();
      errors.push(...this.#due[i].errors);
    }
    this.#due = [];
    if (errors.length > 0) throw errors[0];
  }
}

// A state or a diff that came, and what is to be told of it to those who listened then.
class Event {
  errors = [];
  #batch = [];
  #batches = [this.#batch];
  #onJoin;
  #onLeave;
  #onSync;

  constructor({ onJoin, onLeave, onSync }) {
    this.#onJoin = onJoin;
    this.#onLeave = onLeave;
    this.#onSync = onSync;
    this.watchesJoins = Boolean(onJoin) && onJoin !== ignore;
    this.watchesLeaves = Boolean(onLeave) && onLeave !== ignore;
  }

  // Where changes are to be added: whether it is a leave, the key, the presence beside it, what came or went.
  // A batch takes some more whatever is in it, but an array of very many would be copied again and again.
  batch() {
    if (this.#batch.length > BATCH) this.#batches.push((this.#batch = []));
    return this.#batch;
  }

  deliver() {
    for (const batch of this.#batches) {
      for (let i = 0; i < batch.length; i += 4) {
        const callback = batch[i] ? this.#onLeave : this.#onJoin;
        try {
          callback(batch[i + 1], batch[i + 2], batch[i + 3]);
        } catch (error) {
          this.errors.push(error);
        }
      }
    }
    if (this.#onSync) this.attempt(this.#onSync);
  }

  // Calls back, and notes what is thrown.
  attempt(callback) {
    try {
      callback();
    } catch (error) {
      this.errors.push(error);
    }
  }
}
