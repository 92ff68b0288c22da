// The members of a topic: a presence for each key, and what states and diffs do to them. The rules are those of
// phoenix.js, to which the differential tests hold them. A presence that was received or has been given out is never
// changed, only replaced; the object of all of them, `state`, is one that is kept up to date.

import { isObject, metasOf, sameRefs, without } from "./metas.js";
import { inPieces } from "./pieces.js";
import { Reader } from "./reader.js";
import { Table, inOwnOrder } from "./table.js";

export class Members {
  #presences = new Table();
  #reader = new Reader();
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
    this.#state = null;
  }

  // Takes over the state that a message brings, and adds to the event what there is to tell.
  syncStateMessage(event, message) {
    let read = this.#reader.state(message);
    // Where nobody is here, it takes as long as at one go, and longer in a page that has just begun.
    if (read === null && this.size > 0) read = inPieces(message);
    if (read === null || !this.#takeOver(event, read)) this.syncState(event, message.payload);
  }

  // The same with a state as an object.
  syncState(event, state) {
    const entries = presencesOf(state, "presence_state");
    if (this.size > 0) {
      this.#compare(event, entries);
      return;
    }
    this.#presences.fill(entries, true);
    this.#begin(event, entries);
  }

  // Returns false, with nothing changed, if a key is there twice: that can be in a text, of which JSON.parse takes the
  // last one.
  #takeOver(event, read) {
    if (this.size > 0) return this.#compare(event, read);
    const entries = inOwnOrder(read);
    if (!this.#presences.fill(entries, false)) return false;
    this.#begin(event, entries);
    return true;
  }

  // All of these came when nobody was here.
  #begin(event, entries) {
    const { keys, values } = entries;
    if (this.#state !== null) for (let i = 0; i < keys.length; i++) this.#state[keys[i]] = values[i];
    event.addAll(entries);
  }

  // The same where somebody is here: what has changed is a diff.
  #compare(event, { keys, values }) {
    const places = this.#presences.locate(keys, false);
    if (places === null) return false;
    const joins = { keys: [], values: [] };
    const leaves = { keys: [], values: [] };
    this.#presences.forEach((key, presence, place) => {
      if (!this.#presences.isFound(place)) add(leaves, key, presence);
    });
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      const presence = values[i];
      const current = places[i] < 0 ? undefined : this.#presences.at(places[i]);
      if (current === undefined) {
        add(joins, key, presence);
        continue;
      }
      const before = metasOf(current);
      const after = metasOf(presence);
      if (sameRefs(before, after)) continue;
      const joined = without(after, before);
      const left = without(before, after);
      if (joined.length > 0) add(joins, key, withMetas(presence, joined));
      if (left.length > 0) add(leaves, key, withMetas(current, left));
    }
    return this.#apply(event, inOwnOrder(joins), inOwnOrder(leaves));
  }

  // Applies the diff that a message brings, and adds to the event what there is to tell.
  syncDiffMessage(event, message) {
    const read = this.#reader.diff(message);
    if (read === null || !this.#apply(event, inOwnOrder(read.joins), inOwnOrder(read.leaves))) {
      this.syncDiff(event, message.payload);
    }
  }

  // The same with a diff as an object.
  syncDiff(event, diff) {
    const { joins, leaves } = isObject(diff) ? diff : {};
    const joined = presencesOf(joins, "presence_diff", ' in "joins"');
    const left = presencesOf(leaves, "presence_diff", ' in "leaves"');
    this.#apply(event, joined, left);
  }

  // Returns false, with nothing changed, if a key is there twice among the joins or among the leaves.
  #apply(event, joins, leaves) {
    const joinPlaces = this.#presences.locate(joins.keys, true);
    if (joinPlaces === null) return false;
    const leavePlaces = this.#presences.locate(leaves.keys, false);
    if (leavePlaces === null) {
      this.#presences.release(joinPlaces);
      return false;
    }
    for (let i = 0; i < joinPlaces.length; i++) this.#join(event, joinPlaces[i], joins.keys[i], joins.values[i]);
    for (let i = 0; i < leavePlaces.length; i++) this.#leave(event, leavePlaces[i], leaves.keys[i], leaves.values[i]);
    return true;
  }

  #set(place, key, presence) {
    this.#presences.set(place, presence);
    if (this.#state !== null) this.#state[key] = presence;
  }

  #drop(place, key) {
    this.#presences.delete(place);
    if (this.#state !== null) delete this.#state[key];
  }

  #join(event, place, key, joined) {
    const current = this.#presences.at(place);
    let presence = joined;
    if (current !== undefined) {
      const kept = without(metasOf(current), metasOf(joined));
      if (kept.length > 0) presence = { ...joined, metas: kept.concat(metasOf(joined)) };
    }
    this.#set(place, key, presence);
    if (event.watchesJoins) event.add(false, key, current, joined);
  }

  // `place` is negative if nobody is there.
  #leave(event, place, key, left) {
    const before = place < 0 ? undefined : this.#presences.at(place);
    if (before === undefined) return;
    const kept = without(metasOf(before), metasOf(left));
    const current = withMetas(before, kept);
    if (kept.length === 0) this.#drop(place, key);
    else this.#set(place, key, current);
    if (event.watchesLeaves) event.add(true, key, current, left);
  }
}

function add({ keys, values }, key, value) {
  keys.push(key);
  values.push(value);
}

// The same presence with some of its metas.
function withMetas(presence, metas) {
  return metas.length === metasOf(presence).length ? presence : { ...presence, metas };
}

// The keys and values of an object of presences, if that is what it is.
function presencesOf(object, what, where = "") {
  const refuse = (where) => {
    throw new TypeError(`${what} refused: no object of presences${where}`);
  };
  if (!isObject(object)) refuse(where);
  const keys = Object.keys(object);
  // Not an array that grows: engines stay with slow code for the loops over it.
  const values = new Array(keys.length);
  for (let i = 0; i < keys.length; i++) {
    const presence = object[keys[i]];
    if (!isObject(presence)) refuse(`${where} at "${keys[i]}"`);
    values[i] = presence;
  }
  return { keys, values };
}
