//! The network on ciphertexts.
//!
//! From the ground up: [`interleave`] puts several images into a ciphertext. [`layout`] gives values their places among
//! the slots and turns convolutions into matrices ([`slot_matrix`]), which [`matvec`] multiplies by encrypted vectors.
//! [`packing`] makes convolutions of that, and [`circuit`] chooses parameters and levels by a [`profile`]. [`program`]
//! is the network as planned layers with the one loop over them; [`placement`] chooses where they are
//! bootstrapped. [`server`] runs it on ciphertexts, [`schedule`] on levels,
//! which predicts steps, keys and [`memory`] for each way of [`holding`] them. The [`client`] holds the secret, and needs to know the [`interface`] only.

mod activation;
pub mod circuit;
pub mod client;
#[cfg(test)]
mod generality;
pub mod holding;
pub mod interface;
pub mod interleave;
pub mod layout;
mod linear;
pub mod matvec;
pub mod memory;
pub mod packing;
mod parts;
pub mod placement;
pub mod profile;
pub mod program;
#[cfg(test)]
mod replay;
pub mod schedule;
pub mod server;
pub mod slot_matrix;
pub(crate) mod slots;
#[cfg(test)]
pub(crate) mod tests;

pub use circuit::Circuit;
pub use client::{Client, Observer};
pub use holding::{ConstantPlace, Holding, KeyPlace};
pub use interface::Interface;
pub use memory::{Memory, Needs};
pub use packing::Packing;
pub use placement::{BootstrapPlace, Place};
pub use profile::{Profile, Remainder, Transform};
pub use program::{PlannedLayer, Program, StepInfo};
pub use schedule::{Plan, ScheduledStep};
pub use server::{ConstantsError, Server, write_constants};

pub use crate::network::Op;
