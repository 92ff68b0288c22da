//! How cost grows: plots of `cargo xtask scale`.

use anyhow::Result;

use crate::Plot;
use crate::chart::{Axis, Chart, Series, svg};
use crate::lines::{Lines, number};
use crate::style::{BLUE, Colour, GREEN, ORANGE};

const SIZE: (u32, u32) = (760, 420);

const LATENCY: &str = "ms";

pub(crate) fn plots(lines: &Lines) -> Result<Vec<Plot>> {
    let plot = |name, charts: &[Chart], size| -> Result<Plot> {
        Ok(Plot {
            name,
            svg: svg(charts, size)?,
        })
    };
    Ok(vec![
        plot("members.svg", &[members(lines)], SIZE)?,
        plot(
            "topics.svg",
            &[seen(lines, "topics", "topics with one member each")],
            SIZE,
        )?,
        plot(
            "connections.svg",
            &[seen(lines, "connections", "connections, idle")],
            SIZE,
        )?,
        plot("memory.svg", &[memory(lines)], SIZE)?,
        plot(
            "nodes.svg",
            &[nodes(lines), nodes_cost(lines)],
            (SIZE.0, 2 * 330),
        )?,
    ])
}

fn series(lines: &Lines, axis: &str, name: &str, colour: Colour, pointer: &str) -> Series {
    Series {
        name: name.to_owned(),
        colour,
        points: lines.points("scale", axis, "/at", pointer),
    }
}

fn log_chart(title: String, x: &'static str, y: &'static str, series: Vec<Series>) -> Chart {
    let values = |of: fn(&(f64, f64)) -> f64| {
        series
            .iter()
            .flat_map(|series| &series.points)
            .map(of)
            .collect::<Vec<_>>()
    };
    Chart {
        title,
        x: Axis::log(x, values(|point| point.0)),
        y: Axis::log(y, values(|point| point.1)),
        series,
        marks: true,
        events: Vec::new(),
    }
}

/// A topic grows.
fn members(lines: &Lines) -> Chart {
    let of = |name, colour, pointer| series(lines, "members", name, colour, pointer);
    log_chart(
        "A topic grows: one more member, and the list for a newcomer".into(),
        "members of the topic",
        "ms, p50",
        vec![
            of(
                "the whole list, sent and read",
                ORANGE,
                "/result/list_ms/p50",
            ),
            of("one more member is seen", BLUE, "/result/seen_ms/p50"),
        ],
    )
}

/// What is elsewhere on the server grows.
fn seen(lines: &Lines, axis: &'static str, x: &'static str) -> Chart {
    let of = |name, colour, pointer| series(lines, axis, name, colour, pointer);
    log_chart(
        format!("More {axis} on the server: until a join is seen"),
        x,
        LATENCY,
        vec![
            of("p99", ORANGE, "/result/seen_ms/p99"),
            of("p50", BLUE, "/result/seen_ms/p50"),
        ],
    )
}

/// Memory over all that is there.
fn memory(lines: &Lines) -> Chart {
    let of = |axis: &str, name: &str, colour, pointer: &str| {
        let points = lines.with("scale", axis).filter_map(|line| {
            let (at, each) = (number(line, "/at")?, number(line, pointer)?);
            Some((at, at * each / 1e6))
        });
        // Less than a few pages says nothing.
        let points = points.filter(|(at, megabytes)| *at >= 100.0 && *megabytes > 0.0);
        Series {
            name: name.to_owned(),
            colour,
            points: points.collect(),
        }
    };
    log_chart(
        "Memory that the server takes".into(),
        "how many",
        "MB",
        vec![
            of(
                "connections",
                "connections in topics of 50",
                ORANGE,
                "/result/bytes_per_client",
            ),
            of(
                "topics",
                "topics with one member",
                GREEN,
                "/result/bytes_per_topic",
            ),
            of(
                "members",
                "members of one topic",
                BLUE,
                "/result/bytes_per_member",
            ),
        ],
    )
}

/// A cluster grows: how soon a join is seen on another node.
fn nodes(lines: &Lines) -> Chart {
    let of = |name, colour, pointer| series(lines, "nodes", name, colour, pointer);
    let all = vec![
        of("p99", ORANGE, "/result/seen_ms/p99"),
        of("p50", BLUE, "/result/seen_ms/p50"),
    ];
    let values: Vec<f64> = all
        .iter()
        .flat_map(|one| &one.points)
        .map(|point| point.1)
        .collect();
    Chart {
        title: "More nodes, all on two cores: until a join is seen on another node".into(),
        x: Axis::counting("nodes", 0.8, 5.2),
        y: Axis::log("ms", values),
        series: all,
        marks: true,
        events: Vec::new(),
    }
}

fn nodes_cost(lines: &Lines) -> Chart {
    let cpu = lines.with("scale", "nodes").filter_map(|line| {
        let used = number(line, "/result/server_cpu_seconds")?;
        Some((
            number(line, "/at")?,
            used * 1e3 / number(line, "/result/joins")?,
        ))
    });
    let cpu: Vec<_> = cpu.collect();
    let most = cpu.iter().map(|point| point.1).fold(0.1, f64::max);
    Chart {
        title: "What a join costs all nodes together".into(),
        x: Axis::counting("nodes", 0.8, 5.2),
        y: Axis::linear("CPU, ms", 0.0, most * 1.2),
        series: vec![Series {
            name: "CPU of a join, its leave and the heartbeats meanwhile".into(),
            colour: GREEN,
            points: cpu,
        }],
        marks: true,
        events: Vec::new(),
    }
}
