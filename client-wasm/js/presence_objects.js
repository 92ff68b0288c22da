// Presence's static functions: the rules of src presence over plain JavaScript objects.
//
// They are here and not in wasm because their callers have objects and want objects: to take those across
// and back would cost several times what the work itself does. The rules are those of `herenow_core`'s
// presence module; the differential tests hold both to npm phoenix's.

/** See `Presence.syncState` in index.d.ts. */
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

/** See `Presence.syncDiff` in index.d.ts. */
export function syncDiff(state, diff, onJoin, onLeave) {
  state = withoutPrototype(state);
  const { joins, leaves } = clone(diff);
  apply(state, joins, leaves, onJoin, onLeave);
  return state;
}

/** See `Presence.list` in index.d.ts. */
export function list(presences, chooser) {
  return Object.getOwnPropertyNames(presences).map((key) =>
    chooser ? chooser(key, presences[key]) : presences[key],
  );
}

// `joins` and `leaves` are ours: nobody else has them.
function apply(state, joins, leaves, onJoin, onLeave) {
  for (const key of Object.getOwnPropertyNames(joins)) {
    const joined = joins[key];
    const current = state[key];
    // The callback may do with what joined as it likes; the state has its own.
    const presence = onJoin ? clone(joined) : joined;
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

// The metas whose refs are not among those of `others`.
function without(metas, others) {
  if (others.length === 1) {
    const { phx_ref: ref } = others[0];
    return metas.filter((meta) => meta.phx_ref !== ref);
  }
  const refs = others.map((meta) => meta.phx_ref);
  if (metas.length < 2 || refs.length < 9) return metas.filter((meta) => !refs.includes(meta.phx_ref));
  const known = new Set(refs);
  return metas.filter((meta) => !known.has(meta.phx_ref));
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
