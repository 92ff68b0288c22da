// Reads a large state with JSON.parse, in pieces: of one object with very many keys engines make a table that is too large
// for the caches of a machine, and then its keys have to be sorted and looked up in it.

import { isObject } from "./metas.js";
import { hasAt } from "./strings.js";

// About so many presences are a piece. With less than 128 keys, engines would learn each piece as a kind of object.
const MANY = 500;
// What is between the metas of a presence and the next key, most probably.
const BETWEEN = '}]},"';
// So often something else may look like that.
const MOST_MISTAKES = 8;

// The `{ keys, values }` of the state that a message brings; null if it is to be parsed as a whole. A key may be there
// twice.
//
// A text that makes an object when it is put in braces is members of an object and nothing else, so if all pieces are
// such, they are all of the state, wherever it was cut.
export function inPieces({ text, start }) {
  const end = text.length - 2;
  let at = start + 1;
  // How long a presence is, with what comes after it.
  let length = text.indexOf(BETWEEN, at) - at;
  if (length < 0 || !hasAt(text, "{", start) || !hasAt(text, "}]", end)) return null;
  const keys = [];
  const values = [];
  let mistakes = 0;
  let cut = at;
  while (at < end) {
    const next = text.indexOf(BETWEEN, Math.max(cut, at + MANY * length));
    cut = next < 0 ? end : next + BETWEEN.length - 2;
    const piece = objectOf(text.slice(at, cut));
    if (piece === null) {
      mistakes += 1;
      if (cut === end || mistakes > MOST_MISTAKES) return null;
      continue;
    }
    for (const key of Object.keys(piece)) {
      const presence = piece[key];
      if (!isObject(presence)) return null;
      keys.push(key);
      values.push(presence);
    }
    at = cut + 1;
    length = (at - start) / keys.length;
  }
  return { keys, values };
}

// The object with these members; null if they are none.
function objectOf(members) {
  try {
    return JSON.parse(`{${members}}`);
  } catch {
    return null;
  }
}
