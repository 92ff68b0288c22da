//! The plots of `docs/performance.md`, from the lines of JSON that `cargo xtask bench`, `scale` and `soak`
//! print: `herenow-plots FOLDER` reads `bench.jsonl`, `scale.jsonl` and `soak.jsonl` there, as far as they are
//! there, and writes the plots beside them.

mod chart;
mod lines;
mod phoenix;
mod scale;
mod soak;
mod style;

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::lines::Lines;

/// A plot: the name of its file, and its SVG.
struct Plot {
    name: &'static str,
    svg: String,
}

fn main() -> ExitCode {
    let folder = env::args_os().nth(1).unwrap_or("docs/performance".into());
    match plot_all(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn plot_all(folder: &Path) -> Result<()> {
    type Draw = fn(&Lines) -> Result<Vec<Plot>>;
    let sources: [(&str, Draw); 3] = [
        ("bench.jsonl", phoenix::plots),
        ("scale.jsonl", scale::plots),
        ("soak.jsonl", soak::plots),
    ];
    let mut found = false;
    for (source, draw) in sources {
        let path = folder.join(source);
        if !path.exists() {
            println!("no {}: no plots of it", path.display());
            continue;
        }
        found = true;
        let lines = Lines::read(&path)?;
        let plots = draw(&lines).with_context(|| path.display().to_string())?;
        for Plot { name, svg } in plots {
            let path = folder.join(name);
            fs::write(&path, svg).with_context(|| path.display().to_string())?;
            println!("{}", path.display());
        }
    }
    match found {
        true => Ok(()),
        false => bail!("there is nothing to plot in {}", folder.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plot_is_drawn_from_a_few_lines_with_its_axes_and_its_legend() {
        let point = |axis, at| {
            format!(
                r#"{{"scale":"{axis}","at":{at},"result":{{"seen_ms":{{"p50":0.3,"p99":2.5}},
                "list_ms":{{"p50":1.5}},"bytes_per_client":9000,"bytes_per_topic":2500,
                "bytes_per_member":400,"server_cpu_seconds":0.2,"joins":500}}}}"#
            )
            .replace('\n', "")
        };
        let axes = ["members", "topics", "connections", "nodes"];
        let text: Vec<_> = axes
            .iter()
            .flat_map(|axis| [point(axis, 1), point(axis, 1000)])
            .collect();
        let plots = scale::plots(&Lines::parse(&text.join("\n")).unwrap()).unwrap();
        assert_eq!(plots.len(), 5);
        for Plot { name, svg } in plots {
            assert!(
                svg.starts_with("<svg") && svg.ends_with("</svg>\n"),
                "{name}"
            );
            assert!(
                svg.contains("<polyline") && svg.contains("<circle"),
                "{name}"
            );
            assert!(svg.contains("\nms") || svg.contains("\nMB\n"), "{name}");
            assert!(svg.contains("prefers-color-scheme:dark"), "{name}");
        }
    }

    #[test]
    fn the_plot_of_a_soak_shows_its_faults() {
        let text = r#"{"soak":"sample","seconds":60,"seen_ms":{"p50":2,"p99":30}}
{"soak":"nodes","seconds":60,"nodes":{"node-0":{"resident_bytes":20000000,"open_files":200}}}
{"soak":"fault","seconds":70,"node":"node-1","what":"killed"}
{"soak":"fault","seconds":80,"node":"node-1","what":"back"}
{"soak":"check","seconds":90,"settled_ms":40}
{"soak":"nodes","seconds":120,"nodes":{"node-0":{"resident_bytes":21000000,"open_files":201}}}"#;
        let plots = soak::plots(&Lines::parse(text).unwrap()).unwrap();
        let svg = &plots[0].svg;
        assert!(svg.contains("killed") && svg.contains("minutes"), "{svg}");
        assert!(!svg.contains("back\n"), "{svg}");
    }
}
