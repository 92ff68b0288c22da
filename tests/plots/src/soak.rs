//! An hour of everything at once: the plot of `cargo xtask soak`.

use anyhow::Result;
use serde_json::Value;

use crate::Plot;
use crate::chart::{Axis, Chart, Series, svg};
use crate::lines::{Lines, number};
use crate::style::{BLUE, Colour, GREEN, ORANGE, RED};

const SIZE: (u32, u32) = (900, 1040);

const TIME: &str = "minutes";

pub(crate) fn plots(lines: &Lines) -> Result<Vec<Plot>> {
    let faults: Vec<_> = lines.with("soak", "fault").filter_map(fault).collect();
    let charts = [
        memory(lines, faults.clone()),
        files(lines, faults.clone()),
        latency(lines, faults.clone()),
        truth(lines, faults),
    ];
    Ok(vec![Plot {
        name: "soak.svg",
        svg: svg(&charts, SIZE)?,
    }])
}

fn fault(line: &Value) -> Option<(f64, String)> {
    let what = line["what"].as_str().filter(|what| *what != "back")?;
    Some((number(line, "/seconds")? / 60.0, what.to_owned()))
}

/// A value over the time in minutes.
fn over_time(lines: &Lines, kind: &str, pointer: &str, scale: f64) -> Vec<(f64, f64)> {
    let points = lines.points("soak", kind, "/seconds", pointer);
    points
        .into_iter()
        .map(|(x, y)| (x / 60.0, y * scale))
        .collect()
}

fn chart(title: &str, y: Axis, series: Vec<Series>, events: Vec<(f64, String)>) -> Chart {
    let last = series.iter().filter_map(|series| series.points.last());
    let end = last.map(|point| point.0).fold(0.1, f64::max);
    Chart {
        title: title.into(),
        x: Axis::linear(TIME, 0.0, end),
        y,
        series,
        marks: false,
        events,
    }
}

/// A value of every node.
fn of_nodes(lines: &Lines, value: &str, scale: f64) -> Vec<Series> {
    let colours: [Colour; 3] = [BLUE, ORANGE, GREEN];
    let nodes = (0_usize..).zip(colours).map(|(number, colour)| Series {
        name: match number {
            0 => "node 0, which lives through all".into(),
            _ => format!("node {number}"),
        },
        colour,
        points: over_time(
            lines,
            "nodes",
            &format!("/nodes/node-{number}/{value}"),
            scale,
        ),
    });
    nodes.filter(|series| !series.points.is_empty()).collect()
}

fn most(series: &[Series]) -> f64 {
    let values = series
        .iter()
        .flat_map(|series| &series.points)
        .map(|point| point.1);
    values.fold(1.0, f64::max)
}

fn memory(lines: &Lines, faults: Vec<(f64, String)>) -> Chart {
    let nodes = of_nodes(lines, "resident_bytes", 1e-6);
    let y = Axis::linear("resident MB", 0.0, most(&nodes) * 1.2);
    chart("Memory of the nodes", y, nodes, faults)
}

fn files(lines: &Lines, faults: Vec<(f64, String)>) -> Chart {
    let nodes = of_nodes(lines, "open_files", 1.0);
    let y = Axis::linear("open files", 0.0, most(&nodes) * 1.2);
    chart("Open files: connections, and a few more", y, nodes, faults)
}

fn latency(lines: &Lines, faults: Vec<(f64, String)>) -> Chart {
    let of = |name: &str, colour, pointer| Series {
        name: name.into(),
        colour,
        points: over_time(lines, "sample", pointer, 1.0)
            .into_iter()
            .filter(|point| point.1 > 0.0)
            .collect(),
    };
    let all = vec![
        of("p99", ORANGE, "/seen_ms/p99"),
        of("p50", BLUE, "/seen_ms/p50"),
    ];
    let values: Vec<f64> = all
        .iter()
        .flat_map(|one| &one.points)
        .map(|point| point.1)
        .collect();
    let y = Axis::log("ms", values);
    chart(
        "From when a join was due until it was seen, on every node",
        y,
        all,
        faults,
    )
}

fn truth(lines: &Lines, faults: Vec<(f64, String)>) -> Chart {
    let settled = Series {
        name: "until all that was seen was true, ms".into(),
        colour: GREEN,
        points: over_time(lines, "check", "/settled_ms", 1.0),
    };
    let wrong = Series {
        name: "seconds at which something was wrong".into(),
        colour: RED,
        points: over_time(lines, "error", "/seconds", 0.0)
            .into_iter()
            .map(|(x, _)| (x, 1.0))
            .collect(),
    };
    let values: Vec<f64> = settled.points.iter().map(|point| point.1).collect();
    let y = Axis::log("ms", values);
    let all = [settled, wrong]
        .into_iter()
        .filter(|series| !series.points.is_empty());
    chart(
        "Checks: all hold still, and what is seen becomes what is true",
        y,
        all.collect(),
        faults,
    )
}
