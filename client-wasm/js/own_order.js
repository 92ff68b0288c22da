// The order of an object's own properties: first the keys that engines take for indices of an array, ascending, then
// all others as they came. Who renders a list may rely on it.

// More keys than so many are sorted all over again.
const MOST_MOVES = 16;

// An array index times this, and a position below it, fit into the 53 bits of a number. No room is that large.
const MOST_KEYS = 2 ** 21;

// A Map in that order. Unlike objects, Maps stay fast when they are large and change.
export class OwnOrderMap {
  #names = new Map();
  // By index: `{ index, key, value }`.
  #indices = new Map();
  // The same ascending, and how many were moved in and out of them since that was asked for; null if those are many,
  // which takes longer than to sort them.
  #ascending = [];
  #moves = 0;

  get size() {
    return this.#indices.size + this.#names.size;
  }

  get(key) {
    const index = arrayIndex(key);
    return index < 0 ? this.#names.get(key) : this.#indices.get(index)?.value;
  }

  set(key, value) {
    const index = arrayIndex(key);
    if (index < 0) {
      this.#names.set(key, value);
      return;
    }
    const known = this.#indices.get(index);
    if (known !== undefined) {
      known.value = value;
      return;
    }
    const entry = { index, key, value };
    this.#indices.set(index, entry);
    this.#insert(entry);
  }

  delete(key) {
    const index = arrayIndex(key);
    if (index < 0) this.#names.delete(key);
    else if (this.#indices.delete(index)) this.#remove(index);
  }

  clear() {
    this.#names.clear();
    this.#indices.clear();
    this.#ascending = [];
    this.#moves = 0;
  }

  // What `by` makes of each. Only for applications: engines are three times as fast with a loop that calls always the
  // same function.
  list(by) {
    const listed = [];
    for (const { key, value } of this.#indexed()) listed.push(by(key, value));
    for (const [key, value] of this.#names) listed.push(by(key, value));
    return listed;
  }

  // Calls back with each.
  forEach(callback) {
    for (const { key, value } of this.#indexed()) callback(key, value);
    for (const [key, value] of this.#names) callback(key, value);
  }

  #indexed() {
    this.#ascending ??= [...this.#indices.values()].sort((a, b) => a.index - b.index);
    this.#moves = 0;
    return this.#ascending;
  }

  #insert(entry) {
    const order = this.#ascending;
    if (order?.length === 0 || order?.at(-1).index < entry.index) order.push(entry);
    else if (this.#mayMove()) order.splice(this.#position(entry.index), 0, entry);
  }

  #remove(index) {
    if (this.#mayMove()) this.#ascending.splice(this.#position(index), 1);
  }

  #mayMove() {
    if (this.#ascending === null) return false;
    this.#moves += 1;
    if (this.#moves > MOST_MOVES) this.#ascending = null;
    return this.#ascending !== null;
  }

  // Where the index is, or would be.
  #position(index) {
    let low = 0;
    for (let high = this.#ascending.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (this.#ascending[middle].index < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

// Keys in that order, and the values that go with them. They are what was given if they are in order.
export function inOwnOrder(keys, values) {
  if (keys.length < 2) return [keys, values];
  let indices;
  let count = 0;
  for (let i = 0; i < keys.length; i++) {
    const index = arrayIndex(keys[i]);
    // The index and the position in one number, which are sorted much faster than objects.
    if (index < 0) continue;
    indices ??= new Float64Array(keys.length);
    indices[count++] = index * MOST_KEYS + i;
  }
  if (count === 0) return [keys, values];
  const ordered = [[], []];
  const ascending = indices.subarray(0, count).sort();
  for (let i = 0; i < count; i++) {
    const both = ascending[i];
    // Not `%`, which is slow where numbers are large.
    const position = both - Math.floor(both / MOST_KEYS) * MOST_KEYS;
    add(ordered, keys[position], values[position]);
  }
  for (let i = 0; i < keys.length && ordered[0].length < keys.length; i++) {
    if (arrayIndex(keys[i]) < 0) add(ordered, keys[i], values[i]);
  }
  return ordered;
}

function add([keys, values], key, value) {
  keys.push(key);
  values.push(value);
}

// The index of an array that engines take the key for; -1 if it is none.
function arrayIndex(key) {
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
