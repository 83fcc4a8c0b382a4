//! ResNets for CIFAR-10 (He et al. 2016): in the clear, encrypted, and simulated.
//!
//! [`network`] is the network as data, with batch norm folded away, and the one list of layers that every encrypted
//! evaluation is derived from. [`weights`] reads it from a safetensors file, and [`plain`] evaluates it in the clear
//! with any [`plain::Activation`]: this is the reference that everything else is compared with.
//!
//! Under encryption a polynomial replaces ReLU. [`approximation`] names the polynomials, [`ranges`] gives the interval
//! on which each activation must hold, [`approximant`] evaluates the polynomial, and [`form`] describes how slots hold
//! its input. [`encrypted`] is the network on ciphertexts: a [`Circuit`](encrypted::Circuit) (parameters and levels), a
//! [`Program`](encrypted::Program) (network and circuit), a [`Client`](encrypted::Client) and a
//! [`Server`](encrypted::Server). [`simulated`] is the same circuit in the clear, with the noise that was measured
//! under encryption.

pub mod approximant;
pub mod approximation;
mod chebyshev;
pub mod encrypted;
mod error;
mod file;
pub mod form;
pub mod network;
pub mod plain;
pub mod ranges;
mod shortcut;
pub mod simulated;
mod wave;
pub mod weights;

pub use approximant::Approximant;
pub use approximation::Approximation;
pub use error::Error;
pub use form::{Form, Sine};
pub use network::{Block, Conv, Linear, ResNet};
