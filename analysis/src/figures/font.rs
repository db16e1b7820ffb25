//! The font of all figures: DejaVu Sans, embedded, so that a figure needs nothing of the machine
//! it is drawn on (licence in `fonts/LICENSE`).

use std::sync::OnceLock;

use plotters::style::{FontStyle, register_font};

use super::FigureError;

/// The name it goes by, in SVG too: a reader without it takes its own.
pub(super) const FAMILY: &str = "sans-serif";

static DEJAVU_SANS: &[u8] = include_bytes!("../../fonts/DejaVuSans.ttf");

/// Makes the font known; without it no text can be measured, not even for SVG.
pub(super) fn register() -> Result<(), FigureError> {
    static DONE: OnceLock<bool> = OnceLock::new();
    let known = *DONE.get_or_init(|| register_font(FAMILY, FontStyle::Normal, DEJAVU_SANS).is_ok());
    if known {
        Ok(())
    } else {
        Err(FigureError::of("the embedded font is not a font"))
    }
}
