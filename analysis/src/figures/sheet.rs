//! The sheet a figure is drawn on: title above, caption below, everything scaled alike.

use plotters::backend::DrawingBackend;
use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{PathElement, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontTransform, IntoFont as _, RGBColor, TextStyle};

use super::FigureError;
use super::font::FAMILY;
use super::palette::QUIET;

/// Where a figure is drawn.
pub struct Sheet<'a, B: DrawingBackend> {
    root: &'a DrawingArea<B, Shift>,
    scale: u32,
}

impl<'a, B: DrawingBackend> Sheet<'a, B> {
    pub(super) const fn new(root: &'a DrawingArea<B, Shift>, scale: u32) -> Self {
        Self { root, scale }
    }

    /// Pixels of this sheet for pixels at scale 1.
    pub(super) fn px(&self, pixels: i32) -> i32 {
        pixels * i32::try_from(self.scale).expect("a small scale")
    }

    pub(super) fn width(&self) -> i32 {
        let (width, _) = self.root.dim_in_pixel();
        i32::try_from(width / self.scale).expect("a sheet of sensible size")
    }

    pub(super) fn height(&self) -> i32 {
        let (_, height) = self.root.dim_in_pixel();
        i32::try_from(height / self.scale).expect("a sheet of sensible size")
    }

    /// Text of so many pixels.
    pub(super) fn style(&self, size: i32, colour: RGBColor) -> TextStyle<'static> {
        let font = (FAMILY, f64::from(self.px(size))).into_font();
        let mut style = TextStyle::from(font);
        style.color = colour.to_backend_color();
        style
    }

    pub(super) fn text(
        &self,
        text: &str,
        at: (i32, i32),
        style: TextStyle<'static>,
        anchor: (HPos, VPos),
    ) -> Result<(), FigureError> {
        let style = style.pos(Pos::new(anchor.0, anchor.1));
        let at = (self.px(at.0), self.px(at.1));
        let element = Text::new(text.to_owned(), at, style);
        self.root.draw(&element).map_err(FigureError::of)
    }

    /// Text that runs upwards, for the names of y axes.
    pub(super) fn upward(&self, text: &str, at: (i32, i32), size: i32) -> Result<(), FigureError> {
        let style = self.style(size, QUIET).transform(FontTransform::Rotate270);
        self.text(text, at, style, (HPos::Center, VPos::Center))
    }

    pub(super) fn line(
        &self,
        points: &[(i32, i32)],
        colour: RGBColor,
        width: u32,
    ) -> Result<(), FigureError> {
        let points: Vec<(i32, i32)> = points
            .iter()
            .map(|(x, y)| (self.px(*x), self.px(*y)))
            .collect();
        let element = PathElement::new(points, colour.stroke_width(width * self.scale));
        self.root.draw(&element).map_err(FigureError::of)
    }

    /// A round mark.
    pub(super) fn dot(&self, at: (i32, i32), colour: RGBColor) -> Result<(), FigureError> {
        let at = (self.px(at.0), self.px(at.1));
        let element = plotters::element::Circle::new(at, self.px(4), colour.filled());
        self.root.draw(&element).map_err(FigureError::of)
    }

    /// Title and caption.
    pub(super) fn frame(&self, title: &str, caption: &str) -> Result<(), FigureError> {
        let middle = self.width() / 2;
        let black = RGBColor(0, 0, 0);
        let anchor = (HPos::Center, VPos::Top);
        self.text(title, (middle, 12), self.style(18, black), anchor)?;
        let anchor = (HPos::Center, VPos::Bottom);
        let lines = wrapped(caption, self.width());
        let mut below = self.height() - 8;
        for line in lines.iter().rev() {
            self.text(line, (middle, below), self.style(12, QUIET), anchor)?;
            below -= CAPTION_ROW;
        }
        Ok(())
    }
}

/// Height of a line of a caption.
const CAPTION_ROW: i32 = 17;

/// A caption in lines that fit, by counting letters: the size is wanted before there is a sheet.
fn wrapped(caption: &str, width: i32) -> Vec<String> {
    let most = usize::try_from((width - 24) * 2 / 13).unwrap_or(0).max(20);
    let mut lines = Vec::new();
    for part in caption.lines() {
        let mut line = String::new();
        for word in part.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > most {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// Height that a caption needs beyond its first line.
pub(super) fn more_lines(caption: &str, width: i32) -> i32 {
    let lines = i32::try_from(wrapped(caption, width).len()).unwrap_or(1);
    (lines - 1).max(0) * CAPTION_ROW
}

/// The ticks of an axis from `low` to `high`: whole multiples of 1, 2 or 5 times a power of ten.
pub(super) fn ticks(low: f64, high: f64, about: u32) -> Vec<f64> {
    if high.is_nan() || high <= low {
        return vec![low];
    }
    let raw = (high - low) / f64::from(about);
    let power = libm::pow(10.0, libm::floor(libm::log10(raw)));
    let step = [1.0, 2.0, 5.0, 10.0]
        .iter()
        .map(|factor| factor * power)
        .find(|step| *step >= raw * 0.999)
        .unwrap_or(power * 10.0);
    let mut ticks = Vec::new();
    let mut index = libm::ceil(low / step - 1e-9);
    while index * step <= high + step * 1e-9 {
        ticks.push(index * step);
        index += 1.0;
    }
    ticks
}

/// A tick's number, without a tail of zeros.
pub(super) fn label(value: f64) -> String {
    let rounded = libm::round(value * 1e6) / 1e6;
    // Minus zero is zero to a reader.
    if rounded == 0.0 {
        "0".into()
    } else {
        rounded.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(ticks(0.0, 100.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(-1.0, 1.3, 3), [-1.0, 0.0, 1.0]);
        let labels: Vec<String> = ticks(0.0, 0.3, 3).into_iter().map(label).collect();
        assert_eq!(labels, ["0", "0.1", "0.2", "0.3"]);
        assert_eq!(ticks(3.0, 3.0, 4), [3.0]);
    }
}
