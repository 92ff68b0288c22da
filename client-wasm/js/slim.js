// The client without the bytes of the wasm, for applications that serve them as a file of their own:
// `await init(url)` before anything else.

import { explain, start, wasm } from "./client.js";

export { Channel, LongPoll, Presence, Push, Serializer, Socket } from "./client.js";

let starting = null;

/** See slim.d.ts. */
export function init(source) {
  starting ??= load(source).catch((error) => {
    // The next call may try again.
    starting = null;
    throw explain(error);
  });
  return starting;
}

async function load(source) {
  if (wasm !== null) return;
  start(await compile(await source));
}

async function compile(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return WebAssembly.compile(source);
  const response = source instanceof Response ? source : await fetch(source);
  if (!response.ok) throw new Error(`herenow: ${response.url} answered ${response.status}`);
  // Streaming needs the right media type, which not every server sends.
  const type = response.headers.get("content-type") ?? "";
  return type.startsWith("application/wasm") && WebAssembly.compileStreaming
    ? WebAssembly.compileStreaming(response)
    : WebAssembly.compile(await response.arrayBuffer());
}
