//! The JavaScript of a release: what all entries share joined into one module, so that who serves the modules as
//! they are has a few requests instead of dozens; all of it minified, and once more as CommonJS.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    node,
    tree::{self, Files},
    workspace::target_dir,
};

/// What every browser with WebAssembly.Module and private fields understands.
const TARGET: &str = "--target=es2022";

/// The module that takes up all others but [`ENTRIES`].
const JOINED: &str = "client.js";

/// The modules that stay, each of a few lines (or bytes).
const ENTRIES: [&str; 5] = [
    "index.js",
    "inline.js",
    "react.js",
    "slim.js",
    "wasm-bytes.js",
];

/// Properties of objects that no application sees, so that they may have shorter names. Those of sockets, channels and
/// pushes keep theirs, also where they are not for applications: a short one might be a property that one adds.
const MANGLED: &str = "--mangle-props=^(\
    watches(Joins|Leaves)|sync(State|Diff)Message|addAll|attempt|\
    epoch|closeWith|whenClosed|addOther|pattern|names|nodes?|blank|meta)$";

/// Replaces the modules in `files` by minified ones, and adds `cjs/`. Needs npm.
pub(crate) fn minify(files: &mut Files) -> Result<()> {
    node::install()?;
    let dir = target_dir()?.join("minify");
    join(files, &dir)?;
    tree::lay_out(files, &dir.join("in"))?;
    for (format, out) in [("esm", "esm"), ("cjs", "cjs")] {
        let out = dir.join(out);
        node::tool("esbuild")
            .args(modules(files).map(|module| dir.join("in").join(module)))
            .args(["--minify", "--log-level=warning", TARGET, MANGLED])
            .args([
                format!("--format={format}"),
                format!("--outdir={}", out.display()),
            ])
            .run()?;
    }
    for module in modules(files).map(PathBuf::from).collect::<Vec<_>>() {
        for (folder, prefix) in [("esm", ""), ("cjs", "cjs")] {
            let path = dir.join(folder).join(&module);
            let code =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            files.insert(Path::new(prefix).join(&module), code);
        }
    }
    let types: Vec<_> = files
        .iter()
        .filter(|(name, _)| name.to_string_lossy().ends_with(".d.ts"))
        .map(|(name, text)| (Path::new("cjs").join(name), text.clone()))
        .collect();
    files.extend(types);
    files.insert(
        "cjs/package.json".into(),
        b"{ \"type\": \"commonjs\" }\n".to_vec(),
    );
    Ok(())
}

/// Joins the modules into one. Terser puts constants in place of their names, across modules, which esbuild does not.
fn join(files: &mut Files, dir: &Path) -> Result<()> {
    let (apart, joined) = (dir.join("apart"), dir.join("joined.js"));
    tree::lay_out(files, &apart)?;
    node::tool("esbuild")
        .args([apart.join(JOINED)])
        // The glue warns of arguments that are never given.
        .args([
            "--bundle",
            "--format=esm",
            "--pure:console.warn",
            "--log-level=warning",
            TARGET,
        ])
        .args([format!("--outfile={}", joined.display())])
        .run()?;
    let minified = node::tool("terser")
        .args([&joined])
        .args(["--module", "--ecma", "2022", "--mangle"])
        .args(["--compress", "passes=3,unsafe_arrows"])
        .read()?;
    let parts: Vec<PathBuf> = modules(files)
        .filter(|module| ENTRIES.iter().all(|entry| *module != Path::new(entry)))
        .map(PathBuf::from)
        .collect();
    for part in parts {
        files.remove(&part);
    }
    files.insert(JOINED.into(), minified.into_bytes());
    Ok(())
}

/// The ES modules of the package.
fn modules(files: &Files) -> impl Iterator<Item = &Path> {
    files
        .keys()
        .map(PathBuf::as_path)
        .filter(|name| name.extension().is_some_and(|e| e == "js") && !name.starts_with("cjs"))
}
