//! Tables, figures and statistics of runs. This tree reads records only.

pub(crate) mod compare;
pub(crate) mod cost;
pub(crate) mod outcome;
pub(crate) mod plot;
pub(crate) mod source;
pub(crate) mod statistics;
pub(crate) mod tables;
