//! Compares a simulation with the encrypted images that its noise was measured on.

pub(crate) mod agreement;
