//! The npm package `herenow`, built into `client-wasm/pkg/`: the wasm, the glue that wasm-bindgen writes for
//! it, and the hand-written ES modules of `client-wasm/js/`. A release is minified, and has all of it as CommonJS too.
//!
//! The whole package is made in memory and then laid over the folder: a file that no longer belongs
//! to it goes, one that did not change keeps its time stamp, and a build that fails leaves the last
//! good package standing.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    command::{available, cargo, cmd},
    minify,
    tree::{self, Files},
    wasm_opt,
    workspace::{package_dir, root, target_dir},
};

/// The target of everything that runs in a browser.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// The name of the wasm as cargo builds it, and of its glue in the package.
const STEM: &str = "herenow_client";

/// The wasm, in the package.
pub(crate) const WASM: &str = "herenow.wasm";

/// The module that holds the wasm as text, in the package.
pub(crate) const BYTES: &str = "wasm-bytes.js";

/// Builds the package. `optimize`: as it is released, which needs npm.
pub(crate) fn build(optimize: bool) -> Result<()> {
    ensure_target()?;
    // Flags in the environment would replace those of .cargo/config.toml, which the package needs.
    cargo([
        "build",
        "--package",
        "herenow-client",
        "--no-default-features",
        "--features=npm",
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
    let readme = root().join("client-wasm/README.md");
    let readme_text =
        fs::read(&readme).with_context(|| format!("cannot read {}", readme.display()))?;
    files.insert("README.md".into(), readme_text);
    let mut wasm = bindgen(&module, &mut files)?;
    if optimize {
        wasm = wasm_opt::shrink(&wasm)?;
    }
    files.insert(BYTES.into(), inlined(&wasm).into_bytes());
    files.insert(WASM.into(), wasm);
    set_version(&mut files)?;
    if optimize {
        minify::minify(&mut files)?;
    }
    tree::lay_out(&files, &package_dir())
}

/// What wasm-bindgen makes of the module: the wasm, and its glue as a file.
fn bindgen(path: &Path, files: &mut Files) -> Result<Vec<u8>> {
    let mut output = Bindgen::new()
        .input_path(path)
        .out_name(STEM)
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        // The glue would otherwise fetch the .wasm by URL, which some bundlers cannot follow; ours is
        // handed the compiled module.
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

/// The package has the version of the workspace.
fn set_version(files: &mut Files) -> Result<()> {
    let manifest = files.get_mut(Path::new("package.json"));
    let manifest = manifest.context("client-wasm/js has no package.json")?;
    let text = std::str::from_utf8(manifest).context("package.json is not UTF-8")?;
    let versioned = text.replacen(
        "\"version\": \"0.0.0\"",
        concat!("\"version\": \"", env!("CARGO_PKG_VERSION"), "\""),
        1,
    );
    *manifest = versioned.into_bytes();
    Ok(())
}

/// Packs the built package as npm publishes it, and returns where the tarball is.
pub(crate) fn pack() -> Result<PathBuf> {
    let dir = target_dir()?.join("package");
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let name = cmd("npm", ["pack", "--silent", "--pack-destination"])
        .args([&dir])
        .dir(package_dir())
        .read()?;
    Ok(dir.join(name.trim()))
}

/// Clippy for the target that the client is written for: code behind `cfg(target_arch)` is seen only
/// there. As the npm package has it, and as frontends in Rust do.
pub(crate) fn lint() -> Result<()> {
    ensure_target()?;
    for what in [
        ["--features=npm", "--lib"],
        ["--features=frontend", "--all-targets"],
    ] {
        cargo(["clippy", "--package", "herenow-client"])
            .args(["--no-default-features", "--target", TARGET])
            .args(what)
            .args(["--", "--deny", "warnings"])
            .run()?;
    }
    Ok(())
}

/// Adds the wasm target through rustup where it is missing.
pub(crate) fn ensure_target() -> Result<()> {
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

/// An ES module that holds the wasm. Bytes that arrive with the code can be compiled on import,
/// synchronously, without a request, whatever the bundler. In hexadecimal they compress almost as well as
/// they are, unlike in base64, where what is the same in the wasm mostly does not look the same.
fn inlined(wasm: &[u8]) -> String {
    let mut digits = String::with_capacity(wasm.len() * 2);
    for byte in wasm {
        digits.extend(
            [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[digit as usize])),
        );
    }
    format!(
        "const digits = \"{digits}\";\n\
         export const bytes = () => {{\n  \
           const bytes = new Uint8Array(digits.length / 2);\n  \
           for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(digits.substr(2 * i, 2), 16);\n  \
           return bytes;\n\
         }};\n"
    )
}
