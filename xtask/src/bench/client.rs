//! `cargo xtask bench --client`: what a page does with a Presence, in Node and in Chromium. The benchmark itself
//! is in `tests/js/bench`.

use anyhow::Result;

use crate::command::cmd;
use crate::workspace::package_dir;
use crate::{node, package, system};

/// Builds the package as it is released and measures it beside npm `phoenix`.
pub(crate) fn client(quick: bool) -> Result<()> {
    node::install()?;
    package::build(true)?;
    let chromium = system::chromium()?;
    for script in ["node.js", "browser.js"] {
        cmd("node", ["--expose-gc"])
            .args([node::dir().join("bench").join(script)])
            .args(quick.then_some("--quick"))
            .env("HERENOW_PACKAGE", package_dir())
            .env("HERENOW_CHROMIUM", &chromium)
            .run()?;
    }
    Ok(())
}
