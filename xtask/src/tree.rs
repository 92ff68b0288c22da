//! A folder as one value: the path of every file in it, and its content.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Path within the folder, and content.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Every file under `dir`.
pub(crate) fn read(dir: &Path) -> Result<Files> {
    let mut files = Files::new();
    read_into(&mut files, dir, Path::new(""))?;
    Ok(files)
}

fn read_into(files: &mut Files, dir: &Path, prefix: &Path) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let entry = entry?;
        let (path, name) = (entry.path(), prefix.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            read_into(files, &path, &name)?;
        } else {
            let content =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            files.insert(name, content);
        }
    }
    Ok(())
}

/// Makes `dir` hold exactly `files`: others in it are removed, and those that are as they should be are
/// not touched.
pub(crate) fn lay_out(files: &Files, dir: &Path) -> Result<()> {
    let present = if dir.is_dir() {
        read(dir)?
    } else {
        Files::new()
    };
    for stale in present.keys().filter(|name| !files.contains_key(*name)) {
        let path = dir.join(stale);
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        // The folder too, if that was the last one in it.
        if let Some(parent) = path.parent().filter(|parent| *parent != dir) {
            let _ = fs::remove_dir(parent);
        }
    }
    for (name, content) in files {
        if present.get(name) == Some(content) {
            continue;
        }
        let path = dir.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot create {}", parent.display()))?;
        }
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
