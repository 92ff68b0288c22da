// One state or diff that came, and what is to be told of it to those who listened then.

import { metasOf } from "./metas.js";

export const ignore = () => {};

// Changes go into another batch when one has more values than this, of four for each change.
const BATCH = 2_048;

const NOTHING = [];
const NOBODY = { keys: NOTHING, values: NOTHING };

export class PresenceEvent {
  // Engines forget what they have learned of a kind of object when the last one has gone: one stays.
  static kept = new PresenceEvent({});

  // The first thing that a callback threw, as the only element, if one did.
  errors = NOTHING;
  #cancelled = false;
  // Of each change: whether it is a leave, the key, the presence beside it, what came or went. In batches, for an
  // array of very many would be copied again and again.
  #batch = NOTHING;
  #batches = NOTHING;
  // The `{ keys, values }` of those who came when nobody was here, which is told first.
  #newcomers = NOBODY;
  #caller;

  constructor(caller) {
    // As it is now: a callback may replace another.
    const { onJoin, onLeave, onUpdate, onChange, onSync } = caller;
    this.#caller = { onJoin, onLeave, onUpdate, onChange, onSync };
    const watchesAll = heard(onUpdate) || heard(onChange);
    this.watchesJoins = watchesAll || heard(onJoin);
    this.watchesLeaves = watchesAll || heard(onLeave);
  }

  add(isLeave, key, current, what) {
    const batch = this.#batch;
    if (batch.length > 0 && batch.length < BATCH) {
      batch.push(isLeave, key, current, what);
      return;
    }
    this.#batch = [isLeave, key, current, what];
    if (this.#batches === NOTHING) this.#batches = [this.#batch];
    else this.#batches.push(this.#batch);
  }

  // Everybody came: for so many, what `add` keeps would be large.
  addAll(entries) {
    this.#newcomers = entries;
  }

  // Tells everything; `members` are those after the event.
  deliver(members) {
    try {
      this.#tellAll(members);
    } catch (error) {
      this.#note(error);
    }
  }

  #tellAll(members) {
    const { onJoin, onLeave, onUpdate, onChange, onSync } = this.#caller;
    const tellJoins = heard(onJoin);
    const tellLeaves = heard(onLeave);
    if (tellJoins) {
      const { keys, values } = this.#newcomers;
      for (let i = 0; i < keys.length; i++) this.#tell(onJoin, keys[i], undefined, values[i]);
    }
    const batches = this.#batches;
    for (let n = 0; n < batches.length; n++) {
      const batch = batches[n];
      for (let i = 0; i < batch.length; i += 4) {
        if (batch[i] ? tellLeaves : tellJoins) {
          this.#tell(batch[i] ? onLeave : onJoin, batch[i + 1], batch[i + 2], batch[i + 3]);
        }
      }
    }
    if (heard(onUpdate)) {
      for (const update of this.#updates()) this.attempt(() => onUpdate(...update));
    }
    if (heard(onChange)) {
      const keys = this.#changedKeys(members);
      if (keys !== null) this.attempt(() => onChange(keys));
    }
    if (heard(onSync)) this.attempt(onSync);
  }

  // Tells of one change, and notes what is thrown.
  #tell(callback, key, current, what) {
    if (this.#cancelled) return;
    try {
      callback(key, current, what);
    } catch (error) {
      this.#note(error);
    }
  }

  // Calls back, and notes what is thrown.
  attempt(callback) {
    if (this.#cancelled) return;
    try {
      callback();
    } catch (error) {
      this.#note(error);
    }
  }

  // From here on nobody is told anything.
  cancel() {
    this.#cancelled = true;
  }

  #note(error) {
    if (this.errors === NOTHING) this.errors = [error];
  }

  *#each() {
    const { keys, values } = this.#newcomers;
    for (let i = 0; i < keys.length; i++) {
      yield { isLeave: false, key: keys[i], current: undefined, metas: metasOf(values[i]) };
    }
    for (const batch of this.#batches) {
      for (let i = 0; i < batch.length; i += 4) {
        yield { isLeave: batch[i], key: batch[i + 1], current: batch[i + 2], metas: metasOf(batch[i + 3]) };
      }
    }
  }

  // Each meta that went, with the one that came in its place: the new one names the old one.
  #updates() {
    const left = new Map();
    for (const { isLeave, key, metas } of this.#each()) {
      if (isLeave) left.set(key, new Map(metas.map((meta) => [meta?.phx_ref, meta])));
    }
    const updates = [];
    for (const { isLeave, key, metas } of this.#each()) {
      const gone = isLeave ? undefined : left.get(key);
      for (const after of gone === undefined ? [] : metas) {
        const previous = after?.phx_ref_prev;
        if (previous !== undefined && gone.has(previous)) updates.push([key, gone.get(previous), after]);
      }
    }
    return updates;
  }

  // The keys that came, went and changed; `null` if none did. A key that came and went again is none.
  #changedKeys(members) {
    const before = new Map();
    for (const { isLeave, key, current } of this.#each()) {
      if (!before.has(key)) before.set(key, isLeave || current !== undefined);
    }
    const keys = { joined: [], left: [], updated: [] };
    for (const [key, wasHere] of before) {
      const isHere = members.get(key) !== undefined;
      if (wasHere && isHere) keys.updated.push(key);
      else if (isHere) keys.joined.push(key);
      else if (wasHere) keys.left.push(key);
    }
    return keys.joined.length + keys.left.length + keys.updated.length > 0 ? keys : null;
  }
}

function heard(callback) {
  return Boolean(callback) && callback !== ignore;
}
