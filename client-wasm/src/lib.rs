//! The wasm client of herenow.
