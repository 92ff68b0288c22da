//! `cargo xtask sim`: the cluster in its simulator, for as long as one likes.

use anyhow::Result;

use crate::command::{Cmd, cargo};

/// Runs so many random schedules, on all cores; a failure is shrunk and printed.
pub(crate) fn schedules(count: u32) -> Result<()> {
    println!("{count} schedules; a million takes hours");
    test("schedules")
        .env("HERENOW_SIM_SCHEDULES", count.to_string())
        .run()
}

/// Prints what clusters of several sizes cost, as a table.
pub(crate) fn cost() -> Result<()> {
    println!("this takes minutes, most of them for the largest cluster");
    test("cost").env("HERENOW_SIM_COST", "1").run()
}

/// The simulator, optimized, with the tests of one module and all that they print.
fn test(module: &str) -> Cmd {
    cargo(["test", "--release", "--package", "herenow-core"]).args([
        "--test",
        "sim",
        &format!("{module}::"),
        "--",
        "--nocapture",
    ])
}
