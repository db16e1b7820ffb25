//! Colours that people with any common colour blindness tell apart (Okabe and Ito, 2008), and
//! dashes for when colours run out or a page is printed in grey.

use plotters::style::RGBColor;

const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
];

/// Text that is not the matter itself.
pub(super) const QUIET: RGBColor = RGBColor(90, 90, 90);
/// Lines behind the data.
pub(super) const GRID: RGBColor = RGBColor(225, 225, 225);

/// The colour of the `index`-th series.
pub(super) const fn colour(index: usize) -> RGBColor {
    COLOURS[index % COLOURS.len()]
}
