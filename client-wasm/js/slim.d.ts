export * from "./index.js";

/**
 * Loads the wasm. Everything else of this module may be used when that is done; calling it again does
 * nothing more.
 *
 * @param source where `herenow/herenow.wasm` is served, a response for it, its bytes, or a compiled module
 */
export function init(
  source:
    | string
    | URL
    | Request
    | Response
    | BufferSource
    | WebAssembly.Module
    | Promise<Response | BufferSource | WebAssembly.Module>,
): Promise<void>;
