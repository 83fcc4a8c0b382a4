//! Areas: bands between lines, and boxes with words in them.

use plotters::backend::DrawingBackend;
use plotters::style::{RGBColor, WHITE};

use super::super::style;
use super::canvas::{Align, Canvas, Failed, Fine, Weight, text_width};

/// Size of a word in a box.
const WORD: i32 = 12;

/// Draws the area between two lines, each given by its places from left to right.
pub(super) fn band<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    ends: impl Iterator<Item = (Fine, Fine)>,
    colour: RGBColor,
) -> Result<(), Failed> {
    let (mut corners, upper): (Vec<Fine>, Vec<Fine>) = ends.unzip();
    corners.extend(upper.into_iter().rev());
    if corners.is_empty() { Ok(()) } else { canvas.polygon(&corners, colour) }
}

/// Draws a box between its lower left and its upper right corner, and the word in it: whole, without its beginning, or not
/// at all. A coloured box has a white rim, another one is white with a grey rim.
pub(super) fn framed<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    [(left, bottom), (right, top)]: [Fine; 2],
    word: &str,
    colour: Option<RGBColor>,
) -> Result<(), Failed> {
    let corners = [(left, top), (left, bottom), (right, bottom), (right, top), (left, top)];
    let (inside, rim) = colour.map_or((WHITE, style::FRAME), |colour| (colour, WHITE));
    canvas.polygon(&corners, inside)?;
    let width = right - left;
    if width > 1.5 {
        canvas.path(&corners, rim, 0.6)?;
    }
    // No word is narrower than this.
    if width < 8.0 {
        return Ok(());
    }
    let ends = std::iter::successors(Some(word), |word| word.split_once(['.', ':']).map(|(_, end)| end.trim_start()));
    let fits = |word: &&str| f64::from(text_width(word, WORD)) + 4.0 <= width;
    let Some(word) = ends.into_iter().find(fits).filter(|word| !word.is_empty()) else { return Ok(()) };
    let at = ((left + width / 2.0).round() as i32, ((top + bottom) / 2.0).round() as i32);
    canvas.text(word, at, WORD, Weight::Regular, style::INK, Align::CENTRE)
}
