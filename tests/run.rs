//! `run` as a whole, mostly on the plaintext backend and the embedded images: its files, and that no row is lost or
//! mixed in.
#![allow(missing_docs)]

mod common;
#[path = "common/npy.rs"]
mod npy;
#[path = "common/tiny.rs"]
mod tiny;

mod run {
    mod changed;
    mod finished;
    mod large;
    mod outcome;
    mod own_images;
    mod place;
    mod profiles;
    mod resources;
    mod shards;
    mod stopped;
}
