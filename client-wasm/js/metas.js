// Presences and their metas, as phoenix.js's rules see them: two metas are the same if their `phx_ref`s are.

import { copyOf } from "./strings.js";

// Among so many it pays to look for a copy of a ref.
const MANY = 64;

/** The metas whose refs are not among those of `others`. A ref that is an object is like no other. */
export function without(metas, others) {
  // Most have one.
  if (metas.length === 1 && others.length === 1) return sameRefs(metas, others) ? [] : metas;
  const refs = [];
  for (const meta of others) {
    const ref = meta?.phx_ref;
    if (!isObject(ref)) refs.push(ref);
  }
  if (refs.length === 1) {
    // Engines take ten times as long to compare with a part of another string.
    const ref = metas.length > MANY && typeof refs[0] === "string" ? copyOf(refs[0]) : refs[0];
    return metas.filter((meta) => meta?.phx_ref !== ref);
  }
  if (refs.length < 9 || metas.length < 2) return metas.filter((meta) => !refs.includes(meta?.phx_ref));
  const known = new Set(refs);
  return metas.filter((meta) => !known.has(meta?.phx_ref));
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
