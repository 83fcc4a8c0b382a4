//! The network: ResNet-(6n+2) for CIFAR-10 (He et al. 2016), in cleartext.
//!
//! [`network`] is the network as data, with batch norm folded away, so that every evaluator walks the same layers.
//! [`weights`] reads it from a safetensors file, [`plain`] evaluates it in cleartext with any [`plain::Activation`],
//! [`ranges`] says on which interval each activation must hold, and [`chebyshev`] puts a polynomial there. [`encrypted`] is
//! the network on ciphertexts, [`simulated`] the same circuit in cleartext with the noise that ciphertexts were seen to have.

pub mod chebyshev;
pub mod encrypted;
mod error;
pub mod network;
pub mod plain;
pub mod ranges;
pub mod simulated;
pub mod weights;

pub use error::Error;
pub use network::{Block, Conv, Linear, ResNet};
