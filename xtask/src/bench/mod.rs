//! `cargo xtask bench`: the rows of the performance table, each against a server that was started for it.
//!
//! Every row is one line of JSON: what the load generator or the core's benchmark said, and how that
//! compares with Phoenix. It judges nothing: figures depend on the machine and on what else it does.

mod bystander;
mod client;
mod rows;
mod scale;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use self::rows::{Figure, Row, Source};
use crate::command::{Cmd, cargo, cmd};
use crate::running::Running;
use crate::system;
use crate::workspace::{root, target_dir};

pub(crate) use self::client::client;
pub(crate) use self::rows::Name;
pub(crate) use self::scale::{Axis, scale};

/// Nodes of the cluster that is measured.
const NODES: usize = 3;

/// The programs that are measured and measure.
struct Programs {
    herenow: PathBuf,
    /// The server with the channel that `bigroom` needs.
    crowd: PathBuf,
}

/// Runs these rows, or all, so many `times`: all of them once, then all again, so that what disturbs one run
/// of a row is gone at the next. `quick`: with sizes that take seconds, to see that everything works; such
/// figures are compared with nothing.
pub(crate) fn bench(names: &[Name], quick: bool, times: usize) -> Result<()> {
    let programs = build()?;
    system::allow_open_files();
    for _ in 0..times {
        let mut store = None;
        for row in rows::ALL {
            if names.is_empty() || names.contains(&row.name) {
                let result = measure(row, quick, &programs, &mut store)?;
                println!("{}", line(row, quick, &result)?);
            }
        }
    }
    Ok(())
}

/// Runs one row, on servers that are started for it.
fn measure(
    row: &Row,
    quick: bool,
    programs: &Programs,
    store: &mut Option<Vec<Value>>,
) -> Result<Value> {
    match &row.source {
        Source::Load(sizes) => {
            let serve = ["serve", "--listen", "127.0.0.1:0"];
            let server = Running::start(&programs.herenow, &serve)?;
            put_load_on(&programs.herenow, &[server], sizes.arguments(quick))
        }
        Source::Crowd(sizes) => {
            let server = Running::start(&programs.crowd, &["127.0.0.1:0"])?;
            put_load_on(&programs.herenow, &[server], sizes.arguments(quick))
        }
        Source::Cluster(sizes) => {
            let nodes = Running::start_cluster(&programs.herenow, NODES)?;
            put_load_on(&programs.herenow, &nodes, sizes.arguments(quick))
        }
        Source::Bystander { full, small } => {
            let size = if quick { small } else { full };
            bystander::measure(&programs.herenow, size)
        }
        Source::Store(what) => store_result(store, what),
    }
}

/// Draws the plots. They are made by a package of their own, which only who draws them has to build.
pub(crate) fn plot() -> Result<()> {
    let folder = root().join("docs/performance");
    cargo(["run", "--quiet", "--package", "herenow-plots", "--"])
        .args([folder])
        .run()
}

fn build() -> Result<Programs> {
    let herenow = crate::server::build(true)?;
    let example = ["--package", "herenow-load", "--example", "crowd"];
    cargo(["build", "--release"]).args(example).run()?;
    let suffix = std::env::consts::EXE_SUFFIX;
    let crowd = target_dir()?.join(format!("release/examples/crowd{suffix}"));
    Ok(Programs { herenow, crowd })
}

/// Runs `herenow bench` on one server, or on the nodes of a cluster.
fn put_load_on<S: AsRef<OsStr>>(
    herenow: &Path,
    servers: &[Running],
    arguments: impl IntoIterator<Item = S>,
) -> Result<Value> {
    let [first, others @ ..] = servers else {
        bail!("there is no server to put load on");
    };
    let mut bench = cmd(herenow, ["bench", first.url()]).args(arguments);
    for node in others {
        bench = bench.args(["--node", node.url()]);
    }
    for server in servers {
        bench = bench.args(["--server-pid", &server.pid().to_string()]);
    }
    result_of(bench)
}

/// Runs a load to its end. Returns what it says.
fn result_of(load: Cmd) -> Result<Value> {
    let result = load.read()?;
    serde_json::from_str(&result).with_context(|| format!("no line of JSON: {result}"))
}

/// What the core's benchmark says about one operation on a topic of 10,000. It runs once for all of them.
fn store_result(results: &mut Option<Vec<Value>>, what: &str) -> Result<Value> {
    let results = match results {
        Some(results) => results,
        None => results.insert(run_store_bench()?),
    };
    let found = results
        .iter()
        .find(|result| result["what"] == what && result["members"] == 10_000);
    match found {
        Some(result) => Ok(result.clone()),
        None => bail!("the benchmark `replica` of herenow-core says nothing about {what:?}"),
    }
}

fn run_store_bench() -> Result<Vec<Value>> {
    let lines = cargo(["bench", "--package", "herenow-core", "--bench", "replica"]).read()?;
    let results = lines.lines().filter(|line| line.starts_with('{'));
    results
        .map(|line| serde_json::from_str(line).with_context(|| format!("no JSON: {line}")))
        .collect()
}

/// The row's line: the result, and how its figures compare, if it was run at full size.
fn line(row: &Row, quick: bool, result: &Value) -> Result<Value> {
    let name = row.name.to_string();
    if quick {
        return Ok(json!({"row": name, "quick": true, "result": result}));
    }
    let compared: Result<Vec<_>> = row
        .figures
        .iter()
        .map(|figure| compare(figure, result))
        .collect();
    Ok(json!({"row": name, "what": row.what, "compared": compared?, "result": result}))
}

fn compare(figure: &Figure, result: &Value) -> Result<Value> {
    let here = result.pointer(figure.pointer).and_then(Value::as_f64);
    let here = here.with_context(|| format!("no number at {} in {result}", figure.pointer))?;
    let times_better = match figure.more_is_better {
        true => here / figure.phoenix,
        false => figure.phoenix / here,
    };
    Ok(json!({
        "figure": figure.name,
        "here": here,
        "phoenix": figure.phoenix,
        "wanted": figure.wanted,
        "times_better": (times_better * 10.0).round() / 10.0,
    }))
}

#[cfg(test)]
mod tests;
