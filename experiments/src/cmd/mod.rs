//! The commands: the arguments of each, and the course from them to the output.

pub(crate) mod bench;
pub(crate) mod calibrate;
pub(crate) mod classify;
pub(crate) mod compare;
pub(crate) mod datasets;
pub(crate) mod decrypt;
pub(crate) mod encrypt;
pub(crate) mod evaluate;
pub(crate) mod keygen;
pub(crate) mod model;
pub(crate) mod plan;
pub(crate) mod plot;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod slurm;
pub(crate) mod suite;
pub(crate) mod supervise;
pub(crate) mod tables;
