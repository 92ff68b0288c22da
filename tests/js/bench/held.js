// What a room costs in memory, in a process or page of its own for each client.

import { clients } from "./clients.js";
import { snapshot } from "./data.js";
import { wasmBytes } from "./wasm_memory.js";

/** Makes a client of this kind that holds so many members, and returns how much more wasm memory there is. */
export async function hold(packages, kind, members) {
  const client = await clients(packages)[kind]();
  const before = wasmBytes();
  client.receive(snapshot(members));
  client.render();
  globalThis.held = client;
  // Until what is done when there is time is done.
  await new Promise((resolve) => setTimeout(resolve, 20 + members / 40));
  return wasmBytes() - before;
}
