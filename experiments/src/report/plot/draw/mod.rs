//! Draws a figure on any of plotters' backends.

mod areas;
mod canvas;
mod frame;
mod legend;
mod marks;
mod panel;

use canvas::{Align, Canvas, Failed, Weight};
pub(crate) use canvas::{png, svg};
use plotters::backend::DrawingBackend;

use super::figure::{Figure, Mark, Panel, Spot, WIDTH};
use super::style;

const MARGIN: i32 = 18;
const TITLE: i32 = 21;
const CAPTION: i32 = 14;
const CAPTION_LINE: i32 = 19;

/// The top of the panels and the height of the figure.
struct Layout {
    legend_top: i32,
    panels_top: i32,
    height: i32,
}

impl Layout {
    fn new(figure: &Figure) -> Self {
        let caption = wrapped(figure).len() as i32 * CAPTION_LINE;
        let legend_top = MARGIN + TITLE + 8 + caption + 6;
        let panels_top = legend_top + legend::height(figure) + 6;
        let rows = figure.panels.len().div_ceil(figure.columns) as i32;
        Self { legend_top, panels_top, height: panels_top + rows * panel::outer_height(figure) + MARGIN / 2 }
    }
}

impl Layout {
    /// Returns the panels, each with its frame.
    fn panels<'a>(&self, figure: &'a Figure) -> impl Iterator<Item = (&'a Panel, frame::Frame)> {
        let top = self.panels_top;
        figure.panels.iter().enumerate().map(move |(index, one)| {
            let (row, column) = ((index / figure.columns) as i32, (index % figure.columns) as i32);
            (one, panel::frame(figure, column, top + row * panel::outer_height(figure)))
        })
    }
}

/// Returns the caption, broken into lines as wide as the figure.
fn wrapped(figure: &Figure) -> Vec<String> {
    let room = WIDTH as i32 - 2 * MARGIN;
    let mut lines = Vec::new();
    for text in &figure.caption {
        let mut line = String::new();
        for word in text.split(' ') {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if canvas::text_width(&longer, CAPTION) > room && !line.is_empty() {
                lines.push(std::mem::replace(&mut line, word.to_owned()));
            } else {
                line = longer;
            }
        }
        lines.push(line);
    }
    lines
}

fn figure<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, figure: &Figure) -> Result<(), Failed> {
    let layout = Layout::new(figure);
    canvas.text(&figure.title, (MARGIN, MARGIN), TITLE, Weight::Bold, style::INK, Align::TOP_LEFT)?;
    for (index, line) in wrapped(figure).iter().enumerate() {
        let top = MARGIN + TITLE + 8 + index as i32 * CAPTION_LINE;
        canvas.text(line, (MARGIN, top), CAPTION, Weight::Regular, style::GREY, Align::TOP_LEFT)?;
    }
    legend::draw(canvas, figure, layout.legend_top)?;
    for (one, frame) in layout.panels(figure) {
        panel::draw(canvas, one, frame)?;
    }
    Ok(())
}

/// Returns the places of a figure that have words for readers who point there.
pub(crate) fn spots(figure: &Figure) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (panel, frame) in Layout::new(figure).panels(figure) {
        for mark in &panel.marks {
            let Mark::Hover(points, look) = mark else { continue };
            spots.extend(points.iter().map(|(x, y, text)| {
                let (x, y) = frame.place(panel, (*x, *y));
                Spot { x: x + f64::from(look.aside), y, text: text.clone() }
            }));
        }
    }
    spots
}
