//! The commands: the arguments of each, and the course from them to the output.

pub mod bench;
pub mod calibrate;
pub mod classify;
pub mod datasets;
pub mod model;
pub mod plan;
pub mod plot;
pub mod run;
pub mod tables;
