//! Runs an experiment config, case by case and image by image.

mod append;
pub mod columns;
mod engine;
mod folder;
pub mod merge;
mod preflight;
mod progress;
mod recover;
mod rows;
mod selection;
pub mod shard;
pub mod start;
mod store;
mod summary;
mod sweep;
pub mod tally;
