// Presences and their metas, as phoenix.js's rules see them: two metas are the same if their `phx_ref`s are.

/** The metas whose refs are not among those of `others`. A ref that is an object is like no other. */
export function without(metas, others) {
  // Most have one.
  if (metas.length === 1 && others.length === 1) return sameRefs(metas, others) ? [] : metas;
  const refs = [];
  for (const meta of others) {
    const ref = meta?.phx_ref;
    if (!isObject(ref)) refs.push(ref);
  }
  if (refs.length === 1 && refs[0] && typeof refs[0] === "string") return withoutRef(metas, refs[0]);
  if (refs.length < 9 || metas.length < 2) return metas.filter((meta) => !refs.includes(meta?.phx_ref));
  const known = new Set(refs);
  return metas.filter((meta) => !known.has(meta?.phx_ref));
}

// The same for one ref that is a string and not empty.
function withoutRef(metas, ref) {
  const { length } = metas;
  const end = endOf(ref);
  let at = 0;
  while (at < length && !hasRef(metas[at], ref, end)) at += 1;
  if (at === length) return metas;
  const kept = metas.slice(0, at);
  while (++at < length) if (!hasRef(metas[at], ref, end)) kept.push(metas[at]);
  return kept;
}

// Most refs of a topic begin alike, and engines take longer to compare two than to look at where they end.
function hasRef(meta, ref, { last, lastCode, before, codeBefore }) {
  const other = meta?.phx_ref;
  if (typeof other !== "string" || other.charCodeAt(last) !== lastCode) return false;
  return other.charCodeAt(before) === codeBefore && other === ref;
}

// Where its last two characters are, and what they are.
function endOf(ref) {
  const last = ref.length - 1;
  const before = Math.max(last - 1, 0);
  return { last, lastCode: ref.charCodeAt(last), before, codeBefore: ref.charCodeAt(before) };
}

/** Whether both have the same refs in the same order: the quick way to find that nothing changed. */
export function sameRefs(metas, others) {
  if (metas.length !== others.length) return false;
  for (let i = 0; i < metas.length; i++) {
    const ref = metas[i]?.phx_ref;
    if (ref !== others[i]?.phx_ref || isObject(ref)) return false;
  }
  return true;
}

/** The metas of a presence. What is no list holds none. */
export function metasOf({ metas }) {
  return Array.isArray(metas) ? metas : [];
}

export function isObject(value) {
  return typeof value === "object" && value !== null;
}
