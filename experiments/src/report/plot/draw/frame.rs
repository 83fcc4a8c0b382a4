//! The frame of a panel, in which its values are drawn.

use super::super::figure::Panel;

/// A rectangle in units.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Frame {
    /// Returns the place of a value.
    pub(super) fn place(&self, panel: &Panel, (x, y): (f64, f64)) -> (f64, f64) {
        (self.left + self.width * panel.x.place(x), self.top + self.height * (1.0 - panel.y.place(y)))
    }

    /// Returns its right end.
    pub(super) fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Returns its bottom.
    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }
}
