// The members of a topic: a presence for each key, and what states and diffs do to them. The rules are those of
// phoenix.js, to which the differential tests hold them. A presence that was received or has been given out is never
// changed, only replaced; the object of all of them, `state`, is one that is kept up to date.

import { isObject, metasOf, sameRefs, without } from "./metas.js";
import { OwnOrderMap, inOwnOrder } from "./own_order.js";
import { Reader } from "./reader.js";
import { Snapshot } from "./snapshot.js";

// States of fewer characters are read again as fast as they are compared.
const LARGE = 2 ** 15;

export class Members {
  #presences = new OwnOrderMap();
  #reader = new Reader();
  // What reads large states; none before the first of them.
  #snapshot = null;
  // Whether one refused a state: the next ones will be as they are, so it is not asked again.
  #isOdd = false;
  // All of it as an object, once somebody has asked for that.
  #state = null;

  get size() {
    return this.#presences.size;
  }

  get connections() {
    let count = 0;
    this.forEach((_key, presence) => {
      count += metasOf(presence).length;
    });
    return count;
  }

  get(key) {
    return this.#presences.get(key);
  }

  get state() {
    if (this.#state === null) {
      const state = Object.create(null);
      this.forEach((key, presence) => {
        state[key] = presence;
      });
      this.#state = state;
    }
    return this.#state;
  }

  list(by) {
    return this.#presences.list(by);
  }

  forEach(callback) {
    this.#presences.forEach(callback);
  }

  clear() {
    this.#presences.clear();
    this.#isOdd = false;
    this.#state = null;
    this.#forgetSnapshot();
  }

  // Takes over a state, and adds to the event what there is to tell. `text` is that of the state, if there is one.
  syncState(event, state, text = "") {
    const [keys, presences] = presencesOf(state, "presence_state");
    this.#note(text, keys.length);
    this.#compare(event, keys, presences, (key) => Object.hasOwn(state, key));
  }

  // The same with a message that brings a state. Returns false, with nothing changed, if it has to be parsed as a whole.
  syncStateMessage(event, message) {
    const text = message.payloadText ?? "";
    // One that is not through with the last state is of no use for this one.
    if (this.#snapshot?.isNoting) this.#forgetSnapshot();
    if (text.length >= LARGE && !this.#isOdd && (this.#snapshot !== null || Snapshot.isFasterFor(text.length))) {
      return this.#syncText(event, text);
    }
    const read = this.#reader.state(message);
    if (read === null) return false;
    const isFirst = this.size === 0;
    const all = isFirst ? null : new Set(read[0]);
    if (!isFirst && all.size < read[0].length) return false;
    const [keys, presences] = inOwnOrder(...read);
    this.#note(text, keys.length);
    this.#compare(event, keys, presences, (key) => all.has(key));
    if (!isFirst || this.size === keys.length) return true;
    // A key is there twice, of which JSON.parse takes the last presence. No server writes that.
    for (const key of keys) this.#drop(key);
    event.addAll([], []);
    return false;
  }

  // The same with its text, in which those who are as they were in the last one are passed over.
  #syncText(event, text) {
    this.#snapshot ??= new Snapshot();
    const read = this.#snapshot.read(text);
    if (read === null) return this.#refused();
    const { size } = read;
    const [keys, presences] = inOwnOrder(read.keys, read.presences);
    let stays = () => true;
    if (this.size > 0) {
      // Those who were passed over are here, so if somebody is not there any more, it shows in the number.
      let newcomers = 0;
      for (const key of keys) if (this.get(key) === undefined) newcomers += 1;
      if (this.size + newcomers > size) {
        const all = this.#snapshot.keys(text);
        if (all === null) return this.#refused();
        stays = (key) => all.has(key);
      }
    }
    this.#compare(event, keys, presences, stays);
    return true;
  }

  #refused() {
    this.#isOdd = true;
    this.#forgetSnapshot();
    return false;
  }

  // `keys` and `presences` are what a state says of all members, or of those that might have changed; `stays` tells
  // who is in it.
  #compare(event, keys, presences, stays) {
    if (this.size === 0) {
      for (let i = 0; i < keys.length; i++) this.#set(keys[i], presences[i]);
      if (event.watchesJoins) event.addAll(keys, presences);
      return;
    }
    const joins = [];
    // As an object, which brings the keys in order.
    const leaves = Object.create(null);
    this.forEach((key, presence) => {
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
    const left = Object.keys(leaves);
    for (const key of left) this.#leave(event, key, leaves[key]);
    // One of whom the state says that there are no metas has gone, and is not known by it.
    this.#touch(left);
  }

  // Applies a diff, and adds to the event what there is to tell.
  syncDiff(event, diff) {
    const { joins, leaves } = isObject(diff) ? diff : {};
    const joined = presencesOf(joins, "presence_diff", ' in "joins"');
    const left = presencesOf(leaves, "presence_diff", ' in "leaves"');
    this.#apply(event, joined, left);
  }

  // The same with a message that brings one. Returns false, with nothing changed, if it has to be parsed as a whole.
  syncDiffMessage(event, message) {
    const read = this.#reader.diff(message);
    if (read === null || !read.every(([keys]) => areDistinct(keys))) return false;
    this.#apply(event, inOwnOrder(...read[0]), inOwnOrder(...read[1]));
    return true;
  }

  #apply(event, [joined, joinsOf], [left, leavesOf]) {
    for (let i = 0; i < joined.length; i++) this.#join(event, joined[i], joinsOf[i]);
    this.#touch(joined);
    for (let i = 0; i < left.length; i++) this.#leave(event, left[i], leavesOf[i]);
    this.#touch(left);
  }

  // A diff changed what is under the keys. When more often something has changed than there is, the last state is of no
  // use.
  #touch(keys) {
    if (keys.length === 0 || this.#snapshot === null) return;
    if (!this.#snapshot.touch(keys, this.size)) this.#forgetSnapshot();
  }

  // Notes a state, so that the next one can be compared with it.
  #note(text, members) {
    this.#forgetSnapshot();
    if (text.length < LARGE || this.#isOdd) return;
    this.#snapshot = new Snapshot();
    this.#snapshot.note(text, members);
  }

  #forgetSnapshot() {
    this.#snapshot?.free();
    this.#snapshot = null;
  }

  #set(key, presence) {
    this.#presences.set(key, presence);
    if (this.#state !== null) this.#state[key] = presence;
  }

  #drop(key) {
    this.#presences.delete(key);
    if (this.#state !== null) delete this.#state[key];
  }

  // Somebody comes who was not here.
  #add(event, key, joined) {
    this.#set(key, joined);
    if (event.watchesJoins) event.add(false, key, undefined, joined);
  }

  #join(event, key, joined) {
    const current = this.get(key);
    if (current === undefined) {
      this.#add(event, key, joined);
      return;
    }
    const kept = without(metasOf(current), metasOf(joined));
    const presence = kept.length > 0 ? { ...joined, metas: kept.concat(metasOf(joined)) } : joined;
    this.#set(key, presence);
    if (event.watchesJoins) event.add(false, key, current, joined);
  }

  #leave(event, key, left) {
    const before = this.get(key);
    if (before === undefined) return;
    const kept = without(metasOf(before), metasOf(left));
    const current = withMetas(before, kept);
    if (kept.length === 0) this.#drop(key);
    else this.#set(key, current);
    if (event.watchesLeaves) event.add(true, key, current, left);
  }
}

function areDistinct(keys) {
  return keys.length < 2 || new Set(keys).size === keys.length;
}

// The same presence with some of its metas.
function withMetas(presence, metas) {
  return metas.length === metasOf(presence).length ? presence : { ...presence, metas };
}

// The keys of an object of presences, and the presences, if that is what it is.
function presencesOf(object, what, where = "") {
  const refuse = (where) => {
    throw new TypeError(`${what} refused: no object of presences${where}`);
  };
  if (!isObject(object)) refuse(where);
  const keys = Object.keys(object);
  const presences = [];
  for (const key of keys) {
    const presence = object[key];
    if (!isObject(presence)) refuse(`${where} at "${key}"`);
    presences.push(presence);
  }
  return [keys, presences];
}
