//! `cargo xtask test` and `cargo xtask ci`: everything that is tested, in the order in which a mistake
//! is found soonest.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::{
    command::{Cmd, cargo, cmd},
    frontend, node, package, server, size, soak,
    steps::Steps,
    system,
    workspace::package_dir,
};

/// A part of the tests that can be run alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The Rust tests of the whole workspace, those of clusters among them
    Rust,
    /// The cluster's bus, and clusters of real processes, over zenoh and over NATS
    Cluster,
    /// The npm package in Node: differential tests, types, packaging
    Js,
    /// npm `phoenix` and our package against the real server
    Interop,
    /// Real browsers against the real server
    Browser,
}

/// Formatting, lints and docs, then all tests.
pub(crate) fn ci() -> Result<()> {
    let mut steps = Steps::new();
    steps.step("format", || {
        system::ensure_component("fmt", "rustfmt")?;
        cargo(["fmt", "--all", "--check"]).run()
    })?;
    steps.step("lints", || {
        system::ensure_component("clippy", "clippy")?;
        clippy(["--workspace", "--all-targets", "--all-features"])
    })?;
    steps.step("lints of what users build", || {
        clippy(["--package=herenow", "--all-targets"])?;
        clippy(["--package=herenow", "--lib", "--no-default-features"])
    })?;
    steps.step("lints of the wasm client", package::lint)?;
    steps.step("docs", || {
        cargo(["doc", "--workspace", "--no-deps", "--all-features"])
            .env("RUSTDOCFLAGS", "--deny warnings")
            .run()
    })?;
    run(&mut steps, &[])?;
    steps.finish();
    Ok(())
}

fn clippy<const N: usize>(what: [&str; N]) -> Result<()> {
    cargo(["clippy"])
        .args(what)
        .args(["--", "--deny", "warnings"])
        .run()
}

/// All tests, or only the named parts and what they need.
pub(crate) fn test(only: &[Part]) -> Result<()> {
    let mut steps = Steps::new();
    run(&mut steps, only)?;
    steps.finish();
    Ok(())
}

fn run(steps: &mut Steps, only: &[Part]) -> Result<()> {
    let wanted = |part| only.is_empty() || only.contains(&part);
    if wanted(Part::Rust) || wanted(Part::Cluster) {
        steps.step("what cluster tests need", system::cluster_tools)?;
    }
    // With every cluster engine in, since those take long to build and are then built once.
    if wanted(Part::Rust) {
        steps.step("Rust tests", || {
            cargo(["test", "--workspace", "--all-features"]).run()
        })?;
    } else if wanted(Part::Cluster) {
        steps.step("cluster tests", || {
            cargo(["test", "--package", "herenow", "--all-features"])
                .args(["--test", "cluster_bus", "--test", "cluster_processes"])
                .run()
        })?;
    }
    if wanted(Part::Rust) || wanted(Part::Cluster) {
        steps.step("a short soak", || soak::Soak::short().run())?;
    }
    if !(wanted(Part::Js) || wanted(Part::Interop) || wanted(Part::Browser)) {
        return Ok(());
    }
    steps.step("Node packages", node::install)?;
    steps.step("npm package", || package::build(true))?;
    steps.step("size of the client", size::check)?;
    let server = steps.step("server", || server::build(false))?;
    let chromium = match wanted(Part::Js) || wanted(Part::Browser) {
        true => Some(steps.step("Chromium", system::chromium)?),
        false => None,
    };
    let frontend = match wanted(Part::Browser) {
        true => Some(steps.step("frontend in Rust", frontend::build)?),
        false => None,
    };
    let mut node_tests = |name, folder| {
        steps.step(name, || {
            let mut tests = node_test(&server, folder)?;
            if let Some(frontend) = &frontend {
                tests = tests.env("HERENOW_FRONTEND", frontend);
            }
            if let Some(chromium) = &chromium {
                tests = tests.env("HERENOW_CHROMIUM", chromium);
            }
            tests.run()
        })
    };
    if wanted(Part::Js) {
        node_tests("JS tests", None)?;
        node_tests("packaging tests", Some(PACKAGING))?;
    }
    if wanted(Part::Interop) {
        node_tests("interop tests", Some(INTEROP))?;
    }
    if wanted(Part::Browser) {
        node_tests("browser tests", Some(BROWSER))?;
    }
    Ok(())
}

/// The folders of `tests/js` whose tests need a browser or a server that is used, each a step of its own.
const INTEROP: &str = "interop";
const BROWSER: &str = "browser";
const PACKAGING: &str = "packaging";

/// `node --test` with the tests of one folder of `tests/js`, or with all that are in none of the
/// folders that have a step of their own.
fn node_test(server: &Path, folder: Option<&str>) -> Result<Cmd> {
    let mut files = Vec::new();
    test_files(&node::dir(), &mut files)?;
    files.retain(|file| match folder {
        Some(folder) => file.starts_with(node::dir().join(folder)),
        None => ![INTEROP, BROWSER, PACKAGING]
            .iter()
            .any(|other| file.starts_with(node::dir().join(other))),
    });
    files.sort();
    if files.is_empty() {
        bail!("no *.test.js in tests/js/{}", folder.unwrap_or_default());
    }
    // Forced to exit: a test that failed leaves clients behind that would reconnect for ever.
    Ok(cmd(
        "node",
        ["--test", "--test-force-exit", "--test-reporter=spec"],
    )
    .args(files)
    .dir(node::dir())
    .env("HERENOW_BIN", server)
    .env("HERENOW_PACKAGE", package_dir()))
}

fn test_files(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && name != "node_modules" {
            test_files(&path, files)?;
        } else if name.ends_with(".test.js") {
            files.push(path);
        }
    }
    Ok(())
}
