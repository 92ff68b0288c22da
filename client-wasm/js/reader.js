// Reads presences from the text of a message faster than JSON.parse: what is written like something that was seen before,
// with the same names in the same order, needs only to be compared with that. Any other object is left to JSON.parse,
// and from then on it has been seen.

import { copyOf } from "./metas.js";

const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;
// Only that, and that a bracket is none, tells it from a brace.
const BRACE = 0x20;

// What JSON.parse has to read as a whole, and either does or says what is wrong.
const REFUSED = new Error("to be parsed as a whole");

// Objects of more names than this, or deeper, are left to JSON.parse, and so is what is written in more ways than that.
// With arrays of more elements JSON.parse is faster: it also compares each of them with the last one.
const MOST = 64;
const MOST_DEPTH = 8;
const MOST_SHAPES = 8;

// An object that is left to JSON.parse takes longer than if all were: as long as so many that are not save.
const COST = 4;
// A message that is refused loses this.
const REFUSAL = 64;
// Who has lost so much more by that than was saved is not asked any more.
const CREDIT = 1_000;

// Substrings of fewer characters are copies in most engines. Longer ones keep alive what they were cut from: all of the
// text, if they are not cut from a copy of a part of it.
const SHORT = 13;
// How long these parts are: a copy takes longer than all else that is done for a string, so a few share one.
const PART = 128;
// In states of more than so many UTF-16 units each string has its own: what others would add is too much memory there.
const MOST_SHARED = 2 ** 22;
// Of those who leave nothing is kept but keys.
const WHOLE = Infinity;

// Engines begin with slow code, which takes longer for more UTF-16 units than are a few than JSON.parse does. After so
// many they have had time to make a better one.
const FEW = 2 ** 15;
const WARM = 2 ** 18;

// A place in the text: the ways in which objects are written there, and the place of the elements of an array there.
const newPlace = (depth) => ({ depth, shapes: [], element: null });

// One of these ways: the names, the text before each value, and where the values are.
function shapeOf(value, { depth }) {
  const names = Object.keys(value);
  const heads = names.map((name, i) => `${i === 0 ? "" : ","}${JSON.stringify(name)}:`);
  // Engines copy an object of the same names faster than they make one.
  const blank = { ...value };
  for (const name of names) blank[name] = null;
  return { names, heads, blank, places: names.map(() => newPlace(depth + 1)) };
}

// What is being read, where, and the first backslash from there on. No reading begins within another.
let text = "";
let at = 0;
let backslash = 0;
let credit = 0;
// How many UTF-16 units have been read in vain.
let wasted = 0;
// The copy of a part of the text, which is what longer strings keep alive.
let partLength = 0;
let part = "";
let partStart = 0;
let partEnd = 0;

// How many UTF-16 units have been read in this page.
let unitsRead = 0;

export class Reader {
  #presence = newPlace(0);
  #credit = CREDIT;

  // The keys and presences of the state that begins there; null if it has to be parsed as a whole.
  state(message) {
    return this.#read(message, () => readPresences(this.#presence, text.length > MOST_SHARED ? 0 : PART));
  }

  // The same of the joins and of the leaves of a diff.
  diff(message) {
    return this.#read(message, () => {
      expect('{"joins":');
      const joins = readPresences(this.#presence, PART);
      expect(',"leaves":');
      const leaves = readPresences(this.#presence, WHOLE);
      expect("}");
      return [joins, leaves];
    });
  }

  // `message` has what came as `text`, in which its payload begins at `start`, if it came as text.
  #read(message, read) {
    const { length } = message.text ?? "";
    const isCold = length > FEW && unitsRead < WARM;
    if (length === 0 || message.isSeen || isCold || this.#credit <= 0) return null;
    unitsRead += length;
    text = message.text;
    at = message.start;
    backslash = -1;
    partEnd = -1;
    wasted = 0;
    credit = this.#credit;
    try {
      const result = read();
      expect("]");
      if (at < length) throw REFUSED;
      this.#credit = Math.min(credit, CREDIT);
      return result;
    } catch {
      this.#credit -= REFUSAL;
      return null;
    } finally {
      text = "";
      part = "";
    }
  }
}

function expect(what) {
  if (!text.startsWith(what, at)) throw REFUSED;
  at += what.length;
}

function readPresences(place, length) {
  const keys = [];
  const presences = [];
  expect("{");
  if (isEnd(CLOSE)) return [keys, presences];
  do {
    if (text.charCodeAt(at) !== QUOTE) throw REFUSED;
    // Of those who leave some keys are kept.
    partLength = length === WHOLE ? 0 : length;
    keys.push(readString());
    partLength = length;
    expect(":");
    if (text.charCodeAt(at) !== OPEN) throw REFUSED;
    presences.push(readObject(place));
  } while (goesOn(CLOSE));
  return [keys, presences];
}

// Whether it ends there; if so, goes past that.
function isEnd(end) {
  const ends = text.charCodeAt(at) === end;
  if (ends) at += 1;
  return ends;
}

// Goes past a comma, or past what ends it. Returns whether it was a comma.
function goesOn(end) {
  const next = text.charCodeAt(at);
  if (next !== COMMA && next !== end) throw REFUSED;
  at += 1;
  return next === COMMA;
}

function readValue(place) {
  const first = text.charCodeAt(at);
  if (first === QUOTE) return readString();
  if (first === OPEN) return readObject(place);
  if (first === OPEN_ARRAY) return readArray(place);
  return readNumber(first);
}

function readObject(place) {
  const { shapes } = place;
  const [from, firstBackslash, earned] = [at, backslash, credit];
  for (let i = 0; i < shapes.length; i++) {
    const value = readLike(shapes[i]);
    if (value !== undefined) {
      credit += 1;
      return value;
    }
    // Nested objects are read once more with each attempt.
    wasted += at - from;
    if (wasted > 4 * text.length) throw REFUSED;
    at = from;
    backslash = firstBackslash;
    credit = earned;
  }
  const value = parseNested();
  credit -= COST;
  if (shapes.length < MOST_SHAPES && place.depth < MOST_DEPTH) {
    const shape = shapeOf(value, place);
    if (shape.names.length <= MOST) shapes.push(shape);
  }
  return value;
}

// The object there if it is written like that; undefined if it is not.
function readLike({ names, heads, places, blank }) {
  const value = { ...blank };
  at += 1;
  for (let i = 0; i < names.length; i++) {
    const head = heads[i];
    if (!text.startsWith(head, at)) return undefined;
    at += head.length;
    value[names[i]] = readValue(places[i]);
  }
  return isEnd(CLOSE) ? value : undefined;
}

function readArray(place) {
  if (place.depth >= MOST_DEPTH) return parseNested();
  at += 1;
  if (isEnd(CLOSE_ARRAY)) return [];
  const element = (place.element ??= newPlace(place.depth + 1));
  // Of one that begins with nothing, engines keep room for many more.
  const values = [readValue(element)];
  while (goesOn(CLOSE_ARRAY)) {
    if (values.push(readValue(element)) > MOST) throw REFUSED;
  }
  return values;
}

function readString() {
  const start = at + 1;
  if (backslash < start) backslash = next("\\", start);
  const end = next('"', start);
  if (backslash < end) {
    skipString();
    return JSON.parse(text.slice(start - 1, at));
  }
  at = end + 1;
  if (end - start < SHORT || partLength === WHOLE) return text.slice(start, end);
  if (start < partStart || end > partEnd) beginPart(start, end);
  return part.slice(start - partStart, end - partStart);
}

// Copies what is there into a string of its own.
function beginPart(start, end) {
  partStart = start;
  partEnd = Math.max(end, Math.min(start + partLength, text.length));
  part = copyOf(text.slice(start, partEnd));
}

// Also true, false and null.
function readNumber(first) {
  const from = at;
  let number = 0;
  for (let digit = first - ZERO; digit >= 0 && digit <= 9; digit = text.charCodeAt(at) - ZERO) {
    number = number * 10 + digit;
    at += 1;
  }
  const ends = (code) => code === COMMA || code === CLOSE || code === CLOSE_ARRAY;
  // Up to there numbers are exact, and only zero begins with one.
  if (ends(text.charCodeAt(at)) && at - from < 16 && (first !== ZERO || at - from === 1) && at > from) return number;
  while (!ends(text.charCodeAt(at))) {
    if (at >= text.length) throw REFUSED;
    at += 1;
  }
  return JSON.parse(text.slice(from, at));
}

// What JSON.parse makes of the object or array there.
function parseNested() {
  const from = at;
  let depth = 0;
  do {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      skipString();
      continue;
    }
    // JSON.parse finds the end of a long one faster.
    if (at - from > FEW) throw REFUSED;
    if ((code | BRACE) === OPEN) depth += 1;
    else if ((code | BRACE) === CLOSE) depth -= 1;
    at += 1;
  } while (depth > 0);
  return JSON.parse(text.slice(from, at));
}

function skipString() {
  at += 1;
  while (text.charCodeAt(at) !== QUOTE) {
    if (at >= text.length) throw REFUSED;
    at += text[at] === "\\" ? 2 : 1;
  }
  at += 1;
}

function next(what, from) {
  const found = text.indexOf(what, from);
  return found < 0 ? text.length : found;
}
