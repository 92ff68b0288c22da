//! What has to be on the machine and is not cargo's or npm's: found, else installed where that can be
//! done without asking, else named in one line.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::command::{available, cargo, cmd};

/// The names under which systems install Chromium or its relatives.
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Finds Chromium, installing Debian's where there is none.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("HERENOW_CHROMIUM") {
        return Ok(path.into());
    }
    if let Some(path) = find_browser() {
        return Ok(path);
    }
    apt_install(
        &["chromium"],
        "Chromium, or set HERENOW_CHROMIUM to a browser of its kind",
    )?;
    match find_browser() {
        Some(path) => Ok(path),
        None => bail!("chromium is installed, but not on the PATH: set HERENOW_CHROMIUM to it"),
    }
}

fn find_browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|dir| BROWSERS.map(|name| dir.join(name)))
        .find(|file| file.is_file())
}

/// Makes sure that there is what clusters are tested with: a NATS server, and `ip` for network namespaces.
pub(crate) fn cluster_tools() -> Result<()> {
    let tools = [("nats-server", "nats-server"), ("ip", "iproute2")];
    let missing = tools.iter().filter(|(program, _)| !is_installed(program));
    let packages: Vec<&str> = missing.map(|(_, package)| *package).collect();
    match packages.is_empty() {
        true => Ok(()),
        false => apt_install(&packages, "a NATS server and the program `ip`"),
    }
}

/// Whether a program is on the PATH, or where Debian puts what only root looks for.
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into()])
        .any(|dir| dir.join(program).is_file())
}

/// Installs Debian packages, when we are root on such a system; else says that `wanted` is missing.
pub(crate) fn apt_install(packages: &[&str], wanted: &str) -> Result<()> {
    if !(is_root() && available("apt-get")) {
        bail!(
            "this needs {wanted} (Debian: apt-get install {})",
            packages.join(" ")
        );
    }
    println!("installing {}", packages.join(", "));
    let apt_get = || cmd("apt-get", ["-qq"]).env("DEBIAN_FRONTEND", "noninteractive");
    apt_get().args(["update"]).run()?;
    apt_get()
        .args(["install", "--yes", "--no-install-recommends"])
        .args(packages)
        .run()
}

fn is_root() -> bool {
    cfg!(unix) && cmd("id", ["-u"]).read().is_ok_and(|id| id.trim() == "0")
}

/// Lets the programs that are started from here on open as many files as the system allows, if it can:
/// servers and load generators need one for each connection, and many a shell allows 1,024.
pub(crate) fn allow_open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: maximum,
            maximum,
        };
        // Where that is refused, a program that needs more will say so.
        let _ = setrlimit(Resource::Nofile, raised);
    }
}

/// Adds a component of the Rust toolchain where it is missing: `command` is cargo's, `component`
/// rustup's name.
pub(crate) fn ensure_component(command: &str, component: &str) -> Result<()> {
    if cargo([command, "--version"]).read().is_ok() {
        return Ok(());
    }
    cmd("rustup", ["component", "add", component]).run()
}
