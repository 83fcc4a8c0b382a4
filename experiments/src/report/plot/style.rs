//! Colours and fonts.

use std::sync::Once;

use plotters::style::{FontStyle, RGBColor, register_font};

/// The palette of Okabe and Ito, which colour-blind readers can distinguish, in the order of series. Its yellow is left
/// out, because it is too light for lines on white.
pub(super) const PALETTE: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

/// Black.
pub(super) const BLACK: usize = 6;
/// The colour of text.
pub(super) const INK: RGBColor = RGBColor(34, 34, 34);
/// Captions.
pub(super) const GREY: RGBColor = RGBColor(96, 96, 96);
/// The frame.
pub(super) const FRAME: RGBColor = RGBColor(120, 120, 120);
/// Lines at the ticks.
pub(super) const GRID: RGBColor = RGBColor(228, 228, 228);

/// The font as SVG viewers look for it; the first is the one embedded here for PNG and for measuring.
pub(super) const FAMILY: &str = "Source Sans 3, Source Sans Pro, Helvetica, Arial, sans-serif";

/// Height of the embedded font from its highest to its lowest stroke, over the height that SVG is told: the bitmap
/// backend sizes by the one, the SVG backend by the other.
pub(super) const LINE_PER_EM: f64 = 1.424 / 1.24;

const REGULAR: &[u8] = include_bytes!("../../../assets/fonts/SourceSans3-Regular.ttf");
const SEMIBOLD: &[u8] = include_bytes!("../../../assets/fonts/SourceSans3-SemiBold.ttf");

/// Makes the embedded fonts known, once.
pub(super) fn register_fonts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (style, bytes) in [(FontStyle::Normal, REGULAR), (FontStyle::Bold, SEMIBOLD)] {
            assert!(register_font(FAMILY, style, bytes).is_ok(), "the embedded fonts are fonts");
        }
    });
}
