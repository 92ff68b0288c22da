// The static functions of Presence, which are about states as plain objects. Unlike the class, they change
// the presences that they are given, as callers of phoenix.js's functions may expect.

import { isObject, without } from "./metas.js";

/** See `Presence.syncState` in presence.d.ts. */
export function syncState(currentState, newState, onJoin, onLeave) {
  const state = withoutPrototype(clone(currentState));
  newState = withoutPrototype(newState);
  const joins = Object.create(null);
  const leaves = Object.create(null);

  for (const key of Object.getOwnPropertyNames(state)) {
    if (!newState[key]) leaves[key] = state[key];
  }
  for (const key of Object.getOwnPropertyNames(newState)) {
    const presence = newState[key];
    const current = state[key];
    if (!current) {
      joins[key] = presence;
      continue;
    }
    const joined = rest(presence.metas, current.metas);
    const left = rest(current.metas, presence.metas);
    if (joined.length > 0) {
      presence.metas = joined;
      joins[key] = presence;
    }
    if (left.length > 0) leaves[key] = { ...current, metas: left };
  }
  apply(state, clone(joins), clone(leaves), onJoin, onLeave);
  return state;
}

/** See `Presence.syncDiff` in presence.d.ts. */
export function syncDiff(state, diff, onJoin, onLeave) {
  state = withoutPrototype(state);
  const { joins, leaves } = clone(diff);
  apply(state, joins, leaves, onJoin, onLeave);
  return state;
}

/** See `Presence.list` in presence.d.ts. */
export function list(presences, chooser) {
  const choose = chooser ? (key) => chooser(key, presences[key]) : (key) => presences[key];
  return Object.getOwnPropertyNames(presences).map(choose);
}

// `joins` and `leaves` are ours: nobody else has them.
function apply(state, joins, leaves, onJoin, onLeave) {
  for (const key of Object.getOwnPropertyNames(joins)) {
    const joined = joins[key];
    const current = state[key];
    // The callback may do with what joined as it likes; the state has its own.
    const presence = onJoin ? copy(joined) : joined;
    state[key] = presence;
    if (current) presence.metas = rest(current.metas, presence.metas).concat(presence.metas);
    if (onJoin) onJoin(key, current, joined);
  }
  for (const key of Object.getOwnPropertyNames(leaves)) {
    const current = state[key];
    if (!current) continue;
    current.metas = rest(current.metas, leaves[key].metas);
    if (onLeave) onLeave(key, current, leaves[key]);
    if (current.metas.length === 0) delete state[key];
  }
}

// In a list of its own, which the caller may change. What is no list is an error, as it is with phoenix.js.
function rest(metas, others) {
  return without(metas.map((meta) => meta), others);
}

// What keys index has no prototype: a key may be called "__proto__".
function withoutPrototype(object) {
  if (Object.getPrototypeOf(object) === null) return object;
  const own = Object.create(null);
  for (const key of Object.getOwnPropertyNames(object)) own[key] = object[key];
  return own;
}

function clone(value) {
  return JSON.parse(JSON.stringify(value));
}

// A clone of what is one already: nothing in it but what JSON has.
function copy(value) {
  if (Array.isArray(value)) return value.map(copy);
  if (!isObject(value)) return value;
  const object = { ...value };
  for (const key of Object.keys(object)) {
    if (isObject(object[key])) object[key] = copy(object[key]);
  }
  return object;
}
