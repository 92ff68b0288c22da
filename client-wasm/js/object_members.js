// The members of a topic as plain objects, for payloads that come as objects; and the static functions of
// Presence, which are about plain objects too. The rules are those of `herenow_core`'s presence module;
// the differential tests hold all of them to npm phoenix's.

// Never changes an object that it was given or has given out: what changes is replaced.
export class ObjectMembers {
  state = Object.create(null);

  // Applies a state or else a diff. Adds to the event what there is to tell.
  sync(isState, event, payload) {
    if (isState) this.#syncState(event, payload);
    else this.#syncDiff(event, payload);
  }

  list(by) {
    const { state } = this;
    const listed = Object.keys(state);
    for (let i = 0; i < listed.length; i++) {
      const key = listed[i];
      listed[i] = by ? by(key, state[key]) : state[key];
    }
    return listed;
  }

  clear() {
    this.state = Object.create(null);
  }

  // Nothing is kept elsewhere.
  free() {}

  has(key) {
    return key in this.state;
  }

  get size() {
    return Object.keys(this.state).length;
  }

  get connections() {
    let count = 0;
    for (const key in this.state) count += metasOf(this.state[key]).length;
    return count;
  }

  #syncState(event, next) {
    const { state } = this;
    const keys = presenceKeys(next, "presence_state");
    const known = Object.keys(state);
    if (known.length === 0) {
      for (const key of keys) this.#join(event, key, undefined, next[key]);
      return;
    }
    const joins = [];
    // As an object, which brings the keys in order.
    const leaves = Object.create(null);
    for (const key of known) if (!Object.hasOwn(next, key)) leaves[key] = state[key];
    for (const key of keys) {
      const presence = next[key];
      const current = state[key];
      if (current === undefined) {
        joins.push(key, presence);
        continue;
      }
      const joined = without(metasOf(presence), metasOf(current));
      const left = without(metasOf(current), metasOf(presence));
      if (joined.length > 0) joins.push(key, withMetas(presence, joined));
      if (left.length > 0) leaves[key] = withMetas(current, left);
    }
    for (let i = 0; i < joins.length; i += 2) {
      this.#join(event, joins[i], state[joins[i]], joins[i + 1]);
    }
    for (const key of Object.keys(leaves)) this.#leave(event, key, leaves[key]);
  }

  #syncDiff(event, diff) {
    const { joins, leaves } = isObject(diff) ? diff : {};
    const joined = presenceKeys(joins, "presence_diff", ' in "joins"');
    const left = presenceKeys(leaves, "presence_diff", ' in "leaves"');
    for (const key of joined) this.#join(event, key, this.state[key], joins[key]);
    for (const key of left) this.#leave(event, key, leaves[key]);
  }

  #join(event, key, current, joined) {
    let presence = joined;
    if (current !== undefined) {
      const kept = without(metasOf(current), metasOf(joined));
      if (kept.length > 0) presence = withMetas(joined, kept.concat(metasOf(joined)));
    }
    this.state[key] = presence;
    if (event.watchesJoins) event.batch().push(false, key, current, joined);
  }

  #leave(event, key, left) {
    const before = this.state[key];
    if (before === undefined) return;
    const kept = without(metasOf(before), metasOf(left));
    const current = withMetas(before, kept);
    if (kept.length === 0) delete this.state[key];
    else this.state[key] = current;
    if (event.watchesLeaves) event.batch().push(true, key, current, left);
  }
}

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
    const joined = without(presence.metas, current.metas);
    const left = without(current.metas, presence.metas);
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

// Unlike the class, this changes the presences in the state, as callers of phoenix.js's functions may
// expect. `joins` and `leaves` are ours: nobody else has them.
function apply(state, joins, leaves, onJoin, onLeave) {
  for (const key of Object.getOwnPropertyNames(joins)) {
    const joined = joins[key];
    const current = state[key];
    // The callback may do with what joined as it likes; the state has its own.
    const presence = onJoin ? copy(joined) : joined;
    state[key] = presence;
    if (current) presence.metas = without(current.metas, presence.metas).concat(presence.metas);
    if (onJoin) onJoin(key, current, joined);
  }
  for (const key of Object.getOwnPropertyNames(leaves)) {
    const current = state[key];
    if (!current) continue;
    current.metas = without(current.metas, leaves[key].metas);
    if (onLeave) onLeave(key, current, leaves[key]);
    if (current.metas.length === 0) delete state[key];
  }
}

// The metas whose refs are not among those of `others`. A ref that is an object is like no other.
function without(metas, others) {
  const refs = [];
  for (const meta of others) {
    const ref = meta?.phx_ref;
    if (!isObject(ref)) refs.push(ref);
  }
  if (refs.length < 9 || metas.length < 2) return metas.filter((meta) => !refs.includes(meta?.phx_ref));
  const known = new Set(refs);
  return metas.filter((meta) => !known.has(meta?.phx_ref));
}

// The same presence with other metas, unless it has just those many.
function withMetas(presence, metas) {
  return metas.length === metasOf(presence).length ? presence : { ...presence, metas };
}

// What is no list holds no metas.
function metasOf({ metas }) {
  return Array.isArray(metas) ? metas : [];
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

function isObject(value) {
  return typeof value === "object" && value !== null;
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
