// Calls into the wasm. It has to be started first, which index.js does on import, and slim.js when the
// application says so.
//
// Text goes in through a buffer in wasm memory (see src/rx.rs), where encodeInto writes without a copy on the way.

import * as glue from "./herenow_client.js";
import { TextEncoder } from "./text.js";

// As src/rx.rs has it.
const MIN_BYTES = 1024;

let wasm = null;

/** Whether `start` was called. */
export const isStarted = () => wasm !== null;

/** Takes the compiled module into use. */
export function start(module) {
  wasm = glue.initSync({ module });
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

/** What to say of an error that came of compiling the wasm. */
export function explain(error) {
  if (!/unsafe-eval|disallowed|Content.Security/i.test(error.message)) return error;
  return new Error(
    "herenow: the Content-Security-Policy of this page forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src",
    { cause: error },
  );
}

const encoder = new TextEncoder();

// Where text goes in: a view of wasm memory, which is empty when that has grown.
let room = new Uint8Array(0);

/** Writes a text for the call into wasm that comes next. */
export function writeText(text) {
  // The most bytes that so many UTF-16 units can need.
  const most = text.length * 3;
  if (room.length < most) {
    const bytes = Math.max(most, MIN_BYTES);
    const at = wasm.rx_reserve(bytes);
    room = new Uint8Array(wasm.memory.buffer, at, bytes);
  }
  wasm.rx_commit(encoder.encodeInto(text, room).written);
}
