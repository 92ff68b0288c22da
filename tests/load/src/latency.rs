//! Latencies: recorded as HDR histograms, told as percentiles.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Significant digits that a histogram keeps.
const DIGITS: u8 = 3;

/// The longest latency told apart: above it, all are this.
const LONGEST: Duration = Duration::from_secs(3600);

/// Collects latencies, in nanoseconds. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Recorder(Arc<Mutex<Histogram<u64>>>);

impl Recorder {
    pub(crate) fn new() -> Self {
        let longest = nanoseconds(LONGEST);
        let histogram = Histogram::new_with_max(longest, DIGITS).expect("the bounds are in order");
        Self(Arc::new(Mutex::new(histogram)))
    }

    pub(crate) fn record(&self, latency: Duration) {
        let mut histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        histogram.saturating_record(nanoseconds(latency).max(1));
    }

    pub(crate) fn summary(&self) -> Summary {
        let histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        summarize(&histogram)
    }

    /// What was recorded since the last time, which is then forgotten.
    pub(crate) fn take(&self) -> Summary {
        let mut histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let summary = summarize(&histogram);
        histogram.reset();
        summary
    }
}

fn summarize(histogram: &Histogram<u64>) -> Summary {
    let at = |quantile| milliseconds(histogram.value_at_quantile(quantile));
    Summary {
        count: histogram.len(),
        min: milliseconds(histogram.min()),
        mean: histogram.mean() / 1e6,
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        max: milliseconds(histogram.max()),
    }
}

/// What a histogram says, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Summary {
    /// How many latencies were recorded.
    pub count: u64,
    /// The shortest.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// Half of them are shorter.
    pub p50: f64,
    /// 90 % are shorter.
    pub p90: f64,
    /// 99 % are shorter.
    pub p99: f64,
    /// 99.9 % are shorter.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_three_digits() {
        let recorder = Recorder::new();
        for milliseconds in 1..=1000 {
            recorder.record(Duration::from_millis(milliseconds));
        }
        let summary = recorder.summary();
        assert_eq!(summary.count, 1000);
        for (value, expected) in [
            (summary.min, 1.0),
            (summary.p50, 500.0),
            (summary.p99, 990.0),
            (summary.max, 1000.0),
        ] {
            assert!((value - expected).abs() <= expected / 1000.0, "{value}");
        }
    }

    #[test]
    fn what_was_taken_is_forgotten() {
        let recorder = Recorder::new();
        recorder.record(Duration::from_millis(7));
        assert_eq!(recorder.take().count, 1);
        assert_eq!(recorder.take().count, 0);
    }

    #[test]
    fn what_is_too_long_or_too_short_still_counts() {
        let recorder = Recorder::new();
        recorder.record(Duration::ZERO);
        recorder.record(Duration::MAX);
        assert_eq!(recorder.summary().count, 2);
    }
}
