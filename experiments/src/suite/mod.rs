//! A submission to the FHE Benchmarking Suite: its folder, and the stages that the suite's harness calls.

pub(crate) mod install;
mod pixels;
pub(crate) mod stage;
mod submission;
