//! Charts of lines: one or several, one below the other.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::style::{AXIS, BACKGROUND, Colour, GRID, TEXT, adapt};

const FONT: &str = "system-ui, sans-serif";

/// Height of what is above a chart.
const HEAD: i32 = 54;

/// By what share a logarithmic axis is longer than its decades.
const ROUNDING: f64 = 1e-3;

/// About how wide a letter is.
const LETTER: i32 = 7;

/// A line, or points where there are few.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) colour: Colour,
    pub(crate) points: Vec<(f64, f64)>,
}

/// What an axis is of, and from where to where it goes.
pub(crate) struct Axis {
    pub(crate) label: &'static str,
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) log: bool,
    /// Whether only whole numbers make sense.
    pub(crate) whole: bool,
}

impl Axis {
    pub(crate) fn linear(label: &'static str, from: f64, to: f64) -> Self {
        Self {
            label,
            from,
            to,
            log: false,
            whole: false,
        }
    }

    /// An axis on which things are counted.
    pub(crate) fn counting(label: &'static str, from: f64, to: f64) -> Self {
        Self {
            whole: true,
            ..Self::linear(label, from, to)
        }
    }

    /// A logarithmic axis over whole decades, wide enough for these values.
    pub(crate) fn log(label: &'static str, values: impl IntoIterator<Item = f64>) -> Self {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(|value| *value > 0.0) {
            (least, most) = (least.min(value), most.max(value));
        }
        if least > most {
            (least, most) = (1.0, 10.0);
        }
        let from = 10_f64.powf(least.log10().floor());
        let to = 10_f64.powf(most.log10().ceil());
        let to = if to > from { to } else { from * 10.0 };
        // A little more, or the labels of the first and the last decade are left out by rounding.
        let (from, to) = (from * (1.0 - ROUNDING), to * (1.0 + ROUNDING));
        Self {
            label,
            from,
            to,
            log: true,
            whole: false,
        }
    }
}

/// A chart.
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) series: Vec<Series>,
    /// Whether each point is marked.
    pub(crate) marks: bool,
    /// Values of x at which something happened, with its name.
    pub(crate) events: Vec<(f64, String)>,
}

/// The SVG of charts, one below the other.
pub(crate) fn svg(charts: &[Chart], size: (u32, u32)) -> Result<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&BACKGROUND.rgb()).map_err(problem)?;
        for (chart, area) in charts.iter().zip(root.split_evenly((charts.len(), 1))) {
            chart.draw(&area)?;
        }
        root.present().map_err(problem)?;
    }
    Ok(adapt(&svg))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

impl Chart {
    fn draw(&self, area: &Area<'_>) -> Result<()> {
        let (x, y) = (self.x.from..self.x.to, self.y.from..self.y.to);
        match (self.x.log, self.y.log) {
            (true, true) => self.draw_on(area, x.log_scale(), y.log_scale()),
            (true, false) => self.draw_on(area, x.log_scale(), y),
            (false, true) => self.draw_on(area, x, y.log_scale()),
            (false, false) => self.draw_on(area, x, y),
        }
    }

    fn draw_on<X, Y>(&self, area: &Area<'_>, x: X, y: Y) -> Result<()>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: ValueFormatter<f64>,
        Y::CoordDescType: ValueFormatter<f64>,
    {
        let (head, area) = area.split_vertically(HEAD);
        self.draw_head(&head)?;
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .margin_right(28)
            .x_label_area_size(44)
            .y_label_area_size(70)
            .build_cartesian_2d(x, y)
            .map_err(problem)?;
        chart
            .configure_mesh()
            .x_desc(self.x.label)
            .y_desc(self.y.label)
            .axis_desc_style((FONT, 14).into_font().color(&TEXT.rgb()))
            .label_style((FONT, 13).into_font().color(&TEXT.rgb()))
            .x_label_formatter(
                &|value| match self.x.whole && value.fract().abs() > ROUNDING {
                    true => String::new(),
                    false => short(*value),
                },
            )
            .y_label_formatter(&|value| short(*value))
            .axis_style(AXIS.rgb())
            .bold_line_style(GRID.rgb())
            .light_line_style(TRANSPARENT)
            .x_labels(10)
            .y_labels(6)
            .draw()
            .map_err(problem)?;
        for (at, name) in &self.events {
            let line = [(*at, self.y.from), (*at, self.y.to)];
            chart
                .draw_series(LineSeries::new(line, AXIS.rgb()))
                .map_err(problem)?;
            let above = Pos::new(HPos::Left, VPos::Top);
            let style = (FONT, 11).into_font().color(&AXIS.rgb()).pos(above);
            let beside = Text::new(name.clone(), (4, 2), style);
            let text = EmptyElement::at((*at, self.y.to)) + beside;
            chart.draw_series([text]).map_err(problem)?;
        }
        for series in &self.series {
            let colour = series.colour.rgb();
            let stroke = colour.stroke_width(2);
            let line = LineSeries::new(series.points.iter().copied(), stroke);
            chart.draw_series(line).map_err(problem)?;
            if self.marks {
                let marks = series
                    .points
                    .iter()
                    .map(|at| Circle::new(*at, 4, colour.filled()));
                chart.draw_series(marks).map_err(problem)?;
            }
        }
        Ok(())
    }

    /// The title, and below it what each colour stands for: there it covers nothing.
    fn draw_head(&self, area: &Area<'_>) -> Result<()> {
        let (width, _) = area.dim_in_pixel();
        let middle = i32::try_from(width / 2)?;
        let bold = (FONT, 17).into_font().style(FontStyle::Bold);
        let centred = Pos::new(HPos::Center, VPos::Top);
        let title = bold.color(&TEXT.rgb()).pos(centred);
        area.draw(&Text::new(self.title.clone(), (middle, 12), title))
            .map_err(problem)?;
        let length =
            |series: &Series| i32::try_from(series.name.chars().count()).unwrap_or(0) * LETTER + 60;
        let mut x = middle - self.series.iter().map(length).sum::<i32>() / 2;
        let left = Pos::new(HPos::Left, VPos::Center);
        for series in &self.series {
            let stroke = series.colour.rgb().stroke_width(3);
            let line = PathElement::new([(x, 44), (x + 22, 44)], stroke);
            area.draw(&line).map_err(problem)?;
            let style = (FONT, 13).into_font().color(&TEXT.rgb()).pos(left);
            let name = Text::new(series.name.clone(), (x + 28, 44), style);
            area.draw(&name).map_err(problem)?;
            x += length(series);
        }
        Ok(())
    }
}

fn problem(error: impl std::error::Error) -> anyhow::Error {
    anyhow!("{error}")
}

/// A number as an axis has it.
pub(crate) fn short(value: f64) -> String {
    let rounded = |value: f64| {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    match value.abs() {
        1e6.. => format!("{}M", rounded(value / 1e6)),
        1e3.. => format!("{}k", rounded(value / 1e3)),
        _ => rounded(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(short(100_000.0), "100k");
        assert_eq!(short(1_500_000.0), "1.5M");
        assert_eq!(short(0.1), "0.1");
        assert_eq!(short(50.0), "50");
    }

    #[test]
    fn a_logarithmic_axis_has_whole_decades() {
        let axis = Axis::log("", [0.3, 47.0, 0.0]);
        assert!((axis.from - 0.1).abs() < 1e-3 && (axis.to - 100.0).abs() < 1.0);
        let axis = Axis::log("", [10.0]);
        assert!((axis.from - 10.0).abs() < 0.1 && (axis.to - 100.0).abs() < 1.0);
    }
}
