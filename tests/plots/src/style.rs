//! Colours, each for light and for dark surroundings.
//!
//! A plot is drawn in the light ones. A style sheet in it has the dark ones instead where the reader's system
//! wants that; the background is part of the plot, so that it is readable whatever the page around it does.

use plotters::style::RGBColor;

/// A colour, and what it becomes in the dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour {
    light: (u8, u8, u8),
    dark: &'static str,
}

impl Colour {
    const fn new(light: (u8, u8, u8), dark: &'static str) -> Self {
        Self { light, dark }
    }

    pub(crate) fn rgb(self) -> RGBColor {
        let (red, green, blue) = self.light;
        RGBColor(red, green, blue)
    }
}

pub(crate) const BACKGROUND: Colour = Colour::new((0xff, 0xff, 0xff), "#0d1117");
pub(crate) const TEXT: Colour = Colour::new((0x1f, 0x23, 0x28), "#e6edf3");
pub(crate) const AXIS: Colour = Colour::new((0x59, 0x63, 0x6e), "#9198a1");
pub(crate) const GRID: Colour = Colour::new((0xd8, 0xde, 0xe4), "#2a313c");
pub(crate) const BLUE: Colour = Colour::new((0x09, 0x69, 0xda), "#58a6ff");
pub(crate) const ORANGE: Colour = Colour::new((0xbc, 0x4c, 0x00), "#f0883e");
pub(crate) const GREEN: Colour = Colour::new((0x1a, 0x7f, 0x37), "#3fb950");
pub(crate) const RED: Colour = Colour::new((0xcf, 0x22, 0x2e), "#ff7b72");

const ALL: [Colour; 8] = [BACKGROUND, TEXT, AXIS, GRID, BLUE, ORANGE, GREEN, RED];

/// The plot with the style sheet for the dark in it, and with a font that every system has.
pub(crate) fn adapt(svg: &str) -> String {
    let mut style = String::from("<style>@media(prefers-color-scheme:dark){");
    for Colour {
        light: (red, green, blue),
        dark,
    } in ALL
    {
        let light = format!("#{red:02X}{green:02X}{blue:02X}");
        style.push_str(&format!(
            "[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}"
        ));
    }
    style.push_str("}</style>");
    match svg.split_once('>') {
        Some((head, rest)) => format!("{head}>\n{style}{rest}"),
        None => svg.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_colour_becomes_its_dark_one() {
        let svg = adapt("<svg width=\"1\">\n<rect fill=\"#FFFFFF\"/></svg>");
        assert!(svg.starts_with("<svg width=\"1\">\n<style>"), "{svg}");
        assert!(svg.contains("[fill=\"#FFFFFF\"]{fill:#0d1117}"), "{svg}");
        assert!(svg.ends_with("<rect fill=\"#FFFFFF\"/></svg>"), "{svg}");
    }
}
