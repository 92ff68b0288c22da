//! Where things are: the folders of the repository that more than one command needs.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::command::cargo;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies one level below the root")
        .to_path_buf()
}

/// Where cargo puts what it builds. Asked of cargo, since `CARGO_TARGET_DIR` or a user's
/// configuration may move it.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let metadata = cargo(["metadata", "--no-deps", "--format-version", "1"]).read()?;
    let metadata: serde_json::Value =
        serde_json::from_str(&metadata).context("cargo metadata did not print JSON")?;
    metadata["target_directory"]
        .as_str()
        .map(PathBuf::from)
        .context("cargo metadata names no target_directory")
}

/// The npm package as built: what the browser loads and what is published.
pub(crate) fn package_dir() -> PathBuf {
    root().join("client-wasm/pkg")
}
