//! The JavaScript of a release: minified by esbuild, module by module, and once more as CommonJS. Whoever
//! bundles gets it minified either way; who serves the modules as they are does not.

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

/// Replaces the modules in `files` by minified ones, and adds `cjs/`. Needs npm.
pub(crate) fn minify(files: &mut Files) -> Result<()> {
    node::install()?;
    let dir = target_dir()?.join("minify");
    tree::lay_out(files, &dir.join("in"))?;
    for (format, out) in [("esm", "esm"), ("cjs", "cjs")] {
        let out = dir.join(out);
        node::tool("esbuild")
            .args(modules(files).map(|module| dir.join("in").join(module)))
            .args([
                "--minify",
                "--pure:console.warn",
                "--log-level=warning",
                TARGET,
            ])
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

/// The ES modules of the package.
fn modules(files: &Files) -> impl Iterator<Item = &Path> {
    files
        .keys()
        .map(PathBuf::as_path)
        .filter(|name| name.extension().is_some_and(|e| e == "js") && !name.starts_with("cjs"))
}
