import { explain, start, wasm } from "./client.js";
import { bytes } from "./wasm-bytes.js";

if (wasm === null) {
  if (typeof WebAssembly === "undefined") throw new Error("herenow: there is no WebAssembly here");
  try {
    start(new WebAssembly.Module(bytes()));
  } catch (error) {
    throw explain(error);
  }
}
