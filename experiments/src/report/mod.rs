//! What is told of runs: tables, figures and statistics. It reads records, and runs nothing.

pub mod cost;
pub mod plot;
pub mod source;
pub mod statistics;
pub mod tables;
