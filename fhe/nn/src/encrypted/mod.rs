//! The network on ciphertexts.
//!
//! [`layout`] says where values stand among the slots and turns convolutions into matrices, [`matvec`] multiplies an
//! encrypted vector by one, [`packing`] makes layers of both. [`circuit`] chooses parameters and levels, [`schedule`]
//! walks the network's steps and counts what they cost, and [`server`] evaluates them. [`memory`] predicts how much room
//! that takes, and [`activation`] says what polynomials stand for the activations.

pub mod activation;
pub mod circuit;
pub mod client;
mod layers;
pub mod layout;
pub mod matvec;
pub mod memory;
pub mod packing;
#[cfg(test)]
mod replay;
pub mod schedule;
pub mod server;
#[cfg(test)]
pub(crate) mod tests;

pub use activation::ClearActivation;
pub use circuit::{Circuit, Form};
pub use client::Client;
pub use memory::Memory;
pub use packing::Packing;
pub use schedule::ScheduledStep;
pub use server::{Op, Program, Server, StepInfo};
