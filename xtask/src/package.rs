//! The npm package `herenow`, built into `client-wasm/pkg/`: the wasm, the glue that wasm-bindgen
//! writes for it, and the hand-written ES modules of `client-wasm/js/`.
//!
//! The whole package is made in memory and then laid over the folder: a file that no longer belongs
//! to it goes, one that did not change keeps its time stamp, and a build that fails leaves the last
//! good package standing.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    command::{available, cargo, cmd},
    tree::{self, Files},
    wasm_opt,
    workspace::{package_dir, root, target_dir},
};

const TARGET: &str = "wasm32-unknown-unknown";

/// The name of wasm-bindgen's output: `herenow_client.js` and `herenow_client_bg.wasm`.
const STEM: &str = "herenow_client";

/// Builds the package. `optimize`: also shrink the wasm with wasm-opt.
pub(crate) fn build(optimize: bool) -> Result<()> {
    ensure_target()?;
    // Flags in the environment would replace those of .cargo/config.toml, which the package needs.
    cargo([
        "build",
        "--package",
        "herenow-client",
        "--target",
        TARGET,
        "--profile",
        "wasm",
    ])
    .env_remove("RUSTFLAGS")
    .env_remove("CARGO_ENCODED_RUSTFLAGS")
    .run()?;
    let module = target_dir()?
        .join(TARGET)
        .join("wasm")
        .join(format!("{STEM}.wasm"));

    let mut files = tree::read(&root().join("client-wasm/js"))?;
    for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
        let text =
            fs::read(root().join(license)).with_context(|| format!("cannot read {license}"))?;
        files.insert(license.into(), text);
    }
    let wasm = bindgen(&module, &mut files)?;
    let wasm = if optimize {
        wasm_opt::shrink(&wasm)?
    } else {
        wasm
    };
    files.insert("wasm-bytes.js".into(), inlined(&wasm).into_bytes());
    files.insert(format!("{STEM}_bg.wasm").into(), wasm);
    tree::lay_out(&files, &package_dir())
}

/// Clippy for the target that the client is written for: code behind `cfg(target_arch)` is seen only
/// there.
pub(crate) fn lint() -> Result<()> {
    ensure_target()?;
    cargo([
        "clippy",
        "--package",
        "herenow-client",
        "--target",
        TARGET,
        "--",
        "--deny",
        "warnings",
    ])
    .run()
}

/// Adds the wasm target through rustup where it is missing.
fn ensure_target() -> Result<()> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let libdir = cmd(rustc, ["--print", "target-libdir", "--target", TARGET]).read()?;
    if Path::new(libdir.trim()).is_dir() {
        return Ok(());
    }
    if !available("rustup") {
        bail!(
            "this Rust toolchain has no {TARGET} target, and there is no rustup to add it: install \
             Rust from https://rustup.rs, or the target from where your Rust came from"
        );
    }
    println!("adding the Rust target {TARGET}");
    cmd("rustup", ["target", "add", TARGET])
        .run()
        .with_context(|| {
            format!("the {TARGET} target is missing; try `rustup target add {TARGET}` yourself")
        })
}

/// Runs wasm-bindgen over the module at `path`: its glue goes into `files`, the new module is
/// returned.
fn bindgen(path: &Path, files: &mut Files) -> Result<Vec<u8>> {
    let mut output = Bindgen::new()
        .input_path(path)
        .out_name(STEM)
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        // The glue would otherwise fetch the .wasm by URL, which some bundlers cannot follow; ours is
        // handed its bytes.
        .omit_default_module_path(true)
        .generate_output()
        .with_context(|| format!("wasm-bindgen failed on {}", path.display()))?;
    if output.snippets().values().any(|inline| !inline.is_empty())
        || !output.local_modules().is_empty()
    {
        bail!("herenow-client has inline JS: write it as a module in client-wasm/js instead");
    }
    files.insert(format!("{STEM}.js").into(), output.js().as_bytes().to_vec());
    Ok(output.wasm_mut().emit_wasm())
}

/// An ES module that holds the wasm. Bytes that arrive with the code can be compiled on import,
/// synchronously, without a request, whatever the bundler; and `atob` is there in every browser, in
/// Node and in jsdom.
fn inlined(wasm: &[u8]) -> String {
    format!(
        "const binary = atob(\"{}\");\n\
         const bytes = new Uint8Array(binary.length);\n\
         for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);\n\
         export default bytes;\n",
        STANDARD.encode(wasm)
    )
}
