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
const BEGIN_NOTE = 7;

const REFUSED = new Error("the text has to be parsed as a whole");

// So many UTF-16 units are read at a time: engines need no fresh memory for what comes of that.
const PART = 2 ** 15;

// Engines begin with slow code for wasm, with which a first state takes longer than in JavaScript. After so many UTF-16
// units they have had time to make a better one.
const WARM = 2 ** 19;

// With less of them in a state it takes as long in the end, or longer.
const LONG = 2 ** 22;

// How long a state is noted at a time.
const NOTING_MS = 4;

// Not everywhere: jsdom has none.
const encoder = globalThis.TextEncoder && new TextEncoder();
const decoder = globalThis.TextDecoder && new TextDecoder();

const registry =
  globalThis.FinalizationRegistry && new FinalizationRegistry((id) => wasm.snapshot_free(id));

// Whoever knows it can find keys that are slow to tell apart.
const seed = () =>
  globalThis.crypto?.getRandomValues(new Uint32Array(2)) ?? [0, 0].map(() => Math.random() * 2 ** 32);

export class Snapshot {
  // How many UTF-16 units have been read in this page.
  static #read = 0;

  // Whether this reads a first state of so many UTF-16 units faster than a `Reader`.
  static isFasterFor(length) {
    return length >= LONG && Snapshot.#read >= WARM;
  }

  // Once it is needed: a first state does not wait for it.
  #id = null;
  // What reads on in a state that is noted.
  #timer = null;
  // Whether a text was refused, or did not have as many members as there are. Then nothing may be asked any more.
  #isRefused = false;
  // The keys whose presences are not what the last state said, because a diff came after it: those of each diff, some of
  // them more than once.
  #touched = [];
  #touches = 0;

  // Gives the memory in wasm back. Nothing may be asked afterwards.
  free() {
    clearTimeout(this.#timer);
    registry?.unregister(this);
    if (this.#id !== null) wasm.snapshot_free(this.#id);
  }

  // A diff changed what is under these keys. Returns whether that has happened no more often than `most` times.
  touch(keys, most) {
    this.#touched.push(keys);
    this.#touches += keys.length;
    return this.#touches <= most;
  }

  get isNoting() {
    return this.#timer !== null;
  }

  // Reads a state of which so many members are here already, so that the next one can be compared with it: later, and
  // for some milliseconds at a time, as nobody waits for that.
  note(text, members) {
    if (!encoder || !decoder) return;
    const next = (from) => {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#attempt(() => {
          if (from === 0) this.#call(BEGIN_NOTE, text.length);
          let at = from;
          for (const started = Date.now(); at < text.length && Date.now() - started < NOTING_MS; ) {
            at = this.#readPart(text, at);
          }
          if (at < text.length) next(at);
          else if (this.#call(END) !== members) throw REFUSED;
        });
      });
    };
    next(0);
  }

  // The members of a state that are not as they were in the last one, and how many there are in all; null if the
  // text has to be parsed as a whole.
  read(text) {
    if (!encoder || !decoder || this.#isRefused) return null;
    const keys = [];
    const presences = [];
    const size = this.#attempt(() => {
      for (const key of new Set(this.#touched.flat())) this.#call(FORGET, this.#write(key));
      this.#touched = [];
      this.#touches = 0;
      return this.#scan(text, BEGIN, takeMembers, [keys, presences]);
    });
    return size === null ? null : { keys, presences, size };
  }

  // All keys of a state that could be read; null like there.
  keys(text) {
    const all = new Set();
    const size = this.#attempt(() => this.#scan(text, BEGIN_KEYS, takeKeys, all));
    return size === null ? null : all;
  }

  // What `scan` returns; null if it fails, be it that the text was refused or that wasm is out of memory.
  #attempt(scan) {
    try {
      return scan();
    } catch {
      this.#isRefused = true;
      return null;
    }
  }

  #call(what, bytes) {
    if (this.#id === null) {
      this.#id = wasm.snapshot_new(...seed());
      registry?.register(this, this.#id, this);
    }
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

  // Has `take` put what is read into `into`. Returns the number of members.
  #scan(text, begin, take, into) {
    this.#call(begin, text.length);
    for (let at = 0; at < text.length; ) at = this.#readPart(text, at, take, into);
    return this.#call(END);
  }

  // Reads what is there of the text from `at` on, but no more than a part. Returns where it ended.
  #readPart(text, at, take, into) {
    let end = at + PART;
    // Not between the halves of a surrogate pair.
    if ((text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end -= 1;
    const written = this.#write(text.slice(at, end));
    const length = this.#call(READ, written);
    if (length > 0) {
      const json = new Uint8Array(wasm.memory.buffer, this.#call(OUT), length);
      take(JSON.parse(decoder.decode(json)), into);
    }
    Snapshot.#read += end - at;
    return end;
  }
}

// These are no closures: of functions that nobody holds, engines forget what they have compiled.
function takeMembers([values, newKeys, arePresences], [keys, presences]) {
  for (let i = 0; i < newKeys.length; i++) {
    const value = values[i];
    keys.push(newKeys[i]);
    presences.push(arePresences === undefined ? presenceOf(value) : value);
  }
}

function takeKeys([, keys], all) {
  for (const key of keys) all.add(key);
}

// The presence of an only meta, or of an array of metas. In two steps, for which engines have faster code than for
// a nested literal.
function presenceOf(value) {
  const metas = Array.isArray(value) ? value : [value];
  return { metas };
}
