// Calls into the wasm. It has to be started first, which index.js does on import, and slim.js when the
// application says so.
//
// Text goes in through two buffers in wasm memory: the frame that the socket is just handling, and scratch
// for all else (see src/rx.rs). encodeInto writes there without a copy on the way.

import * as glue from "./herenow_client.js";
import { TextDecoder, TextEncoder } from "./text.js";

let wasm = null;

/** Whether `start` was called. */
export const isStarted = () => wasm !== null;

/** Takes the compiled module into use. */
export function start(module) {
  wasm = glue.initSync({ module });
  frame = new Buffer(wasm.rx_reserve, wasm.rx_room, wasm.rx_commit);
  scratch = new Buffer(wasm.scratch_reserve, wasm.scratch_room, wasm.scratch_commit);
}

function needStarted() {
  if (wasm === null) {
    throw new Error("herenow: the wasm is not there yet: await init() of herenow/slim first");
  }
}

/** `SocketCore` of src/socket.rs. */
export class SocketCore extends glue.SocketCore {
  constructor(...args) {
    needStarted();
    super(...args);
  }
}

/** `PresenceCore` of src/presence.rs. */
export class PresenceCore extends glue.PresenceCore {
  constructor(...args) {
    needStarted();
    super(...args);
  }
}

/** What to say of an error that came of compiling the wasm. */
export function explain(error) {
  if (!/unsafe-eval|disallowed|Content.Security/i.test(error.message)) return error;
  return new Error(
    "herenow: the Content-Security-Policy of this page forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src",
    { cause: error },
  );
}

// Above this, room is given back when less will do (see src/rx.rs).
const KEEP_BYTES = 2 ** 20;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

// Views of the wasm memory, which is another buffer when it has grown.
let bytes8 = new Uint8Array(0);
let words32 = new Uint32Array(0);

function memory() {
  if (bytes8.byteLength === 0) {
    bytes8 = new Uint8Array(wasm.memory.buffer);
    words32 = new Uint32Array(wasm.memory.buffer);
  }
  return bytes8;
}

// A buffer for text in wasm memory, and a view of it, which is good until the memory grows.
class Buffer {
  #view = new Uint8Array(0);

  constructor(reserve, room, commit) {
    this.#reserve = reserve;
    this.#room = room;
    this.#commit = commit;
  }

  #reserve;
  #room;
  #commit;

  write(text) {
    // A byte a character is what most texts need, and three are the most that one can need.
    this.#make(text.length);
    let { read, written } = encoder.encodeInto(text, this.#view);
    if (read < text.length) {
      this.#make(written + (text.length - read) * 3);
      written += encoder.encodeInto(text.slice(read), this.#view.subarray(written)).written;
    }
    this.#commit(written);
  }

  // A view of at least so many bytes, and of not many more if they are many: the room is given back.
  #make(bytes) {
    const room = this.#view.length;
    if (room !== 0 && bytes <= room && room <= KEEP_BYTES) return;
    const at = this.#reserve(bytes);
    this.#view = memory().subarray(at, at + this.#room());
  }
}

let frame;
let scratch;

/** Writes the text of a frame. All of it counts as payload, until the socket says better. */
export function writeText(text) {
  frame.write(text);
}

/** Writes a text that is no frame. */
export function writeScratch(text) {
  scratch.write(text);
}

/** The text of `length` bytes of wasm memory at `at`. */
export function readText(at, length) {
  const part = memory().subarray(at, at + length);
  return decoder.decode(part);
}

/** The payload of the frame that is just handled, as text. */
export function payloadText() {
  return readText(wasm.rx_payload_ptr(), wasm.rx_payload_len());
}

/** Wasm memory as numbers of 32 bits: a view, which holds until the next call into wasm. */
export function words() {
  memory();
  return words32;
}
