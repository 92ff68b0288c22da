// Reads a large state with JSON.parse, in pieces: of one object with very many names engines make a table that is too large
// for the caches of a machine, and then its names have to be sorted and looked up in it.

import { isObject } from "./metas.js";
import { hasAt } from "./strings.js";
import { arrayIndex } from "./table.js";

// A state of less UTF-16 units is parsed as a whole.
const LARGE = 2 ** 22;
// About so many presences are a piece. With less than 128 names, engines would learn each piece as a kind of object.
const MANY = 500;
// With less pieces than this, or if this part of the text was parsed in vain, nothing is gained.
const FEW = 8;
// What is between the metas of a presence and the next key, most probably.
const BETWEEN = '}]},"';

// The `{ keys, values }` of the state that a message brings; null if it is to be parsed as a whole. A key may be there
// twice.
//
// A text that makes an object when it is put in braces is members of an object and nothing else, so if all pieces are
// such, they are all of the state, wherever it was cut.
export function inPieces({ text = "", start, isSeen }, large = LARGE) {
  if (text.length < large || isSeen) return null;
  const end = text.length - 2;
  const most = text.length / FEW;
  let at = start + 1;
  // How long a piece is to be: of the first, only the first presence is known.
  let length = MANY * (text.indexOf(BETWEEN, at) - at);
  if (length < 0 || length > most || !hasAt(text, "{", start) || !hasAt(text, "}]", end)) return null;
  const keys = [];
  const values = [];
  let inVain = 0;
  let cut = at;
  while (at < end) {
    const next = text.indexOf(BETWEEN, Math.max(cut, at + length));
    cut = next < 0 ? end : next + BETWEEN.length - 2;
    const piece = objectOf(text.slice(at, cut));
    if (piece === null) {
      // It goes on after what looked like its end.
      inVain += cut - at;
      if (cut === end || inVain > most) return null;
      continue;
    }
    const names = Object.keys(piece);
    // Indices come first. Of those engines make an array, which is faster as a whole.
    if (arrayIndex(names[0]) >= 0) return null;
    for (const name of names) {
      const presence = piece[name];
      if (!isObject(presence)) return null;
      keys.push(name);
      values.push(presence);
    }
    length = Math.min((MANY * (cut - at)) / names.length, most);
    at = cut + 1;
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
