//! The network on ciphertexts.
//!
//! [`layout`] says where values stand among the slots and turns convolutions into matrices, [`matvec`] multiplies an
//! encrypted vector by one, [`circuit`] chooses parameters and levels, and [`server`] evaluates the network.

pub mod circuit;
pub mod client;
pub mod layout;
pub mod matvec;
pub mod server;

pub use circuit::Circuit;
pub use client::Client;
pub use server::{Op, Program, Server, StepInfo};
