// What a careful programmer would write in JavaScript for this one purpose: phoenix.js's rules and callbacks,
// a Map of the members, nothing copied that need not be. What it leaves out is what makes a client: rejoins,
// pending diffs, payloads that are none, callbacks that throw.

const same = (a, b) => a.metas.length === b.metas.length && a.metas.every((meta, i) => meta.phx_ref === b.metas[i].phx_ref);

function without(metas, others) {
  if (others.length === 1) {
    const [{ phx_ref }] = others;
    return metas.filter((meta) => meta.phx_ref !== phx_ref);
  }
  const refs = new Set(others.map((meta) => meta.phx_ref));
  return metas.filter((meta) => !refs.has(meta.phx_ref));
}

export class BaselinePresence {
  #members = new Map();
  #onJoin = () => {};
  #onLeave = () => {};
  #onSync = () => {};

  onJoin(callback) {
    this.#onJoin = callback;
  }

  onLeave(callback) {
    this.#onLeave = callback;
  }

  onSync(callback) {
    this.#onSync = callback;
  }

  receive(text) {
    const [, , , event, payload] = JSON.parse(text);
    if (event === "presence_state") this.#syncState(payload);
    else if (event === "presence_diff") this.#syncDiff(payload);
    else return;
    this.#onSync();
  }

  list(choose) {
    const listed = [];
    for (const [key, presence] of this.#members) listed.push(choose(key, presence));
    return listed;
  }

  #syncState(state) {
    const joins = [];
    const leaves = [];
    for (const [key, presence] of this.#members) {
      if (!Object.hasOwn(state, key)) leaves.push([key, presence]);
    }
    for (const key of Object.keys(state)) {
      const presence = state[key];
      const current = this.#members.get(key);
      if (current === undefined) {
        joins.push([key, presence]);
      } else if (!same(current, presence)) {
        const joined = without(presence.metas, current.metas);
        const left = without(current.metas, presence.metas);
        if (joined.length > 0) joins.push([key, { ...presence, metas: joined }]);
        if (left.length > 0) leaves.push([key, { ...current, metas: left }]);
      }
    }
    for (const [key, presence] of joins) this.#join(key, presence);
    for (const [key, presence] of leaves) this.#leave(key, presence);
  }

  #syncDiff({ joins, leaves }) {
    for (const key of Object.keys(joins)) this.#join(key, joins[key]);
    for (const key of Object.keys(leaves)) this.#leave(key, leaves[key]);
  }

  #join(key, joined) {
    const current = this.#members.get(key);
    const kept = current === undefined ? [] : without(current.metas, joined.metas);
    const presence = kept.length === 0 ? joined : { ...joined, metas: [...kept, ...joined.metas] };
    this.#members.set(key, presence);
    this.#onJoin(key, current, joined);
  }

  #leave(key, left) {
    const before = this.#members.get(key);
    if (before === undefined) return;
    const current = { ...before, metas: without(before.metas, left.metas) };
    if (current.metas.length === 0) this.#members.delete(key);
    else this.#members.set(key, current);
    this.#onLeave(key, current, left);
  }
}
