//! An experiment config, case by case and image by image.

pub mod columns;
mod engine;
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
