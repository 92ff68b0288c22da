//! Shrinking the wasm with Binaryen's wasm-opt, which the npm package `binaryen` carries.

use std::fs;

use anyhow::{Context, Result};

use crate::{
    command::cmd,
    node,
    workspace::{root, target_dir},
};

/// What every browser with wasm has had for years, by name: `--all-features` would make wasm-opt
/// write encodings that browsers refuse.
const FEATURES: [&str; 5] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-multivalue",
];

/// The same module, smaller. Needs npm.
pub(crate) fn shrink(wasm: &[u8]) -> Result<Vec<u8>> {
    node::install()?;
    let dir = target_dir()?.join("wasm-opt");
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let (input, output) = (dir.join("in.wasm"), dir.join("out.wasm"));
    fs::write(&input, wasm).with_context(|| format!("cannot write {}", input.display()))?;
    cmd(
        "node",
        [node::dir().join("node_modules/binaryen/bin/wasm-opt")],
    )
    .args(["--mvp-features"])
    .args(FEATURES)
    .args([
        "-Oz",
        "--converge",
        "--low-memory-unused",
        "--strip-debug",
        "--strip-producers",
        "--strip-target-features",
        "-o",
    ])
    .args([&output, &input])
    .dir(root())
    .run()?;
    fs::read(&output).with_context(|| format!("cannot read {}", output.display()))
}
