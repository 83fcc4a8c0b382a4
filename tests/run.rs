//! `run` as a whole, mostly on the plaintext backend and the embedded images: its files, and that no row is lost or
//! mixed in.
#![allow(missing_docs)]

mod common;
#[path = "common/tiny.rs"]
mod tiny;

mod run {
    mod changed;
    mod finished;
    mod large;
    mod outcome;
    mod place;
    mod resources;
    mod shards;
    mod stopped;
}
