//! Beside Phoenix: the plot of `cargo xtask bench`.

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use serde_json::Value;

use crate::Plot;
use crate::chart::short;
use crate::lines::{Lines, number};
use crate::style::{AXIS, BACKGROUND, BLUE, GRID, TEXT, adapt};

const FONT: &str = "system-ui, sans-serif";
const WIDTH: u32 = 760;
const ROW: i32 = 26;
/// Where bars begin, and where the longest may end.
const LEFT: i32 = 330;
const RIGHT: i32 = 690;
const TOP: i32 = 56;

/// A figure that was compared with Phoenix's: the median of its runs.
struct Figure {
    row: String,
    name: String,
    here: f64,
    /// The best and the worst of the runs.
    from_to: (f64, f64),
    phoenix: f64,
    ratio: f64,
    runs: usize,
}

pub(crate) fn plots(lines: &Lines) -> Result<Vec<Plot>> {
    let figures = figures(lines);
    println!("{}", table(&figures));
    let svg = draw(&figures).map_err(|error| anyhow!("{error}"))?;
    Ok(vec![Plot {
        name: "phoenix.svg",
        svg,
    }])
}

fn figures(lines: &Lines) -> Vec<Figure> {
    let mut found: Vec<(String, String, Vec<&Value>)> = Vec::new();
    for line in lines.all() {
        let row = line["row"].as_str().unwrap_or_default();
        for run in line["compared"].as_array().into_iter().flatten() {
            let name = run["figure"].as_str().unwrap_or_default();
            match found
                .iter_mut()
                .find(|known| known.0 == row && known.1 == name)
            {
                Some((_, _, runs)) => runs.push(run),
                None => found.push((row.into(), name.into(), vec![run])),
            }
        }
    }
    let figures = found.into_iter();
    figures
        .filter_map(|(row, name, runs)| figure(row, name, runs))
        .collect()
}

/// The run in the middle, by how well it went.
fn figure(row: String, name: String, mut runs: Vec<&Value>) -> Option<Figure> {
    runs.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)));
    let (best, worst, middle) = (runs.first()?, runs.last()?, runs[runs.len() / 2]);
    Some(Figure {
        row,
        name,
        here: number(middle, "/here")?,
        from_to: (number(best, "/here")?, number(worst, "/here")?),
        phoenix: number(middle, "/phoenix")?,
        ratio: ratio(middle),
        runs: runs.len(),
    })
}

/// How many times better a run was. The line says it too, but rounded, and so also says which way is better.
fn ratio(run: &Value) -> f64 {
    let value = |name| number(run, name).unwrap_or(f64::NAN);
    let (here, phoenix) = (value("/here"), value("/phoenix"));
    match (here > phoenix) == (value("/times_better") > 1.0) {
        true => here / phoenix,
        false => phoenix / here,
    }
}

/// The figures as a table in Markdown.
fn table(figures: &[Figure]) -> String {
    let mut table = String::from(
        "| row | figure | Phoenix | herenow, median | best to worst | runs | ratio |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for figure in figures {
        let Figure {
            row, name, runs, ..
        } = figure;
        let value = |value| match name.contains("bytes") {
            true => bytes(value),
            false => digits(value),
        };
        let (here, phoenix) = (value(figure.here), value(figure.phoenix));
        let (best, worst) = (value(figure.from_to.0), value(figure.from_to.1));
        let ratio = digits(figure.ratio);
        table.push_str(&format!(
            "| {row} | {name} | {phoenix} | {here} | {best} to {worst} | {runs} | {ratio} |\n"
        ));
    }
    table
}

fn bytes(value: f64) -> String {
    match value {
        1e6.. => format!("{} MB", digits(value / 1e6)),
        1e3.. => format!("{} KB", digits(value / 1e3)),
        _ => digits(value),
    }
}

/// A number with three digits that say something.
fn digits(value: f64) -> String {
    let whole = value.abs().max(1e-6).log10().floor() as i32;
    let scale = 10_f64.powi(2 - whole);
    let rounded = (value * scale).round() / scale;
    let decimals = usize::try_from(2 - whole).unwrap_or(0);
    format!("{rounded:.decimals$}")
}

fn draw(figures: &[Figure]) -> Result<String, Box<dyn std::error::Error>> {
    let rows = i32::try_from(figures.len())?;
    let bottom = TOP + rows * ROW;
    let size = (WIDTH, u32::try_from(bottom + 46)?);
    let most = figures.iter().map(|bar| bar.ratio).fold(10.0, f64::max);
    let decades = most.log10().ceil().max(1.0);
    let x =
        |ratio: f64| LEFT + ((ratio.max(0.1).log10() / decades) * f64::from(RIGHT - LEFT)) as i32;
    let text = |size: i32| (FONT, size).into_font().color(&TEXT.rgb());
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&BACKGROUND.rgb())?;
        let bold = (FONT, 17)
            .into_font()
            .style(FontStyle::Bold)
            .color(&TEXT.rgb());
        let centred = Pos::new(HPos::Center, VPos::Top);
        let middle = i32::try_from(WIDTH / 2)?;
        root.draw(&Text::new(
            "How many times better than Phoenix 1.8",
            (middle, 14),
            bold.pos(centred),
        ))?;
        for decade in 0..=decades as i32 {
            let at = x(10_f64.powi(decade));
            root.draw(&PathElement::new([(at, TOP - 6), (at, bottom)], GRID.rgb()))?;
            let label = format!("{}×", short(10_f64.powi(decade)));
            root.draw(&Text::new(label, (at, bottom + 8), text(13).pos(centred)))?;
        }
        let right = Pos::new(HPos::Right, VPos::Center);
        let left = Pos::new(HPos::Left, VPos::Center);
        for (number, bar) in (0..).zip(figures) {
            let top = TOP + number * ROW;
            let centre = top + ROW / 2 - 2;
            let name = format!("{}: {}", bar.row, bar.name);
            root.draw(&Text::new(name, (LEFT - 10, centre), text(13).pos(right)))?;
            let end = x(bar.ratio);
            let corners = [(LEFT, top + 2), (end, top + ROW - 6)];
            root.draw(&Rectangle::new(corners, BLUE.rgb().filled()))?;
            let label = format!("{}×", digits(bar.ratio));
            root.draw(&Text::new(
                label,
                (end.max(LEFT) + 8, centre),
                text(13).pos(left),
            ))?;
        }
        let one = x(1.0);
        root.draw(&PathElement::new(
            [(one, TOP - 6), (one, bottom)],
            AXIS.rgb(),
        ))?;
        root.present()?;
    }
    Ok(adapt(&svg))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(ratio: f64, here: f64) -> String {
        let run =
            format!(r#"{{"figure":"seconds","times_better":{ratio},"here":{here},"phoenix":8.0}}"#);
        format!(r#"{{"row":"storm","compared":[{run}]}}"#)
    }

    #[test]
    fn repeated_runs_give_the_one_in_the_middle() {
        let text = [line(50.0, 0.16), line(10.0, 0.8), line(72.7, 0.11)].join("\n");
        let figures = figures(&Lines::parse(&text).unwrap());
        assert_eq!(figures.len(), 1);
        assert_eq!((figures[0].ratio, figures[0].here), (50.0, 0.16));
        let table = table(&figures);
        let row = "| storm | seconds | 8.00 | 0.160 | 0.110 to 0.800 | 3 | 50.0 |";
        assert!(table.contains(row), "{table}");
    }

    #[test]
    fn three_digits_say_something() {
        for (value, text) in [
            (0.08432, "0.0843"),
            (38_612.3, "38600"),
            (1.0, "1.00"),
            (7.746, "7.75"),
        ] {
            assert_eq!(digits(value), text);
        }
    }
}
