//! A panel: its frame, ticks and labels.

use plotters::backend::DrawingBackend;

use super::super::figure::{Figure, Mark, Panel, WIDTH};
use super::super::style;
use super::canvas::{Align, Canvas, Failed, Weight, text_width};
use super::frame::Frame;
use super::{MARGIN, marks};

const ABOVE: i32 = 26;
const BELOW: i32 = 52;
const LEFT: i32 = 58;
const BETWEEN: i32 = 22;
const TICK: i32 = 14;
const LABEL: i32 = 15;
const TITLE: i32 = 15;

/// Returns the height of a panel with its labels.
pub(super) fn outer_height(figure: &Figure) -> i32 {
    ABOVE + figure.panel_height as i32 + BELOW
}

/// Returns the frame in this column, below the height `top`.
pub(super) fn frame(figure: &Figure, column: i32, top: i32) -> Frame {
    let columns = figure.columns as i32;
    let outer = (WIDTH as i32 - 2 * MARGIN - (columns - 1) * BETWEEN) / columns;
    Frame {
        left: f64::from(MARGIN + column * (outer + BETWEEN) + LEFT),
        top: f64::from(top + ABOVE),
        width: f64::from(outer - LEFT),
        height: f64::from(figure.panel_height),
    }
}

/// Draws a panel.
pub(super) fn draw<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, panel: &Panel, frame: Frame) -> Result<(), Failed> {
    let unit = |v: f64| v.round() as i32;
    let middle = unit(frame.left + frame.width / 2.0);
    ticks(canvas, panel, frame)?;
    for mark in &panel.marks {
        if let Mark::Divider(x, word) = mark {
            divider(canvas, frame, frame.place(panel, (*x, panel.y.lo)).0, word)?;
        }
    }
    let corners = [
        (frame.left, frame.top),
        (frame.left, frame.bottom()),
        (frame.right(), frame.bottom()),
        (frame.right(), frame.top),
        (frame.left, frame.top),
    ];
    canvas.path(&corners, style::FRAME, 1.0)?;
    canvas.text(
        &panel.title,
        (unit(frame.left), unit(frame.top) - 7),
        TITLE,
        Weight::Bold,
        style::INK,
        Align::BOTTOM_LEFT,
    )?;
    let below = (middle, unit(frame.bottom()) + 27);
    canvas.text(&panel.x.label, below, LABEL, Weight::Regular, style::INK, Align::TOP)?;
    let beside = (unit(frame.left) - LEFT, unit(frame.top + frame.height / 2.0));
    canvas.text_upwards(&panel.y.label, beside, LABEL)?;
    marks::draw(canvas, panel, frame)
}

fn ticks<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, panel: &Panel, frame: Frame) -> Result<(), Failed> {
    let places: Vec<_> = panel.x.ticks.iter().map(|(value, _)| frame.place(panel, (*value, panel.y.lo)).0).collect();
    let shown = legible(&places, &panel.x.ticks);
    for ((x, (_, text)), shown) in places.iter().zip(&panel.x.ticks).zip(shown) {
        canvas.path(&[(*x, frame.top), (*x, frame.bottom())], style::GRID, 1.0)?;
        if shown {
            let at = (x.round() as i32, frame.bottom().round() as i32 + 7);
            canvas.text(text, at, TICK, Weight::Regular, style::INK, Align::TOP)?;
        }
    }
    for (value, text) in &panel.y.ticks {
        let (_, y) = frame.place(panel, (panel.x.lo, *value));
        canvas.path(&[(frame.left, y), (frame.right(), y)], style::GRID, 1.0)?;
        let at = (frame.left.round() as i32 - 7, y.round() as i32);
        canvas.text(text, at, TICK, Weight::Regular, style::INK, Align::RIGHT)?;
    }
    Ok(())
}

/// Returns the labels that are shown: the last, and every one, or every second, and so on, such that none touch. Ticks
/// without labels keep their lines.
fn legible(places: &[f64], ticks: &[(f64, String)]) -> Vec<bool> {
    let half = |at: usize| f64::from(text_width(&ticks[at].1, TICK)) / 2.0;
    let apart = |a: usize, b: usize| places[b] - half(b) - places[a] - half(a) > 7.0;
    let Some(last) = ticks.len().checked_sub(1) else { return Vec::new() };
    let chosen = |stride: usize| -> Vec<usize> {
        let mut chosen: Vec<_> = (0..last).step_by(stride).filter(|&at| apart(at, last)).collect();
        chosen.push(last);
        chosen
    };
    let fits = |chosen: &Vec<usize>| chosen.windows(2).all(|pair| apart(pair[0], pair[1]));
    let chosen = (1..=ticks.len()).map(chosen).find(fits).unwrap_or_default();
    (0..ticks.len()).map(|at| chosen.contains(&at)).collect()
}

fn divider<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, frame: Frame, x: f64, word: &str) -> Result<(), Failed> {
    if x > frame.left + 1.0 {
        canvas.path(&[(x, frame.top), (x, frame.bottom())], style::FRAME, 1.0)?;
    }
    let at = (x.round() as i32 + 5, frame.top.round() as i32 + 4);
    canvas.text(word, at, TICK - 1, Weight::Regular, style::GREY, Align::TOP_LEFT)
}
