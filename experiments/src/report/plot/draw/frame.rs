//! The frame of a panel: where its values are drawn.

use super::super::figure::Panel;

/// The frame in units.
#[derive(Clone, Copy)]
pub struct Frame {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Frame {
    /// Where a value stands.
    pub fn place(&self, panel: &Panel, (x, y): (f64, f64)) -> (f64, f64) {
        (self.left + self.width * panel.x.place(x), self.top + self.height * (1.0 - panel.y.place(y)))
    }

    /// Its right end.
    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Its bottom.
    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }
}
