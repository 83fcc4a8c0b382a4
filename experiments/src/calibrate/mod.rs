//! Holds a simulation against the encrypted images that its noise was taken from.

pub mod agreement;
