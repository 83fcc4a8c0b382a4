//! The commands: the arguments of each, and its course from them to what it prints.

pub mod bench;
pub mod calibrate;
pub mod classify;
pub mod datasets;
pub mod plan;
pub mod plot;
pub mod run;
pub mod tables;
