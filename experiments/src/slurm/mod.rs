//! A run on a cluster under Slurm: its cases in array jobs, a job that joins their rows, and what became of each task.
//!
//! A run's folder then holds `slurm/`: the plan, the scripts, a copy of the program, a journal of the jobs, the tasks' logs, and
//! a folder of rows for each task.

pub(crate) mod demand;
pub(crate) mod duration;
mod folder;
mod journal;
pub(crate) mod layout;
pub(crate) mod merge;
mod queue;
mod script;
pub(crate) mod status;
pub(crate) mod submit;
pub(crate) mod task;
pub(crate) mod template;

pub(crate) use folder::Planned;
pub(crate) use script::Asked;
