//! Runs one step after the other, says what runs and how long it took, and stops at the first that
//! fails.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

/// The steps done so far.
pub(crate) struct Steps {
    start: Instant,
    done: Vec<(String, Duration)>,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            done: Vec::new(),
        }
    }

    /// Runs one step. Its error names the step and shows what had passed before it.
    pub(crate) fn step<T>(&mut self, name: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n==> {name}");
        let start = Instant::now();
        let outcome = run();
        let took = start.elapsed();
        match outcome {
            Ok(value) => {
                self.done.push((name.to_owned(), took));
                Ok(value)
            }
            Err(error) => {
                self.print();
                println!("  FAILED {name} ({})", seconds(took));
                Err(anyhow!("{name}: {error:#}"))
            }
        }
    }

    /// Prints the summary.
    pub(crate) fn finish(self) {
        self.print();
        println!(
            "\nall {} steps passed in {}",
            self.done.len(),
            seconds(self.start.elapsed())
        );
    }

    fn print(&self) {
        println!("\nSummary");
        for (name, took) in &self.done {
            println!("  ok     {name} ({})", seconds(*took));
        }
    }
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        whole => format!("{} min {} s", whole / 60, whole % 60),
    }
}
