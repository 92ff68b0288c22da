// The members of a topic by their keys, in the order of an object's own properties: first the keys that engines take for
// indices of an array, ascending, then all others as they came. Who renders a list may rely on it.
//
// It is a hash table of its own: to find keys that come as parts of a text, an engine's Map takes three times as long.

// More keys than so many are sorted all over again.
const MOST_MOVES = 16;

// An array index times this, and a position below it, fit into the 53 bits of a number. No room is that large.
const MOST_KEYS = 2 ** 21;

// So many entries there is room for at least.
const LEAST = 8;
// Entries that have gone are dropped when they are this many times as many as there are members.
const MOST_GONE = 4;

const NONE = [];
const NOBODY = { keys: NONE, values: NONE };

// Where hashes begin: who does not know it can hardly choose keys that are slow to tell apart.
const seed = Math.floor(Math.random() * 2 ** 32);

// FNV-1a.
function hashOf(key) {
  // Asked for each time, it would take twice as long: engines look anew for where the characters are.
  const { length } = key;
  let hash = seed;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x0100_0193);
  return hash ^ (hash >>> 15);
}

export class Table {
  // How many have a value.
  size = 0;
  // Of each entry its key and value, in the order in which they came; the key is null if it has gone. Until it is set, the
  // value is undefined, and it is as if it was not there.
  #keys = [];
  #values = [];
  // The number of the last call of `locate` that found it.
  #found;
  #locates = 0;
  // Where the low bits of a hash say, or after that: the position of an entry, plus one, and the other bits of its hash.
  // Zero: nothing. Null until it is needed.
  #slots = null;
  // How many keys are indices; their positions, ascending by index, and how often something was moved in and out of them
  // since they were asked for; null if that is many times, which takes longer than to sort them.
  #indices = 0;
  #ascending = [];
  #moves = 0;

  get(key) {
    if (this.#slots === null) this.#index(0);
    const position = this.#positionAt(this.#slot(key, hashOf(key)));
    return position < 0 ? undefined : this.#values[position];
  }

  // What is at a position; undefined if there is nobody.
  at(position) {
    return this.#values[position];
  }

  // Whether the last call of `locate` found what is at a position.
  isFound(position) {
    return this.#found[position] === this.#locates;
  }

  // The positions of keys; -1 for those that are not there, if they are not to be `added`. They hold until the next
  // call of `locate` with `added`. Null, with nothing added, if a key is there twice.
  locate(keys, added) {
    if (this.#slots === null) this.#index(added ? keys.length : 0);
    else if (added) this.#makeRoom(keys.length);
    this.#locates += 1;
    if (keys.length === 0) return NONE;
    const positions = new Array(keys.length);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      const hash = hashOf(key);
      const slot = this.#slot(key, hash);
      let position = this.#positionAt(slot);
      if (position < 0 && added) position = this.#add(slot, key, hash);
      if (position >= 0) {
        if (this.isFound(position)) {
          this.release(positions);
          return null;
        }
        this.#found[position] = this.#locates;
      }
      positions[i] = position;
    }
    return positions;
  }

  // Takes those back that were added, now or before, and not set.
  release(positions) {
    for (const position of positions) {
      if (position >= 0 && this.#values[position] === undefined) this.#keys[position] = null;
    }
  }

  // Takes all of these, which are in order. There must be nobody before. Unless it is known that the keys differ, it
  // returns false if a key is there twice, and nobody is there after that.
  fill({ keys, values }, differ) {
    this.#keys = keys.slice();
    this.#values = values.slice();
    this.#slots = null;
    this.size = keys.length;
    this.#ascending = [];
    while (arrayIndex(keys[this.#ascending.length] ?? "") >= 0) this.#ascending.push(this.#ascending.length);
    this.#indices = this.#ascending.length;
    const isFilled = differ || this.#index(0);
    if (!isFilled) this.clear();
    return isFilled;
  }

  set(position, value) {
    if (this.#values[position] === undefined) {
      this.size += 1;
      this.#move(position, 1);
    }
    this.#values[position] = value;
  }

  delete(position) {
    this.size -= 1;
    this.#move(position, -1);
    this.#values[position] = undefined;
    this.#keys[position] = null;
  }

  clear() {
    this.fill(NOBODY, true);
  }

  // What `by` makes of each. Only for applications: engines are three times as fast with a loop that calls always the
  // same function.
  list(by) {
    const { keys, values, order, names, isMixed } = this.#walk();
    const listed = [];
    for (let i = 0; i < order.length; i++) {
      const value = values[order[i]];
      if (value !== undefined) listed.push(by(keys[order[i]], value));
    }
    for (let i = 0; i < names; i++) {
      const value = values[i];
      if (value !== undefined && isNext(keys[i], isMixed)) listed.push(by(keys[i], value));
    }
    return listed;
  }

  // Calls back with each, and its position.
  forEach(callback) {
    const { keys, values, order, names, isMixed } = this.#walk();
    for (let i = 0; i < order.length; i++) {
      const value = values[order[i]];
      if (value !== undefined) callback(keys[order[i]], value, order[i]);
    }
    for (let i = 0; i < names; i++) {
      const value = values[i];
      if (value !== undefined && isNext(keys[i], isMixed)) callback(keys[i], value, i);
    }
  }

  // What it takes to go through all, as it is now: the entries, the positions of indices, how many entries there are if
  // some are no indices, and whether some are. An application may change the table meanwhile: who goes may be passed over.
  #walk() {
    const [keys, indices] = [this.#keys, this.#indices];
    const names = indices === this.size ? 0 : keys.length;
    return { keys, values: this.#values, order: this.#first().slice(), names, isMixed: indices > 0 };
  }

  // Makes it possible to find keys, and room for so many more and some. Not before somebody looks for one: a page that
  // shows who is there need not wait for that. Returns false if a key is there twice.
  #index(count) {
    const keys = this.#keys;
    const room = LEAST + 2 * (keys.length + count);
    let length = LEAST;
    while (length < 1.25 * room) length *= 2;
    const mask = length - 1;
    this.#slots = new Int32Array(length);
    this.#found = new Int32Array(room);
    for (let i = 0; i < keys.length; i++) {
      const hash = hashOf(keys[i]);
      const slot = this.#slot(keys[i], hash);
      if (this.#slots[slot] !== 0) return false;
      this.#slots[slot] = (hash & ~mask) | (i + 1);
    }
    return true;
  }

  // The slot of a key, or the one for it.
  #slot(key, hash) {
    const keys = this.#keys;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let free = -1;
    let slot = hash & mask;
    for (let entry; (entry = slots[slot]) !== 0; slot = (slot + 1) & mask) {
      if (((entry ^ hash) & ~mask) !== 0) continue;
      const known = keys[(entry & mask) - 1];
      if (known === key) return slot;
      // Who comes again and again leaves no long way to go.
      if (known === null) free = slot;
    }
    return free < 0 ? slot : free;
  }

  // The position in a slot; -1 if nobody is there.
  #positionAt(slot) {
    const position = (this.#slots[slot] & (this.#slots.length - 1)) - 1;
    return position < 0 || this.#keys[position] === null ? -1 : position;
  }

  // Adds an entry without a value, for which there has to be room. Returns its position.
  #add(slot, key, hash) {
    const position = this.#keys.length;
    const mask = this.#slots.length - 1;
    this.#slots[slot] = (hash & ~mask) | (position + 1);
    this.#keys.push(key);
    this.#values.push(undefined);
    return position;
  }

  // Drops what has gone if there is no room for so many more, or if most of all have gone.
  #makeRoom(count) {
    const [keys, values] = [this.#keys, this.#values];
    if (keys.length + count <= this.#found.length && keys.length - LEAST <= MOST_GONE * this.size) return;
    this.#keys = [];
    this.#values = [];
    for (let i = 0; i < keys.length; i++) {
      if (values[i] === undefined) continue;
      this.#keys.push(keys[i]);
      this.#values.push(values[i]);
    }
    if (this.#indices > 0) this.#ascending = null;
    this.#index(count);
  }

  // The positions of those whose keys are indices.
  #first() {
    if (this.#indices === 0) return NONE;
    this.#moves = 0;
    return (this.#ascending ??= this.#sorted());
  }

  #sorted() {
    const sorted = new Float64Array(this.#indices);
    let count = 0;
    for (let i = 0; i < this.#keys.length; i++) {
      if (this.#values[i] === undefined) continue;
      const index = arrayIndex(this.#keys[i]);
      if (index >= 0) sorted[count++] = packed(index, i);
    }
    return Array.from(sorted.sort(), positionOf);
  }

  // Somebody comes (1) or goes (-1).
  #move(position, by) {
    const index = arrayIndex(this.#keys[position]);
    if (index < 0) return;
    this.#indices += by;
    if (this.#indices === 0) this.#ascending = [];
    const order = this.#ascending;
    if (order === null || this.#indices === 0) return;
    const isLast = order.length === 0 || arrayIndex(this.#keys[order.at(-1)]) < index;
    if (by > 0 && isLast) order.push(position);
    else if (++this.#moves > MOST_MOVES) this.#ascending = null;
    else if (by > 0) order.splice(this.#place(index), 0, position);
    else order.splice(this.#place(index), 1);
  }

  // Where among the ascending ones an index is, or would be.
  #place(index) {
    let low = 0;
    for (let high = this.#ascending.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (arrayIndex(this.#keys[this.#ascending[middle]]) < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

// Whether a key is none of the indices, which come first.
function isNext(key, isMixed) {
  return !isMixed || arrayIndex(key) < 0;
}

// An index and a position in one number, which are sorted much faster than objects.
const packed = (index, position) => index * MOST_KEYS + position;
// Not `%`, which is slow where numbers are large. Of numbers that may have fractions engines make another kind of array.
const positionOf = (both) => (both - Math.floor(both / MOST_KEYS) * MOST_KEYS) | 0;

// Keys in that order, and the values that go with them. They are what was given if they are in order.
export function inOwnOrder(entries) {
  const { keys, values } = entries;
  if (keys.length < 2) return entries;
  let indices;
  let count = 0;
  for (let i = 0; i < keys.length; i++) {
    const index = arrayIndex(keys[i]);
    if (index < 0) continue;
    indices ??= new Float64Array(keys.length);
    indices[count++] = packed(index, i);
  }
  if (count === 0) return entries;
  const order = Array.from(indices.subarray(0, count).sort(), positionOf);
  for (let i = 0; i < keys.length && order.length < keys.length; i++) {
    if (arrayIndex(keys[i]) < 0) order.push(i);
  }
  return { keys: order.map((i) => keys[i]), values: order.map((i) => values[i]) };
}

// The index of an array that engines take the key for; -1 if it is none.
export function arrayIndex(key) {
  const { length } = key;
  const first = key.charCodeAt(0) - 48;
  // Most keys are settled here; this is true of NaN, too.
  if (!(first >= 0 && first <= 9) || length > 10 || (first === 0 && length > 1)) return -1;
  let index = first;
  for (let i = 1; i < length; i++) {
    const digit = key.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    index = index * 10 + digit;
  }
  return index < 0xffff_ffff ? index : -1;
}
