//! The example of a frontend in Rust, `client-wasm/examples/room`, built into a page that a server can serve.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    command::cargo,
    package::{self, TARGET},
    workspace::{root, target_dir},
};

const NAME: &str = "room";

/// Builds the page and returns the folder that it is in.
pub(crate) fn build() -> Result<PathBuf> {
    package::ensure_target()?;
    cargo(["build", "--package", "herenow-client", "--example", NAME])
        .args(["--no-default-features", "--features", "frontend"])
        .args(["--target", TARGET, "--profile", "wasm"])
        .run()?;
    let target = target_dir()?;
    let module = target
        .join(TARGET)
        .join("wasm/examples")
        .join(format!("{NAME}.wasm"));
    let dir = target.join("frontend");
    Bindgen::new()
        .input_path(&module)
        .out_name(NAME)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(false)
        .generate(&dir)
        .with_context(|| format!("wasm-bindgen failed on {}", module.display()))?;
    let page = root()
        .join("client-wasm/examples")
        .join(NAME)
        .join("index.html");
    fs::copy(&page, dir.join("index.html"))
        .with_context(|| format!("cannot copy {}", page.display()))?;
    Ok(dir)
}
