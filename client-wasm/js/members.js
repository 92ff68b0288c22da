// The members of a topic: a presence for each key, in the order of an object's own properties, and what states
// and diffs do to them. The rules are those of phoenix.js, to which the differential tests hold them. A presence
// that was received or has been given out is never changed, only replaced; the object of all of them, `state`, is
// one that is kept up to date.

import { isObject, metasOf, sameRefs, without } from "./metas.js";
import { Snapshot } from "./snapshot.js";

// States of fewer characters are parsed as a whole, which is faster.
const LARGE = 2 ** 18;

// More keys than so many are sorted all over again.
const MOST_MOVES = 16;

// An array index and a position below this fit into the 53 bits of a number. No room is that large.
const MOST_KEYS = 2 ** 21;

export class Members {
  // By key, in Maps, which unlike objects stay fast when they are large and change: first those keys that
  // engines take for indices of an array and put first, then all others.
  #indices = new Map();
  #names = new Map();
  // The keys of #indices ascending, and how many were moved in and out of them since that was asked for; null if
  // those are many, which takes longer than to sort them.
  #ascending = [];
  #moves = 0;
  // What reads large states; none before the first of them.
  #snapshot = null;
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
      this.#ascending ??= inOwnOrder([...this.#indices.keys()]).ordered;
      this.#moves = 0;
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
    this.#forgetSnapshot();
  }

  // Takes over a state, and adds to the event what there is to tell.
  syncState(event, state) {
    const keys = presenceKeys(state, "presence_state");
    this.#forgetSnapshot();
    const presences = keys.map((key) => state[key]);
    this.#compare(event, keys, presences, (key) => Object.hasOwn(state, key));
  }

  // The same with the text of a state. Returns false, with nothing changed, if it has to be parsed as a whole.
  syncText(event, text) {
    if (text.length < LARGE) return false;
    this.#snapshot ??= new Snapshot();
    const read = this.#snapshot.read(text);
    if (read === null) {
      this.#forgetSnapshot();
      return false;
    }
    const { size } = read;
    const { ordered: keys, positions } = inOwnOrder(read.keys);
    const presences = positions === null ? read.presences : positions.map((i) => read.presences[i]);
    let stays = () => true;
    if (this.size > 0) {
      // Those who were passed over are here, so if somebody is not there any more, it shows in the number.
      const newcomers = keys.reduce((count, key) => count + (this.get(key) === undefined), 0);
      if (this.size + newcomers > size) {
        const all = this.#snapshot.keys(text);
        if (all === null) {
          this.#forgetSnapshot();
          return false;
        }
        stays = (key) => all.has(key);
      }
    }
    this.#compare(event, keys, presences, stays);
    return true;
  }

  // `keys` and `presences` are what a state says of all members, or of those that might have changed; `stays` tells
  // who is in it.
  #compare(event, keys, presences, stays) {
    if (this.size === 0) {
      for (let i = 0; i < keys.length; i++) this.#add(event, keys[i], presences[i]);
      return;
    }
    const joins = [];
    // As an object, which brings the keys in order.
    const leaves = Object.create(null);
    this.list((key, presence) => {
      if (!stays(key)) leaves[key] = presence;
    });
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      const presence = presences[i];
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
    for (const key of joined) {
      this.#join(event, key, joins[key]);
      this.#touch(key);
    }
    for (const key of left) this.#leave(event, key, leaves[key]);
  }

  // A diff changed what is under the key. When more has changed than there is, the last state is of no use.
  #touch(key) {
    if (this.#snapshot !== null && this.#snapshot.touch(key) > this.size) this.#forgetSnapshot();
  }

  #forgetSnapshot() {
    this.#snapshot?.free();
    this.#snapshot = null;
  }

  #holding(key) {
    return isArrayIndex(key) ? this.#indices : this.#names;
  }

  // Puts a key where it belongs among those that are ascending; or takes it out, which is 1.
  #move(key, out, ...keys) {
    const order = this.#ascending;
    if (order === null) return;
    if (out === 0 && (order.length === 0 || Number(order.at(-1)) < Number(key))) {
      order.push(key);
      return;
    }
    this.#moves += 1;
    if (this.#moves > MOST_MOVES) {
      this.#ascending = null;
      return;
    }
    let low = 0;
    for (let high = order.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (Number(order[middle]) < Number(key)) low = middle + 1;
      else high = middle;
    }
    order.splice(low, out, ...keys);
  }

  // Somebody comes who was not here.
  #add(event, key, joined) {
    const presences = this.#holding(key);
    presences.set(key, joined);
    if (presences === this.#indices) this.#move(key, 0, key);
    if (this.#state !== null) this.#state[key] = joined;
    if (event.watchesJoins) event.add(false, key, undefined, joined);
  }

  #join(event, key, joined) {
    const presences = this.#holding(key);
    const current = presences.get(key);
    if (current === undefined) {
      this.#add(event, key, joined);
      return;
    }
    const kept = without(metasOf(current), metasOf(joined));
    const presence = kept.length > 0 ? { ...joined, metas: kept.concat(metasOf(joined)) } : joined;
    presences.set(key, presence);
    if (this.#state !== null) this.#state[key] = presence;
    if (event.watchesJoins) event.add(false, key, current, joined);
  }

  #leave(event, key, left) {
    const presences = this.#holding(key);
    const before = presences.get(key);
    if (before === undefined) return;
    this.#touch(key);
    const kept = without(metasOf(before), metasOf(left));
    const current = withMetas(before, kept);
    if (kept.length === 0) {
      presences.delete(key);
      if (presences === this.#indices) this.#move(key, 1);
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

// Keys in the order of an object's own properties, and for each where it was; `positions` is null if they were in order.
function inOwnOrder(keys) {
  if (!keys.some(isArrayIndex)) return { ordered: keys, positions: null };
  const indices = [];
  const rest = [];
  for (let i = 0; i < keys.length; i++) {
    // The index and the position in one number, which are sorted much faster than objects.
    if (isArrayIndex(keys[i])) indices.push(Number(keys[i]) * MOST_KEYS + i);
    else rest.push(i);
  }
  const ascending = Float64Array.from(indices).sort();
  const positions = Array.from(ascending, (both) => both % MOST_KEYS).concat(rest);
  return { ordered: positions.map((i) => keys[i]), positions };
}
