//! The RNS-CKKS scheme (Cheon, Kim, Kim and Song, ePrint 2016/421; Cheon, Han, Kim, Kim and Song, ePrint 2018/931)
//! with hybrid key switching (Han and Ki, ePrint 2019/688).
//!
//! [`Parameters`] are made from a [`ParametersLiteral`] and checked. They hold the ring, the encoder and the
//! [`security`] report. The client has a [`SecretKey`]; the server has an [`Evaluator`] with [`EvaluationKeys`], which
//! contain no secret.
//!
//! The example `multiply_rotate` runs in a second on a small insecure ring:
//! `cargo run --release -p fhe-ckks --example multiply_rotate`.
//!
//! # What is promised, and to whom
//!
//! The [`security`] report estimates ring-LWE against classical attacks, by the tables that it names. Ciphertexts and
//! keys are then indistinguishable from random ones to a server that follows the protocol (IND-CPA). Besides ring-LWE
//! this assumes circular security, as all bootstrapped schemes do: evaluation keys encrypt functions of the secret
//! under itself, and the keys of sparse-secret encapsulation form a cycle of two secrets. Random generators must be
//! cryptographic and their seeds secret.
//!
//! A decrypted result is the message *and the noise*, and noise reveals information about the secret (Li and
//! Micciancio, ePrint 2020/1533). Whoever decrypts must not show results in full precision to others, least of all to
//! the server. No operation floods noise, so IND-CPA^D is not promised. Nor is there any protection against a server
//! that returns other ciphertexts than the requested ones.
//!
//! # Parts that the program does not use
//!
//! [`noise`] derives the bands of the tests and the bounds of the examples.

pub mod ciphertext;
mod client_ring;
pub mod embedding;
pub mod encoder;
pub mod error;
pub mod evaluator;
pub mod extended;
mod key_request;
pub mod keys;
pub mod keyswitch;
pub mod noise;
pub mod params;
pub mod precision;
pub mod scale;
pub mod security;
pub mod serial;
pub mod shape;

pub use ciphertext::{Ciphertext, SeededCiphertext};
pub use encoder::Plaintext;
pub use error::CkksError;
pub use evaluator::Evaluator;
pub use extended::Extended;
pub use key_request::KeyRequest;
pub use keys::{EvaluationKeys, PublicKey, SecretKey, SwitchingKey};
pub use keyswitch::Digits;
pub use noise::Noise;
pub use params::{Parameters, ParametersLiteral};
pub use precision::Precision;
pub use security::SecretDistribution;
pub use serial::{Serial, SerialError};
pub use shape::{KeyKind, KeyShape};
