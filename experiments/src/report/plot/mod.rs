//! Figures of runs, as SVG and PNG.

mod axis;
pub(crate) mod draw;
pub(crate) mod figure;
pub(crate) mod kinds;
mod series;
pub(crate) mod spec;
mod style;
