//! The server binary `herenow`.

use std::path::PathBuf;

use anyhow::Result;

use crate::{command::cargo, workspace::target_dir};

/// Builds the server and returns where it is. A release has every cluster engine in; the build that
/// developers wait for has what one node needs.
pub(crate) fn build(release: bool) -> Result<PathBuf> {
    build_with(release, &[])
}

/// The build that developers have, with every cluster engine in: that of the tests.
pub(crate) fn build_with_all_engines() -> Result<PathBuf> {
    build_with(false, &["zenoh", "nats"])
}

/// As [`build`], with more features of the server.
pub(crate) fn build_with(release: bool, features: &[&str]) -> Result<PathBuf> {
    let build = cargo(["build", "--package", "herenow", "--bin", "herenow"]);
    let (build, profile) = match release {
        true => (build.args(["--release", "--all-features"]), "release"),
        false => (build.args(["--features", &features.join(",")]), "debug"),
    };
    build.run()?;
    Ok(target_dir()?
        .join(profile)
        .join(format!("herenow{}", std::env::consts::EXE_SUFFIX)))
}
