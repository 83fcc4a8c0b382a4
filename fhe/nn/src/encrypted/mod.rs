//! The network on ciphertexts.
//!
//! [`layout`] says where values stand among the slots and turns convolutions into matrices, [`matvec`] multiplies an
//! encrypted vector by one, [`packing`] makes layers of both. [`circuit`] chooses parameters and levels by a [`profile`], [`schedule`]
//! walks the network's steps and counts what they cost, and [`server`] evaluates them. [`memory`] predicts how much room
//! that takes, [`activation`] is what activations are in the clear.

pub mod activation;
pub mod circuit;
pub mod client;
mod layers;
pub mod layout;
pub mod matvec;
pub mod memory;
pub mod packing;
pub mod profile;
#[cfg(test)]
mod replay;
pub mod schedule;
pub mod server;
pub mod slot_matrix;
#[cfg(test)]
pub(crate) mod tests;

pub use activation::ClearActivation;
pub use circuit::Circuit;
pub use client::Client;
pub use memory::Memory;
pub use packing::Packing;
pub use profile::Profile;
pub use schedule::ScheduledStep;
pub use server::{Op, Program, Server, StepInfo};
