//! Node and npm: the tools and libraries of `tests/js`, locked by its package-lock.json.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};

use crate::{
    command::{available, cmd},
    workspace::root,
};

/// Where the JS tests and their packages are.
pub(crate) fn dir() -> PathBuf {
    root().join("tests/js")
}

/// Whether there is an npm to use.
pub(crate) fn has_npm() -> bool {
    available("npm")
}

/// Installs what the lockfile names, unless that is what is there.
pub(crate) fn install() -> Result<()> {
    if !available("node") || !has_npm() {
        bail!(
            "this needs Node.js 20 or newer with npm: install it from https://nodejs.org or your \
             system's packages (Debian: apt-get install nodejs npm)"
        );
    }
    let lock = dir().join("package-lock.json");
    let wanted = fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    let stamp = dir().join("node_modules/.installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    cmd("npm", ["ci"]).dir(dir()).run()?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}
