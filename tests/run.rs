//! `run` as a whole, mostly on the plaintext backend and the embedded images: its files, and that no row is lost or
//! mixed in.
#![allow(missing_docs)]

mod common;

mod run {
    mod changed;
    mod finished;
    mod large;
    mod outcome;
    mod place;
    mod shards;
    mod stopped;
}
