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
