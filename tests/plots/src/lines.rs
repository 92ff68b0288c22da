//! Lines of JSON, and the numbers in them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// What a measurement has printed.
#[derive(Debug, Default)]
pub(crate) struct Lines(Vec<Value>);

impl Lines {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().enumerate();
        let values = lines.map(|(number, line)| {
            serde_json::from_str(line).with_context(|| format!("line {}: no JSON", number + 1))
        });
        Ok(Self(values.collect::<Result<_>>()?))
    }

    pub(crate) fn all(&self) -> &[Value] {
        &self.0
    }

    /// The lines that have this value under this name.
    pub(crate) fn with<'a>(
        &'a self,
        name: &'a str,
        value: &'a str,
    ) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |line| line[name] == value)
    }

    /// Points of such lines: numbers by their JSON pointers. Lines that lack one give none.
    pub(crate) fn points(&self, name: &str, value: &str, x: &str, y: &str) -> Vec<(f64, f64)> {
        let lines = self.with(name, value);
        lines
            .filter_map(|line| Some((number(line, x)?, number(line, y)?)))
            .collect()
    }
}

/// The number at a JSON pointer.
pub(crate) fn number(line: &Value, pointer: &str) -> Option<f64> {
    line.pointer(pointer)?.as_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_those_of_the_lines_that_have_both_numbers() {
        let text = "{\"scale\":\"nodes\",\"at\":1,\"result\":{\"p50\":2.5}}\n\
                    {\"scale\":\"nodes\",\"at\":2}\n{\"scale\":\"topics\",\"at\":3,\"result\":{\"p50\":1}}\n";
        let lines = Lines::parse(text).unwrap();
        let points = lines.points("scale", "nodes", "/at", "/result/p50");
        assert_eq!(points, [(1.0, 2.5)]);
    }

    #[test]
    fn a_line_that_is_no_json_is_named() {
        let error = Lines::parse("{}\n{").unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}
