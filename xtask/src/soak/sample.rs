//! What a node uses: of its process as Linux's `/proc` tells it, and as the node itself says in `/metrics`.

use std::fs;

use serde_json::{Map, Value, json};

use crate::running::Running;

/// What is taken from `/metrics`.
const METRICS: [&str; 6] = [
    "connections",
    "channels",
    "presences",
    "own_presences",
    "tasks",
    "resyncs_total",
];

/// What all nodes used at a time; a node that is not running has no values.
pub(super) struct Sampled {
    pub(super) seconds: f64,
    pub(super) nodes: Vec<(String, Value)>,
}

impl Sampled {
    pub(super) fn line(&self) -> Value {
        let nodes: Map<String, Value> = self.nodes.iter().cloned().collect();
        json!({"soak": "nodes", "seconds": self.seconds, "nodes": nodes})
    }
}

/// What a running node uses.
pub(super) fn sample(node: &Running) -> Value {
    let mut values = Map::new();
    let pid = node.pid();
    values.insert("running".into(), json!(true));
    values.insert("pid".into(), json!(pid));
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    if let Some(kib) = field(&status, "VmRSS:") {
        values.insert("resident_bytes".into(), json!(kib * 1024));
    }
    if let Some(threads) = field(&status, "Threads:") {
        values.insert("threads".into(), json!(threads));
    }
    if let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) {
        values.insert("open_files".into(), json!(files.count()));
    }
    // A node that is frozen says nothing.
    let metrics = node.get("/metrics").unwrap_or_default();
    for name in METRICS {
        if let Some(value) = field(&metrics, &format!("herenow_{name} ")) {
            values.insert(name.into(), json!(value));
        }
    }
    Value::Object(values)
}

/// The number behind a name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_linux_and_prometheus_write_them() {
        assert_eq!(field("Name:\tx\nVmRSS:\t  1024 kB\n", "VmRSS:"), Some(1024));
        let metrics = "# TYPE herenow_tasks gauge\nherenow_tasks 7\nherenow_tasks_total 8\n";
        assert_eq!(field(metrics, "herenow_tasks "), Some(7));
        assert_eq!(field(metrics, "herenow_channels "), None);
    }
}
