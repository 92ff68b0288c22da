//! `cargo xtask instructions`: how many instructions the hot paths take, beside what they took before.
//!
//! A busy machine makes a program slower, but gives it no more instructions: callgrind counts them, so that a
//! loss of a few percent is seen anywhere. The counts of before are in the repository; whoever makes a path
//! faster, or has a reason to make it slower, writes them anew and commits them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::command::{available, cargo, cmd};
use crate::system;
use crate::workspace::{root, target_dir};

/// By how much a count may grow. Hash maps, whose seeds differ from run to run, take up to 0.2 percent.
const TOLERANCE_PERCENT: f64 = 2.0;

const PACKAGE: &str = "herenow-core";

/// The benchmark whose work is counted, within the function of this name only.
const BENCH: &str = "instructions";
const COUNTED: &str = "*instructions::counted*";

type Counts = BTreeMap<String, u64>;

/// Counts, prints and compares, or writes the counts down if they are `kept`. Fails where one has grown.
pub(crate) fn instructions(keep: bool) -> Result<()> {
    if !available("valgrind") {
        system::apt_install(&["valgrind"], "the program `valgrind`")?;
    }
    let compiler = compiler()?;
    let counts = count()?;
    let file = root().join("core/benches/instructions.json");
    if keep {
        let text = serde_json::to_string_pretty(&json!({"compiler": compiler, "counts": counts}))?;
        return Ok(fs::write(file, text + "\n")?);
    }
    let (compiler_before, before) = read(&file)?;
    let grown = compare(&before, &counts);
    match grown.as_slice() {
        [] => Ok(()),
        _ if compiler_before != compiler => {
            println!("counted before with {compiler_before}, now with {compiler}: nothing follows");
            Ok(())
        }
        _ => bail!(
            "more than {TOLERANCE_PERCENT} percent more instructions: {} (`cargo xtask instructions --keep` \
             takes them as they are)",
            grown.join(", ")
        ),
    }
}

/// Prints a line for each count. Returns the names of those that have grown.
fn compare(before: &Counts, now: &Counts) -> Vec<String> {
    println!("{:<44}{:>12}{:>12}", "instructions", "before", "now");
    let mut grown = Vec::new();
    for (name, now) in now {
        let Some(before) = before.get(name) else {
            println!("{name:<44}{:>12}{now:>12}", "");
            continue;
        };
        let percent = (*now as f64 / *before as f64 - 1.0) * 100.0;
        println!("{name:<44}{before:>12}{now:>12}{percent:>+8.1} %");
        if percent > TOLERANCE_PERCENT {
            grown.push(name.clone());
        }
    }
    grown
}

fn count() -> Result<Counts> {
    let program = build()?;
    let report = target_dir()?.join("callgrind.out");
    let names = cmd(&program, [] as [&str; 0]).read()?;
    let counted = names
        .lines()
        .map(|name| Ok((name.to_owned(), count_one(&program, name, &report)?)));
    counted.collect()
}

fn count_one(program: &Path, name: &str, report: &Path) -> Result<u64> {
    cmd("valgrind", ["--tool=callgrind", "--quiet"])
        .args([format!("--toggle-collect={COUNTED}")])
        .args([format!("--callgrind-out-file={}", report.display())])
        .args([program.as_os_str(), name.as_ref()])
        .read()?;
    let report = fs::read_to_string(report)?;
    let total = report
        .lines()
        .find_map(|line| line.strip_prefix("totals: "));
    let total = total.and_then(|total| total.trim().parse().ok());
    match total {
        Some(total) if total > 0 => Ok(total),
        _ => bail!("callgrind counted nothing in {COUNTED} of {name:?}"),
    }
}

/// Builds the benchmark as it is released. Returns the program.
fn build() -> Result<PathBuf> {
    let messages = cargo(["bench", "--no-run", "--message-format", "json"])
        .args(["--package", PACKAGE, "--bench", BENCH])
        .read()?;
    let built = messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_bench = message["target"]["name"] == BENCH;
        is_bench.then(|| message["executable"].as_str().map(PathBuf::from))?
    });
    built.context("cargo did not say where the benchmark is")
}

/// The compiler and its target, on which the counts depend.
fn compiler() -> Result<String> {
    let version = cmd("rustc", ["-vV"]).read()?;
    let line = |name: &str| version.lines().find_map(|line| line.strip_prefix(name));
    let (Some(release), Some(host)) = (line("release: "), line("host: ")) else {
        bail!("`rustc -vV` does not say which it is: {version}");
    };
    Ok(format!("rustc {release} for {host}"))
}

fn read(file: &Path) -> Result<(String, Counts)> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let kept: Value = serde_json::from_str(&text).with_context(|| format!("{}", file.display()))?;
    let compiler = kept["compiler"].as_str().unwrap_or_default().to_owned();
    let counts = serde_json::from_value(kept["counts"].clone())
        .with_context(|| format!("the counts in {}", file.display()))?;
    Ok((compiler, counts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_grown_past_the_tolerance_is_named() {
        let counts = |pairs: &[(&str, u64)]| -> Counts {
            pairs
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect()
        };
        let before = counts(&[
            ("same", 1_000),
            ("more", 1_000),
            ("less", 1_000),
            ("gone", 1),
        ]);
        let now = counts(&[("same", 1_019), ("more", 1_021), ("less", 500), ("new", 7)]);
        assert_eq!(compare(&before, &now), ["more"]);
    }
}
