//! Beside Phoenix: the plot of `cargo xtask bench`.

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

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

struct Bar {
    name: String,
    ratio: f64,
}

pub(crate) fn plots(lines: &Lines) -> Result<Vec<Plot>> {
    let bars = bars(lines);
    let draw = draw(&bars).map_err(|error| anyhow!("{error}"))?;
    Ok(vec![Plot {
        name: "phoenix.svg",
        svg: draw,
    }])
}

/// The median of what the repeated runs of each figure say.
fn bars(lines: &Lines) -> Vec<Bar> {
    let mut found: Vec<(String, Vec<f64>)> = Vec::new();
    for line in lines.all() {
        let row = line["row"].as_str().unwrap_or_default();
        for figure in line["compared"].as_array().into_iter().flatten() {
            let name = format!("{row}: {}", figure["figure"].as_str().unwrap_or_default());
            let Some(ratio) = number(figure, "/times_better") else {
                continue;
            };
            match found.iter_mut().find(|(known, _)| *known == name) {
                Some((_, ratios)) => ratios.push(ratio),
                None => found.push((name, vec![ratio])),
            }
        }
    }
    let median = |mut ratios: Vec<f64>| {
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    };
    found
        .into_iter()
        .map(|(name, ratios)| Bar {
            name,
            ratio: median(ratios),
        })
        .collect()
}

fn draw(bars: &[Bar]) -> Result<String, Box<dyn std::error::Error>> {
    let rows = i32::try_from(bars.len())?;
    let bottom = TOP + rows * ROW;
    let size = (WIDTH, u32::try_from(bottom + 46)?);
    let most = bars.iter().map(|bar| bar.ratio).fold(10.0, f64::max);
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
        for (number, bar) in (0..).zip(bars) {
            let top = TOP + number * ROW;
            let centre = top + ROW / 2 - 2;
            root.draw(&Text::new(
                bar.name.clone(),
                (LEFT - 10, centre),
                text(13).pos(right),
            ))?;
            let end = x(bar.ratio);
            let corners = [(LEFT, top + 2), (end, top + ROW - 6)];
            root.draw(&Rectangle::new(corners, BLUE.rgb().filled()))?;
            let label = format!("{}×", short((bar.ratio * 10.0).round() / 10.0));
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

    #[test]
    fn repeated_runs_give_their_median() {
        let line = |ratio: f64| {
            format!(
                r#"{{"row":"storm","compared":[{{"figure":"seconds","times_better":{ratio}}}]}}"#
            )
        };
        let text = [line(50.0), line(10.0), line(70.0)].join("\n");
        let bars = bars(&Lines::parse(&text).unwrap());
        assert_eq!(bars.len(), 1);
        assert_eq!(
            (bars[0].name.as_str(), bars[0].ratio),
            ("storm: seconds", 50.0)
        );
    }
}
