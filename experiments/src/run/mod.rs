//! Runs an experiment config, case by case and image by image.

pub(crate) mod answers;
mod append;
pub(crate) mod columns;
mod engine;
mod folder;
pub(crate) mod merge;
mod parts;
mod preflight;
mod progress;
mod recover;
mod rewrite;
mod rows;
mod selection;
pub(crate) mod shard;
pub(crate) mod start;
mod store;
mod summary;
mod sweep;
pub(crate) mod tally;
