//! Node and npm: the tools and libraries of `tests/js`, locked by its package-lock.json.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};

use crate::{
    command::{Cmd, available, cmd},
    system,
    workspace::root,
};

/// The oldest Node.js that the tests' tools run on.
const OLDEST_NODE: u32 = 20;

/// Where the JS tests and their packages are.
pub(crate) fn dir() -> PathBuf {
    root().join("tests/js")
}

/// A tool that an installed package brings.
pub(crate) fn tool(name: &str) -> Cmd {
    cmd(dir().join("node_modules/.bin").join(name), [""; 0])
}

/// Whether there is an npm to use.
pub(crate) fn has_npm() -> bool {
    available("npm")
}

/// Installs what the lockfile names, unless that is what is there.
pub(crate) fn install() -> Result<()> {
    ensure_node()?;
    let lock = dir().join("package-lock.json");
    let wanted = fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    let stamp = dir().join("node_modules/.installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    cmd("npm", ["ci"]).dir(dir()).run()?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

fn ensure_node() -> Result<()> {
    if !(available("node") && has_npm()) {
        system::apt_install(
            &["nodejs", "npm"],
            "Node.js 20 or newer with npm (https://nodejs.org)",
        )?;
    }
    let version = cmd("node", ["--version"]).read()?;
    let major = version.trim().trim_start_matches('v').split('.').next();
    match major.and_then(|major| major.parse::<u32>().ok()) {
        Some(major) if major >= OLDEST_NODE => Ok(()),
        _ => bail!(
            "node is {}, and the tests need {OLDEST_NODE} or newer: see https://nodejs.org",
            version.trim()
        ),
    }
}

#[cfg(test)]
mod tests;
