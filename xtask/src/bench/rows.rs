//! The rows: what is run, and what Phoenix 1.8 does with the same on two cores.

use std::fmt;

use clap::ValueEnum;

use super::bystander;

/// A row, by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// 1,000 clients join one topic at once
    Storm,
    /// 2,000 clients join one topic at once
    Storm2000,
    /// 1,000 clients in 20 topics leave and rejoin as fast as it goes
    Churn,
    /// 5,000 idle clients
    Idle,
    /// Broadcasts to 1,000 subscribers, 8 in flight
    Broadcast,
    /// Joins at a low rate, until a member sees each
    Steady,
    /// Tracking in one topic, on one core
    Track,
    /// The list of a topic of 10,000
    List,
    /// One key of a topic of 10,000
    GetByKey,
    /// 100,000 members in one topic
    Bigroom,
    /// Joins on one of three nodes, until members on the others see each
    Cluster,
    /// A node of three that looks at nothing, while members come and go on another
    Bystander,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

/// A row of the table.
pub(super) struct Row {
    pub(super) name: Name,
    /// For who reads the line.
    pub(super) what: &'static str,
    pub(super) source: Source,
    pub(super) figures: &'static [Figure],
}

/// Where a result comes from.
pub(super) enum Source {
    /// Load on the binary.
    Load(Sizes),
    /// Load on the example `crowd`.
    Crowd(Sizes),
    /// Load on a cluster of binaries.
    Cluster(Sizes),
    /// A cluster of binaries of which one looks on.
    Bystander {
        full: bystander::Size,
        small: bystander::Size,
    },
    /// The core's benchmark of the presence store, which says it under this name.
    Store(&'static str),
}

/// The arguments of `herenow bench URL`, at full and at small size.
pub(super) struct Sizes {
    full: &'static [&'static str],
    small: &'static [&'static str],
}

impl Sizes {
    pub(super) fn arguments(&self, quick: bool) -> &'static [&'static str] {
        if quick { self.small } else { self.full }
    }
}

/// A number of the result that is compared. Where Phoenix's varied, it is the best of it that stands here.
pub(super) struct Figure {
    pub(super) name: &'static str,
    /// Where in the result, as a JSON pointer.
    pub(super) pointer: &'static str,
    pub(super) phoenix: f64,
    pub(super) wanted: f64,
    pub(super) more_is_better: bool,
}

const fn less(name: &'static str, pointer: &'static str, phoenix: f64, wanted: f64) -> Figure {
    Figure {
        name,
        pointer,
        phoenix,
        wanted,
        more_is_better: false,
    }
}

const fn more(name: &'static str, pointer: &'static str, phoenix: f64, wanted: f64) -> Figure {
    Figure {
        more_is_better: true,
        ..less(name, pointer, phoenix, wanted)
    }
}

const MB: f64 = 1e6;
const KIB: f64 = 1024.0;

pub(super) const ALL: &[Row] = &[
    Row {
        name: Name::Storm,
        what: "1,000 clients join one topic at once, until an observer has seen all",
        source: Source::Load(Sizes {
            full: &["storm", "--clients", "1000"],
            small: &["storm", "--clients", "100"],
        }),
        figures: &[
            less("seconds", "/seconds", 7.9, 0.15),
            less("server CPU seconds", "/server/cpu_seconds", 12.4, 0.3),
            less("peak bytes", "/server/peak_bytes", 1_700.0 * MB, 60.0 * MB),
        ],
    },
    Row {
        name: Name::Storm2000,
        what: "2,000 clients join one topic at once, until an observer has seen all",
        source: Source::Load(Sizes {
            full: &["storm", "--clients", "2000"],
            small: &["storm", "--clients", "200"],
        }),
        figures: &[
            less("seconds", "/seconds", 41.0, 0.4),
            less("server CPU seconds", "/server/cpu_seconds", 61.0, 0.8),
            less("peak bytes", "/server/peak_bytes", 5_100.0 * MB, 80.0 * MB),
        ],
    },
    Row {
        name: Name::Churn,
        what: "1,000 clients in 20 topics of 50 leave and rejoin as fast as it goes",
        source: Source::Load(Sizes {
            full: &[
                "churn",
                "--clients",
                "1000",
                "--topics",
                "20",
                "--seconds",
                "10",
            ],
            small: &[
                "churn",
                "--clients",
                "100",
                "--topics",
                "5",
                "--seconds",
                "1",
            ],
        }),
        figures: &[
            more("cycles per second", "/cycles_per_second", 733.0, 10_000.0),
            less(
                "server CPU us per cycle",
                "/server_cpu_us_per_cycle",
                2_100.0,
                100.0,
            ),
        ],
    },
    Row {
        name: Name::Idle,
        what: "5,000 idle clients, joined and tracked: memory each",
        source: Source::Load(Sizes {
            full: &[
                "idle",
                "--clients",
                "5000",
                "--per-topic",
                "50",
                "--seconds",
                "5",
            ],
            small: &[
                "idle",
                "--clients",
                "200",
                "--per-topic",
                "50",
                "--seconds",
                "1",
            ],
        }),
        figures: &[less("bytes", "/bytes_per_client", 133.0 * KIB, 8.0 * KIB)],
    },
    Row {
        name: Name::Broadcast,
        what: "broadcast to 1,000 subscribers, 8 in flight",
        source: Source::Load(Sizes {
            full: &["broadcast", "--subscribers", "1000", "--messages", "10000"],
            small: &["broadcast", "--subscribers", "100", "--messages", "500"],
        }),
        figures: &[
            more(
                "deliveries per second",
                "/deliveries_per_second",
                175_000.0,
                1_500_000.0,
            ),
            less(
                "server CPU us per delivery",
                "/server_cpu_us_per_delivery",
                8.3,
                0.7,
            ),
        ],
    },
    Row {
        name: Name::Steady,
        what: "a join at low rate, until a member sees its diff",
        source: Source::Load(Sizes {
            full: &["steady", "--rate", "100", "--joins", "2000"],
            small: &["steady", "--rate", "100", "--joins", "100"],
        }),
        figures: &[
            less("p50 ms", "/seen_ms/p50", 1.5, 0.3),
            less("p99 ms", "/seen_ms/p99", 4.0, 1.0),
        ],
    },
    Row {
        name: Name::Track,
        what: "track, one topic, one core",
        source: Source::Store("track"),
        figures: &[more("per second", "/per_second", 106_000.0, 1_000_000.0)],
    },
    Row {
        name: Name::List,
        what: "list of 10,000",
        source: Source::Store("list"),
        figures: &[less("us", "/microseconds", 12_000.0, 200.0)],
    },
    Row {
        name: Name::GetByKey,
        what: "get_by_key in a topic of 10,000",
        source: Source::Store("get_by_key"),
        figures: &[less("us", "/microseconds", 1_500.0, 2.0)],
    },
    Row {
        name: Name::Bigroom,
        what: "100,000 members in one topic over 50 sockets",
        source: Source::Crowd(Sizes {
            full: &["bigroom", "--members", "100000", "--sockets", "50"],
            small: &[
                "bigroom",
                "--members",
                "5000",
                "--sockets",
                "5",
                "--newcomers",
                "3",
            ],
        }),
        // Phoenix was not measured with this.
        figures: &[],
    },
    Row {
        name: Name::Cluster,
        what: "a join on one of three nodes, until a member on another sees its diff",
        source: Source::Cluster(Sizes {
            full: &["cluster", "--rate", "50", "--joins", "1000"],
            small: &["cluster", "--rate", "50", "--joins", "50"],
        }),
        // Phoenix was not measured with this.
        figures: &[],
    },
    Row {
        name: Name::Bystander,
        what: "a node of three that looks at nothing, beside one that looks at all, while members come and go",
        source: Source::Bystander {
            full: bystander::Size {
                members: 10_000,
                topics: 200,
                seconds: 10,
            },
            small: bystander::Size {
                members: 200,
                topics: 10,
                seconds: 1,
            },
        },
        // In Phoenix every node has everything.
        figures: &[],
    },
];
