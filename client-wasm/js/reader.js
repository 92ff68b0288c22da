// Reads presences from the text of a message faster than JSON.parse: a presence that is written like one that was seen
// before, but for strings and numbers, is read by a regular expression that was made of that one. Any other is left to
// JSON.parse, and from then on it has been seen.

import { isObject } from "./metas.js";
import { copyOf, hasAt } from "./strings.js";

const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;
const COLON = 0x3a;
const END = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;
// The bit in which braces differ from brackets.
const BRACE = 0x20;

// What JSON.parse has to read as a whole, and either does or says what is wrong.
const REFUSED = new Error("to be parsed as a whole");

// What differs from presence to presence: strings that are written as they are, and what is neither string, object nor
// array. None of them can match the same text in two ways, so it takes no longer to find that something does not match.
const STRING = String.raw`"([^"\\\x00-\x1f]*)"`;
// A number, true, false or null, or what looks like one: to make a regular expression of all there is to numbers, many
// times over, takes engines many milliseconds.
const SCALAR = String.raw`([-+.\w]+)`;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const WORDS = new Map([["true", true], ["false", false], ["null", null]]);
// Whole numbers of so many digits are exact.
const MOST_DIGITS = 15;

// Presences of more values than this are left to JSON.parse, and so is what is written in more ways than that.
const MOST_VALUES = 64;
const MOST_SHAPES = 8;

// About how much time each of these saves, or costs where it has a minus: a presence that was read, an attempt in vain,
// one that was left to JSON.parse by itself, and a message that was.
const READ = 4;
const MISSED = -1;
const PARSED = -8;
const WHOLE = -64;
// Who has lost so much more than was saved is not asked any more.
const CREDIT = 1_000;

// The text is read in parts, each a string of its own: engines make most of what they cut from a string a reference to
// it, so whatever is kept of a message keeps that much alive, and not all of it. No presence that is longer is read.
const PART = 1_024;
// States of more UTF-16 units are left to JSON.parse, for all of their parts would be much memory.
const MOST = 2 ** 22;
// Engines begin with slow code, so a longer text is left to JSON.parse until this has read so many UTF-16 units: then they
// have had time to make better code.
const FEW = 2 ** 15;
const WARM = 2 ** 17;

// In a message with a longer one, JSON.parse is faster with all of it.
const LONG = 4 * PART;

const NOBODY = { keys: [], values: [] };

// What is around the only presence of a diff, if it came, and if it went.
const BEFORE_JOIN = '{"joins":{';
const AFTER_JOIN = '},"leaves":{}}]';
const BEFORE_LEAVE = '{"joins":{},"leaves":{';
const AFTER_LEAVE = "}}]";

// One of the ways in which presences are written: what matches it together with its key, and what is made of the match,
// as a node. A string or scalar is the number of what was matched, of a scalar negative; an object or array has nodes.
function shapeOf(presence) {
  let source = `${STRING}:`;
  let values = 1;
  const nodeOf = (value) => {
    if (isObject(value)) return Array.isArray(value) ? arrayOf(value) : objectOf(value);
    const isString = typeof value === "string";
    source += isString ? STRING : SCALAR;
    values += 1;
    return isString ? values : -values;
  };
  const listed = (all, nodeOfOne) =>
    all.map((one, i) => {
      if (i > 0) source += ",";
      return nodeOfOne(one);
    });
  const arrayOf = (elements) => {
    source += "\\[";
    const nodes = listed(elements, nodeOf);
    source += "\\]";
    return { names: null, blank: null, nodes };
  };
  const objectOf = (object) => {
    const names = Object.keys(object);
    source += "\\{";
    const nodes = listed(names, (name) => {
      source += `${JSON.stringify(name).replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}:`;
      return nodeOf(object[name]);
    });
    source += "\\}";
    // Engines copy an object of the same names faster than they make one.
    const blank = { ...object };
    for (const name of names) blank[name] = null;
    return { names, blank, nodes };
  };
  const node = nodeOf(presence);
  if (values > MOST_VALUES) return null;
  // Most presences are nothing but one meta: engines have faster code for that.
  const metas = node.names.join() === "metas" ? node.nodes[0] : node;
  const meta = metas.names === null && metas.nodes.length === 1 ? metas.nodes[0] : null;
  return { pattern: new RegExp(source, "y"), node, meta };
}

function presenceOf({ node, meta }, found) {
  if (meta === null) return make(node, found);
  const metas = [valueOf(meta, found)];
  return { metas };
}

function make({ names, blank, nodes }, found) {
  const { length } = nodes;
  if (names === null) {
    if (length === 0) return [];
    // Of an array that begins with nothing, engines keep room for many more.
    const values = [valueOf(nodes[0], found)];
    for (let i = 1; i < length; i++) values.push(valueOf(nodes[i], found));
    return values;
  }
  const value = { ...blank };
  // Engines set a name faster at a place where it is always the same.
  if (length > 0) value[names[0]] = valueOf(nodes[0], found);
  if (length > 1) value[names[1]] = valueOf(nodes[1], found);
  if (length > 2) value[names[2]] = valueOf(nodes[2], found);
  if (length > 3) value[names[3]] = valueOf(nodes[3], found);
  for (let i = 4; i < length; i++) value[names[i]] = valueOf(nodes[i], found);
  return value;
}

function valueOf(node, found) {
  if (typeof node !== "number") return make(node, found);
  return node > 0 ? found[node] : scalarOf(found[-node]);
}

// Most are small and whole.
function scalarOf(text) {
  const { length } = text;
  let number = 0;
  for (let i = 0; i < length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return anyScalarOf(text);
    number = number * 10 + digit;
  }
  const isPlain = length === 1 || (length <= MOST_DIGITS && text.charCodeAt(0) !== ZERO);
  return isPlain ? number : anyScalarOf(text);
}

function anyScalarOf(text) {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (!NUMBER.test(text)) throw REFUSED;
  return Number(text);
}

// What is being read, where, and the part of it that is at hand. No reading begins within another.
let text = "";
let at = 0;
let part = "";
let partStart = 0;
// What was read last.
let key = "";
let presence = null;

// How many UTF-16 units have been read in this page, diffs of one aside.
let unitsRead = 0;

export class Reader {
  #shapes = [];
  #credit = CREDIT;

  // The `{ keys, values }` of the state that begins there; null if it has to be parsed as a whole.
  state(message) {
    return this.#read(message, false);
  }

  // The same of the joins and of the leaves of a diff.
  diff(message) {
    return this.#diffOfOne(message) ?? this.#read(message, true);
  }

  // Most diffs are one presence that came or went: those are read at one go.
  #diffOfOne({ text, start, isSeen }) {
    if (text === undefined || text.length > PART || isSeen || this.#credit <= 0) return null;
    const isLeave = text.charCodeAt(start + BEFORE_JOIN.length) === CLOSE;
    const before = isLeave ? BEFORE_LEAVE : BEFORE_JOIN;
    const after = isLeave ? AFTER_LEAVE : AFTER_JOIN;
    const from = start + before.length;
    const to = text.length - after.length;
    if (!hasAt(text, after, to) || !hasAt(text, before, start)) return null;
    const shapes = this.#shapes;
    for (let i = 0; i < shapes.length; i++) {
      const shape = shapes[i];
      const { pattern } = shape;
      pattern.lastIndex = from;
      const found = pattern.exec(text);
      if (found === null || pattern.lastIndex !== to) continue;
      try {
        const one = { keys: [found[1]], values: [presenceOf(shape, found)] };
        this.#found(i);
        this.#credit = Math.min(this.#credit, CREDIT);
        return isLeave ? { joins: NOBODY, leaves: one } : { joins: one, leaves: NOBODY };
      } catch {
        // A value is none.
        return null;
      }
    }
    return null;
  }

  // `message` has what came as `text`, in which its payload begins at `start`, if it came as text.
  #read(message, isDiff) {
    const { length } = message.text ?? "";
    const isCold = length > FEW && unitsRead < WARM;
    if (length === 0 || length > MOST || message.isSeen || isCold || this.#credit <= 0) return null;
    if (length > LONG && beginsLong(message)) return null;
    const before = this.#credit;
    unitsRead += length;
    text = message.text;
    at = message.start;
    beginPart();
    try {
      const result = isDiff ? this.#diff() : this.#presences();
      pass(END);
      if (at < length) throw REFUSED;
      this.#credit = Math.min(this.#credit, CREDIT);
      return result;
    } catch {
      // What was read before it was refused has saved nothing.
      this.#credit = Math.min(this.#credit, before) + WHOLE;
      return null;
    } finally {
      text = part = key = "";
      presence = null;
    }
  }

  #diff() {
    expect('{"joins":');
    const joins = this.#presences();
    expect(',"leaves":');
    const leaves = this.#presences();
    pass(CLOSE);
    return { joins, leaves };
  }

  #presences() {
    pass(OPEN);
    if (text.charCodeAt(at) === CLOSE) {
      at += 1;
      return NOBODY;
    }
    this.#presence();
    // An array that begins with nothing has room for many more.
    const keys = [key];
    const values = [presence];
    while (goesOn()) {
      this.#presence();
      keys.push(key);
      values.push(presence);
    }
    return { keys, values };
  }

  #presence() {
    if (this.#match()) return;
    // It may go on after the part.
    if (at > partStart && partStart + part.length < text.length) {
      beginPart();
      if (this.#match()) return;
    }
    const from = at;
    // If that is none, JSON.parse says so.
    skipString();
    pass(COLON);
    skipObject();
    [[key, presence]] = Object.entries(JSON.parse(`{${text.slice(from, at)}}`));
    this.#credit += PARSED;
    if (this.#credit <= 0) throw REFUSED;
    if (this.#shapes.length === MOST_SHAPES || at - from > PART) return;
    const shape = shapeOf(presence);
    // One that is known did not match for some other reason, such as an escape.
    const isNew = this.#shapes.every(({ pattern }) => pattern.source !== shape?.pattern.source);
    if (shape !== null && isNew) this.#shapes.push(shape);
  }

  // Reads a key and its presence, if they are written as some before. Returns whether they are.
  #match() {
    const shapes = this.#shapes;
    for (let i = 0; i < shapes.length; i++) {
      const shape = shapes[i];
      const { pattern } = shape;
      pattern.lastIndex = at - partStart;
      const found = pattern.exec(part);
      if (found === null) {
        this.#credit += MISSED;
        continue;
      }
      this.#found(i);
      at = partStart + pattern.lastIndex;
      key = found[1];
      presence = presenceOf(shape, found);
      return true;
    }
    return false;
  }

  // The shape at this place was one: what is seen more often comes to be tried before.
  #found(i) {
    this.#credit += READ;
    const shapes = this.#shapes;
    if (i > 0) [shapes[i - 1], shapes[i]] = [shapes[i], shapes[i - 1]];
  }
}

// Whether the first presence is certain to be longer than LONG: where one ends there is the next key, or the end of all.
function beginsLong({ text, start }) {
  const beginning = text.slice(start, start + LONG);
  return !beginning.includes('},"') && !beginning.includes("}}");
}

// Begins another part there. A short text is one as it is.
function beginPart() {
  const isShort = text.length <= PART;
  partStart = isShort ? 0 : at;
  part = isShort ? text : copyOf(text.slice(at, at + PART));
}

// Goes past a comma, or past what ends an object. Returns whether it was a comma.
function goesOn() {
  const next = text.charCodeAt(at);
  if (next !== COMMA && next !== CLOSE) throw REFUSED;
  at += 1;
  return next === COMMA;
}

function pass(code) {
  if (text.charCodeAt(at) !== code) throw REFUSED;
  at += 1;
}

function expect(what) {
  if (!hasAt(text, what, at)) throw REFUSED;
  at += what.length;
}

function skipObject() {
  if (text.charCodeAt(at) !== OPEN) throw REFUSED;
  const from = at;
  let depth = 0;
  do {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      skipString();
      continue;
    }
    if (at - from >= LONG) throw REFUSED;
    if ((code | BRACE) === OPEN) depth += 1;
    else if ((code | BRACE) === CLOSE) depth -= 1;
    at += 1;
  } while (depth > 0);
}

function skipString() {
  at += 1;
  while (text.charCodeAt(at) !== QUOTE) {
    if (at >= text.length) throw REFUSED;
    at += text[at] === "\\" ? 2 : 1;
  }
  at += 1;
}
