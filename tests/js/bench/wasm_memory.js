// How much memory wasm modules have. Import this before them.

const memories = [];

WebAssembly.Instance = class extends WebAssembly.Instance {
  constructor(...args) {
    super(...args);
    if (this.exports.memory) memories.push(this.exports.memory);
  }
};

/** The bytes of all of them. What a module has been given once, it keeps. */
export const wasmBytes = () => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
