// Reads large states without making objects of those members that are as they were in the last one. The numbers
// are those of src/snapshot.rs.

import { wasm } from "./wasm.js";

const BEGIN = 0;
const BEGIN_KEYS = 1;
const ROOM = 2;
const READ = 3;
const OUT = 4;
const END = 5;
const FORGET = 6;
const READ_LAST = 7;

const REFUSED = new Error("the text has to be parsed as a whole");

// So many UTF-16 units are read at a time: engines need no fresh memory for what comes of that.
const PART = 2 ** 15;

// Not everywhere: jsdom has none.
const encoder = globalThis.TextEncoder && new TextEncoder();
const decoder = globalThis.TextDecoder && new TextDecoder();

const registry =
  globalThis.FinalizationRegistry && new FinalizationRegistry((id) => wasm.snapshot_free(id));

// Whoever knows it can find keys that are slow to tell apart.
const seed = () =>
  globalThis.crypto?.getRandomValues(new Uint32Array(2)) ?? [0, 0].map(() => Math.random() * 2 ** 32);

export class Snapshot {
  #id = wasm.snapshot_new(...seed());
  // The keys whose presences are not what the last state said, because a diff came after it.
  #touched = new Set();

  constructor() {
    registry?.register(this, this.#id, this);
  }

  // Gives the memory in wasm back. Nothing may be asked afterwards.
  free() {
    registry?.unregister(this);
    wasm.snapshot_free(this.#id);
  }

  // Returns how many there are.
  touch(key) {
    return this.#touched.add(key).size;
  }

  // The members of a state that are not as they were in the last one, and how many there are in all; null if the
  // text has to be parsed as a whole, after which nothing else may be asked.
  read(text) {
    if (!encoder || !decoder) return null;
    const keys = [];
    const presences = [];
    const size = this.#attempt(() => {
      for (const key of this.#touched) this.#call(FORGET, this.#write(key));
      this.#touched.clear();
      return this.#scan(text, BEGIN, (values, newKeys) => {
        for (let i = 0; i < newKeys.length; i++) {
          const value = values[i];
          keys.push(newKeys[i]);
          presences.push(Array.isArray(value) ? value[0] : alone(value));
        }
      });
    });
    return size === null ? null : { keys, presences, size };
  }

  // All keys of a state that could be read; null like there.
  keys(text) {
    const all = new Set();
    const size = this.#attempt(() =>
      this.#scan(text, BEGIN_KEYS, (_values, keys) => {
        for (const key of keys) all.add(key);
      }),
    );
    return size === null ? null : all;
  }

  // What `scan` returns; null if it fails, be it that the text was refused or that wasm is out of memory.
  #attempt(scan) {
    try {
      return scan();
    } catch {
      return null;
    }
  }

  #call(what, bytes) {
    const result = wasm.snapshot_call(this.#id, what, bytes);
    if (result < 0) throw REFUSED;
    return result;
  }

  // Returns how many bytes it wrote.
  #write(text) {
    // The most that so many UTF-16 units can need.
    const room = text.length * 3;
    const at = this.#call(ROOM, room);
    return encoder.encodeInto(text, new Uint8Array(wasm.memory.buffer, at, room)).written;
  }

  // Returns the number of members.
  #scan(text, begin, take) {
    this.#call(begin, text.length);
    for (let at = 0; at < text.length; ) {
      let end = at + PART;
      // Not between the halves of a surrogate pair.
      if ((text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end -= 1;
      const written = this.#write(text.slice(at, end));
      const length = this.#call(end < text.length ? READ : READ_LAST, written);
      if (length > 0) {
        const json = new Uint8Array(wasm.memory.buffer, this.#call(OUT), length);
        take(...JSON.parse(decoder.decode(json)));
      }
      at = end;
    }
    return this.#call(END);
  }
}

// A presence of one meta. In two steps, for which engines have faster code than for a nested literal.
function alone(meta) {
  const metas = [meta];
  return { metas };
}
