//! The legend, in lines above the panels.

use plotters::backend::DrawingBackend;

use super::super::figure::{Figure, WIDTH};
use super::super::style;
use super::canvas::{Align, Canvas, Failed, Weight, text_width};
use super::{MARGIN, marks};

const SIZE: i32 = 15;
const LINE: i32 = 24;
const SAMPLE: i32 = 40;
const GAP: i32 = 8;
const BETWEEN: i32 = 26;

/// Returns the left end and the line of each entry.
fn places(figure: &Figure) -> Vec<(i32, i32)> {
    let (mut x, mut line) = (MARGIN, 0);
    let place = |(text, _): &(String, _)| {
        let width = SAMPLE + GAP + text_width(text, SIZE);
        if x > MARGIN && x + width > WIDTH as i32 - MARGIN {
            (x, line) = (MARGIN, line + 1);
        }
        let at = (x, line);
        x += width + BETWEEN;
        at
    };
    figure.legend.iter().map(place).collect()
}

/// Returns the height of the legend.
pub(super) fn height(figure: &Figure) -> i32 {
    places(figure).last().map_or(0, |(_, line)| (line + 1) * LINE)
}

/// Draws the legend below the height `top`.
pub(super) fn draw<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, figure: &Figure, top: i32) -> Result<(), Failed> {
    for ((text, look), (x, line)) in figure.legend.iter().zip(places(figure)) {
        let y = top + line * LINE + LINE / 2;
        marks::sample(canvas, *look, (f64::from(x), f64::from(y)), f64::from(SAMPLE))?;
        canvas.text(text, (x + SAMPLE + GAP, y), SIZE, Weight::Regular, style::INK, Align::LEFT)?;
    }
    Ok(())
}
