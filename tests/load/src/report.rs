//! The result of a run, as one line of JSON.

use std::fmt;

use serde::Serialize;

/// What a run has measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report<T> {
    /// The scenario.
    pub bench: &'static str,
    /// The target, as it was given.
    pub url: String,
    /// What the scenario says.
    #[serde(flatten)]
    pub outcome: T,
}

impl<T> Report<T> {
    pub(crate) fn new(bench: &'static str, url: &str, outcome: T) -> Self {
        Self {
            bench,
            url: url.to_owned(),
            outcome,
        }
    }
}

/// One line of JSON.
impl<T: Serialize> fmt::Display for Report<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&json)
    }
}
