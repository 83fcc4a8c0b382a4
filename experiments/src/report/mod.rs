//! Tables, figures and statistics of runs. This tree reads records only.

pub mod cost;
pub mod plot;
pub mod source;
pub mod statistics;
pub mod tables;
