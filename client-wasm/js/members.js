// The members of a topic: a presence for each key, in the order of an object's own properties, and what states
// and diffs do to them. The rules are those of phoenix.js, to which the differential tests hold them; an object
// that was received or has been given out is never changed, only replaced.

import { isObject, metasOf, sameRefs, without } from "./metas.js";

export class Members {
  // By key, in Maps, which unlike objects stay fast when they are large and change: first those keys that
  // engines take for indices of an array and put first, then all others.
  #indices = new Map();
  #names = new Map();
  // The keys of #indices ascending; null if some came or went since.
  #ascending = [];
  // All of it as an object, once somebody has asked for that.
  #state = null;

  get size() {
    return this.#indices.size + this.#names.size;
  }

  get connections() {
    let count = 0;
    for (const presences of [this.#indices, this.#names]) {
      for (const presence of presences.values()) count += metasOf(presence).length;
    }
    return count;
  }

  get(key) {
    return this.#holding(key).get(key);
  }

  get state() {
    if (this.#state === null) {
      const state = Object.create(null);
      this.list((key, presence) => {
        state[key] = presence;
      });
      this.#state = state;
    }
    return this.#state;
  }

  list(by = (_key, presence) => presence) {
    const listed = [];
    if (this.#indices.size > 0) {
      this.#ascending ??= Array.from(Uint32Array.from(this.#indices.keys()).sort(), String);
      for (const key of this.#ascending) listed.push(by(key, this.#indices.get(key)));
    }
    for (const [key, presence] of this.#names) listed.push(by(key, presence));
    return listed;
  }

  clear() {
    this.#indices.clear();
    this.#names.clear();
    this.#ascending = [];
    this.#state = null;
  }

  // Takes over a state, and adds to the event what there is to tell.
  syncState(event, next) {
    const keys = presenceKeys(next, "presence_state");
    if (this.size === 0) {
      for (const key of keys) this.#join(event, key, next[key]);
      return;
    }
    const joins = [];
    // As an object, which brings the keys in order.
    const leaves = Object.create(null);
    this.list((key, presence) => {
      if (!Object.hasOwn(next, key)) leaves[key] = presence;
    });
    for (const key of keys) {
      const presence = next[key];
      const current = this.get(key);
      if (current === undefined) {
        joins.push(key, presence);
        continue;
      }
      const [before, after] = [metasOf(current), metasOf(presence)];
      if (sameRefs(before, after)) continue;
      const joined = without(after, before);
      const left = without(before, after);
      if (joined.length > 0) joins.push(key, withMetas(presence, joined));
      if (left.length > 0) leaves[key] = withMetas(current, left);
    }
    for (let i = 0; i < joins.length; i += 2) this.#join(event, joins[i], joins[i + 1]);
    for (const key of Object.keys(leaves)) this.#leave(event, key, leaves[key]);
  }

  // Applies a diff, and adds to the event what there is to tell.
  syncDiff(event, diff) {
    const { joins, leaves } = isObject(diff) ? diff : {};
    const joined = presenceKeys(joins, "presence_diff", ' in "joins"');
    const left = presenceKeys(leaves, "presence_diff", ' in "leaves"');
    for (const key of joined) this.#join(event, key, joins[key]);
    for (const key of left) this.#leave(event, key, leaves[key]);
  }

  #holding(key) {
    return isArrayIndex(key) ? this.#indices : this.#names;
  }

  #join(event, key, joined) {
    const presences = this.#holding(key);
    const current = presences.get(key);
    let presence = joined;
    if (current === undefined) {
      if (presences === this.#indices) this.#ascending = null;
    } else {
      const kept = without(metasOf(current), metasOf(joined));
      if (kept.length > 0) presence = { ...joined, metas: kept.concat(metasOf(joined)) };
    }
    presences.set(key, presence);
    if (this.#state !== null) this.#state[key] = presence;
    if (event.watchesJoins) event.add(false, key, current, joined);
  }

  #leave(event, key, left) {
    const presences = this.#holding(key);
    const before = presences.get(key);
    if (before === undefined) return;
    const kept = without(metasOf(before), metasOf(left));
    const current = withMetas(before, kept);
    if (kept.length === 0) {
      presences.delete(key);
      if (presences === this.#indices) this.#ascending = null;
      if (this.#state !== null) delete this.#state[key];
    } else {
      presences.set(key, current);
      if (this.#state !== null) this.#state[key] = current;
    }
    if (event.watchesLeaves) event.add(true, key, current, left);
  }
}

// The same presence with some of its metas.
function withMetas(presence, metas) {
  return metas.length === metasOf(presence).length ? presence : { ...presence, metas };
}

// The keys of an object of presences, if that is what it is.
function presenceKeys(presences, what, where = "") {
  const refuse = (where) => {
    throw new TypeError(`${what} refused: no object of presences${where}`);
  };
  if (!isObject(presences)) refuse(where);
  const keys = Object.keys(presences);
  for (const key of keys) if (!isObject(presences[key])) refuse(`${where} at "${key}"`);
  return keys;
}

// Whether engines put the key before all that are none, in ascending order.
function isArrayIndex(key) {
  const first = key.charCodeAt(0);
  if (!(first >= 48 && first <= 57)) return false;
  const index = key >>> 0;
  return index !== 0xffff_ffff && String(index) === key;
}
