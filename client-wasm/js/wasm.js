// The wasm. It has to be started before a socket is made, which index.js does on import, and slim.js when the
// application says so.

import { initSync } from "./herenow_client.js";

// What the module exports, once it is there.
export let wasm = null;

// Takes the compiled module into use.
export function start(module) {
  wasm = initSync({ module });
}

// What to say of an error that came of compiling the wasm.
export function explain(error) {
  if (!/unsafe-eval|disallowed|Content.Security/i.test(error.message)) return error;
  return new Error(
    "herenow: the Content-Security-Policy of this page forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src",
    { cause: error },
  );
}
