//! Figures, as SVG text and PNG bytes, from plain data.
//!
//! Owns shapes, colours, fonts and where text stands. Knows no metric, run or file: it is given
//! names, numbers and captions.
//!
//! An SVG holds whole pixels only, so it is the same wherever the same code draws it.

mod comparison;
mod curves;
mod font;
mod lines;
mod overlay;
mod palette;
mod sheet;

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea as _};
use thiserror::Error;

pub use comparison::{Comparison, Interval, Panel};
pub use curves::{Curve, Curves, Scale, Tile};
pub use lines::{Axis, Lines, Series, distribution};
pub use overlay::{OverlayFigure, OverlaySeries};

use sheet::Sheet;

/// A figure that could not be drawn: a bug of ours, or no memory.
#[derive(Debug, Error)]
#[error("the figure could not be drawn: {0}")]
pub struct FigureError(String);

impl FigureError {
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// What all figures have.
pub trait Figure {
    /// Width and height in pixels, at scale 1.
    fn size(&self) -> (u32, u32);

    /// Draws all of it.
    ///
    /// # Errors
    /// If the backend fails.
    fn draw<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>) -> Result<(), FigureError>;
}

/// The figure as SVG.
///
/// # Errors
/// If it cannot be drawn.
pub fn svg(figure: &impl Figure) -> Result<String, FigureError> {
    font::register()?;
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, figure.size()).into_drawing_area();
        paint(figure, &root, 1)?;
    }
    Ok(text)
}

/// The figure as PNG, in twice the resolution.
///
/// # Errors
/// If it cannot be drawn.
pub fn png(figure: &impl Figure) -> Result<Vec<u8>, FigureError> {
    const SCALE: u32 = 2;
    font::register()?;
    let (width, height) = figure.size();
    let (width, height) = (width * SCALE, height * SCALE);
    let mut pixels = vec![255; width as usize * height as usize * 3];
    {
        let backend = BitMapBackend::with_buffer(&mut pixels, (width, height));
        paint(figure, &backend.into_drawing_area(), SCALE)?;
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(FigureError::of)?;
    writer.write_image_data(&pixels).map_err(FigureError::of)?;
    writer.finish().map_err(FigureError::of)?;
    Ok(bytes)
}

fn paint<B: DrawingBackend>(
    figure: &impl Figure,
    root: &DrawingArea<B, Shift>,
    scale: u32,
) -> Result<(), FigureError> {
    root.fill(&plotters::style::WHITE)
        .map_err(FigureError::of)?;
    figure.draw(&Sheet::new(root, scale))?;
    root.present().map_err(FigureError::of)
}
