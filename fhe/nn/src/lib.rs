//! The network: ResNet-(6n+2) for CIFAR-10 (He et al. 2016), in cleartext.
//!
//! [`network`] is the network as data, with batch norm folded away, so that every evaluator walks the same layers.
//! [`weights`] reads it from a safetensors file, [`plain`] evaluates it in cleartext with any [`plain::Activation`],
//! [`ranges`] says on which interval each activation must hold, [`approximation`] what may stand for it there,
//! [`approximant`] how that is evaluated, and [`form`] in what form values come to it. [`encrypted`] is
//! the network on ciphertexts, [`simulated`] the same circuit in cleartext with the noise that ciphertexts were seen to have.

pub mod approximant;
pub mod approximation;
mod chebyshev;
pub mod encrypted;
mod error;
pub mod form;
pub mod network;
pub mod plain;
pub mod ranges;
pub mod simulated;
pub mod weights;

pub use approximant::Approximant;
pub use approximation::Approximation;
pub use error::Error;
pub use form::{Form, Sine};
pub use network::{Block, Conv, Linear, ResNet};
