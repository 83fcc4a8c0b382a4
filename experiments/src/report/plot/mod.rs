//! Figures of runs, as SVG and PNG.

mod axis;
pub mod draw;
pub mod figure;
pub mod kinds;
mod series;
pub mod spec;
mod style;
