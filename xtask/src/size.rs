//! `cargo xtask size`: what the client costs a visitor, part by part, and whether that is within the budget.

use std::{fs, io::Write, path::Path, process::Stdio};

use anyhow::{Context, Result, bail};

use crate::{
    node, package,
    workspace::{package_dir, target_dir},
};

const BUDGET_BYTES: usize = 22_850;

/// Builds the package as it is released, prints the sizes, and fails past the budget.
pub(crate) fn size() -> Result<()> {
    package::build(true)?;
    check()
}

/// Prints the sizes of the package as built, and fails past the budget.
pub(crate) fn check() -> Result<()> {
    let wasm = read(&package_dir().join(package::WASM))?;
    let code = bundle("slim.js")?;
    let whole = bundle("index.js")?;
    println!("{:<34}{:>10}{:>10}", "", "bytes", "gzip -9");
    let mut sum = 0;
    for (part, bytes) in [("wasm", &wasm), ("JavaScript", &code)] {
        let packed = gzip(bytes)?;
        sum += packed;
        println!("{part:<34}{:>10}{packed:>10}", bytes.len());
    }
    println!(
        "{:<34}{:>10}{sum:>10}",
        "the client",
        wasm.len() + code.len()
    );
    println!(
        "{:<34}{:>10}{:>10}",
        "as one file, the wasm inlined",
        whole.len(),
        gzip(&whole)?
    );
    if sum > BUDGET_BYTES {
        bail!(
            "the client is {sum} bytes and may be {BUDGET_BYTES}: `twiggy top` shows what is large"
        );
    }
    Ok(())
}

/// All modules that `entry` needs, as a bundler joins them.
fn bundle(entry: &str) -> Result<Vec<u8>> {
    let out = target_dir()?.join("size").join(entry);
    node::tool("esbuild")
        .args([package_dir().join(entry)])
        .args([
            "--bundle",
            "--minify",
            "--format=esm",
            "--log-level=warning",
        ])
        .args([format!("--outfile={}", out.display())])
        .run()?;
    read(&out)
}

fn gzip(bytes: &[u8]) -> Result<usize> {
    let script = "const {gzipSync} = require('zlib'), {readFileSync} = require('fs');\
        console.log(gzipSync(readFileSync(0), {level: 9}).length)";
    let mut child = std::process::Command::new("node")
        .args(["-e", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("node could not be started")?;
    child
        .stdin
        .take()
        .context("node has no stdin")?
        .write_all(bytes)?;
    let output = child.wait_with_output()?;
    let size = String::from_utf8_lossy(&output.stdout);
    size.trim()
        .parse()
        .with_context(|| format!("node printed no size but {size:?}"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
