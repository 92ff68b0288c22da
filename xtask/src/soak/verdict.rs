//! Whether a soak is passed: no error, and no memory or files that grow.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::sample::Sampled;

/// The first part of the time is warm-up: buffers grow to what they need.
const WARM_UP: f64 = 0.25;

/// Fewer samples than this, after the warm-up, say nothing of growth.
const ENOUGH: usize = 30;

/// What share of the samples may lack a value: now and then a busy node does not answer in time.
const MAY_MISS: f64 = 0.1;

/// What may not grow.
const VALUES: [&str; 3] = ["resident_bytes", "open_files", "tasks"];

/// How much more the first node, which lives through all, may use at the end than after the warm-up.
const MAY_GROW: f64 = 0.1;

/// What was heard and sampled so far.
#[derive(Default)]
pub(super) struct Verdict {
    /// What the load said at its end.
    report: Option<Value>,
    samples: Vec<Sampled>,
}

impl Verdict {
    pub(super) fn note(&mut self, sampled: Sampled) {
        self.samples.push(sampled);
    }

    /// A line of the load.
    pub(super) fn hear(&mut self, line: &Value) {
        if line["bench"] == "soak" {
            self.report = Some(line.clone());
        }
    }

    pub(super) fn line(&self) -> Value {
        json!({
            "soak": "verdict",
            "passed": self.check().is_ok(),
            "errors": self.errors(),
            "memory_growth": self.growth("resident_bytes"),
            "open_files_growth": self.growth("open_files"),
            "tasks_growth": self.growth("tasks"),
            // What each is of.
            "connections_growth": self.growth("connections"),
        })
    }

    pub(super) fn check(&self) -> Result<()> {
        match self.errors() {
            None => bail!("the load did not come to its end"),
            Some(0) => {}
            Some(errors) => bail!("{errors} errors; see the lines with \"soak\":\"error\""),
        }
        let samples = self.after_warm_up().count();
        // Connections move to the first node when others are lost, and each is an open file and a task.
        let connections = self.growth("connections").unwrap_or(0.0).max(0.0);
        for value in VALUES {
            let missing = samples - self.points(value).len();
            if samples >= ENOUGH && missing as f64 > samples as f64 * MAY_MISS {
                bail!("{value} of the first node is missing in {missing} of {samples} samples");
            }
            let may_grow = match value {
                "resident_bytes" => MAY_GROW,
                _ => MAY_GROW + connections,
            };
            if let Some(growth) = self.growth(value).filter(|growth| *growth > may_grow) {
                let percent = growth * 100.0;
                bail!("{value} of the first node grew by {percent:.0} % after the warm-up");
            }
        }
        Ok(())
    }

    fn errors(&self) -> Option<u64> {
        self.report.as_ref()?["counts"]["errors"].as_u64()
    }

    /// By what share a value of the first node grew from the end of the warm-up to the end, on the line
    /// that fits it best. `None` if there are too few samples.
    fn growth(&self, value: &str) -> Option<f64> {
        let points = self.points(value);
        if points.len() < ENOUGH {
            return None;
        }
        growth(&points)
    }

    /// The times and values of the first node, where its samples have them.
    fn points(&self, value: &str) -> Vec<(f64, f64)> {
        let point = |sampled: &Sampled| {
            let (_, first) = sampled.nodes.first()?;
            Some((sampled.seconds, first[value].as_f64()?))
        };
        self.after_warm_up().filter_map(point).collect()
    }

    fn after_warm_up(&self) -> impl Iterator<Item = &Sampled> {
        let end = self.samples.last().map_or(0.0, |last| last.seconds);
        let samples = self.samples.iter();
        samples.filter(move |sampled| sampled.seconds >= end * WARM_UP)
    }
}

/// By what share the line that fits the points best rises from the first to the last.
fn growth(points: &[(f64, f64)]) -> Option<f64> {
    let (first, last) = (points.first()?.0, points.last()?.0);
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let rise: f64 = points
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum();
    let run: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let slope = rise / run;
    let start = mean_y + slope * (first - mean_x);
    Some(slope * (last - first) / start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soak(errors: u64, memory: impl Fn(usize) -> f64) -> Verdict {
        let mut verdict = Verdict::default();
        for second in 0..100 {
            let node = json!({"resident_bytes": memory(second), "open_files": 10, "tasks": 20});
            verdict.note(Sampled {
                seconds: second as f64,
                nodes: vec![("node-0".into(), node)],
            });
        }
        verdict.hear(&json!({"bench": "soak", "counts": {"errors": errors}}));
        verdict
    }

    #[test]
    fn memory_that_is_flat_after_the_warm_up_passes() {
        let flat = soak(0, |second| if second < 20 { second as f64 } else { 20.0 });
        assert!(flat.check().is_ok(), "{}", flat.line());
        assert_eq!(flat.line()["passed"], true);
    }

    #[test]
    fn memory_that_grows_all_the_time_does_not() {
        let growing = soak(0, |second| 100.0 + second as f64);
        let error = growing.check().unwrap_err().to_string();
        assert!(error.contains("resident_bytes"), "{error}");
        assert_eq!(growing.line()["passed"], false);
    }

    #[test]
    fn files_may_grow_by_what_connections_do_and_no_more() {
        let passes = |files: fn(f64) -> f64| {
            let mut verdict = soak(0, |_| 1.0);
            for sampled in &mut verdict.samples {
                let now = sampled.seconds;
                sampled.nodes[0].1["connections"] = json!(100.0 + now);
                sampled.nodes[0].1["open_files"] = json!(files(now));
            }
            verdict.check().is_ok()
        };
        assert!(passes(|now| 130.0 + now));
        assert!(!passes(|now| 130.0 + 3.0 * now));
    }

    #[test]
    fn an_error_does_not_pass_and_neither_does_a_load_that_has_not_ended() {
        assert!(soak(1, |_| 1.0).check().is_err());
        assert!(Verdict::default().check().is_err());
    }

    #[test]
    fn a_value_that_is_not_sampled_does_not_pass() {
        for value in VALUES {
            let mut verdict = soak(0, |_| 1.0);
            for sampled in &mut verdict.samples[60..] {
                sampled.nodes[0].1[value].take();
            }
            let error = verdict.check().unwrap_err().to_string();
            assert!(error.contains(value) && error.contains("40 of"), "{error}");
            verdict.samples.truncate(62);
            assert!(verdict.check().is_ok());
        }
    }

    #[test]
    fn a_few_samples_say_nothing_of_growth() {
        let mut verdict = soak(0, |second| 1.0 + second as f64);
        verdict.samples.truncate(ENOUGH - 1);
        assert!(verdict.check().is_ok());
    }

    #[test]
    fn growth_is_that_of_the_line_which_fits_best() {
        let points: Vec<_> = (0..=10)
            .map(|x| (f64::from(x), 100.0 + f64::from(x)))
            .collect();
        assert!((growth(&points).unwrap() - 0.1).abs() < 1e-9);
    }
}
