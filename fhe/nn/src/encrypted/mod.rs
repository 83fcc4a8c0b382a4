//! The network on ciphertexts.
//!
//! [`layout`] says where values stand among the slots and turns convolutions into matrices, [`matvec`] multiplies an
//! encrypted vector by one, [`circuit`] chooses parameters and levels, [`schedule`] walks the network's steps and counts
//! what they cost, and [`server`] evaluates them. [`memory`] predicts how much room that takes.

pub mod circuit;
pub mod client;
pub mod layout;
pub mod matvec;
pub mod memory;
#[cfg(test)]
mod replay;
pub mod schedule;
pub mod server;
#[cfg(test)]
pub(crate) mod tests;

pub use circuit::Circuit;
pub use client::Client;
pub use memory::Memory;
pub use schedule::ScheduledStep;
pub use server::{Op, Program, Server, StepInfo};
