//! The RNS-CKKS scheme (Cheon, Kim, Kim and Song, ePrint 2016/421; Cheon, Han, Kim, Kim and Song, ePrint 2018/931)
//! with hybrid key switching (Han and Ki, ePrint 2019/688).
//!
//! A [`ParametersLiteral`] becomes checked [`Parameters`], which hold
//! the ring, the encoder and the [`security`] report. The client has a [`SecretKey`]; the server an
//! [`Evaluator`] over [`EvaluationKeys`], which hold no secret.
//!
//! # What is promised, and to whom
//!
//! The [`security`] report is of ring-LWE against classical attacks, by the tables it names: ciphertexts and keys are
//! indistinguishable from random ones to a server that follows the protocol (IND-CPA). Beside ring-LWE this assumes
//! circular security, as all bootstrapped schemes do: evaluation keys encrypt functions of the secret under itself, and
//! the two of sparse-secret encapsulation a cycle of two secrets. Generators must be cryptographic and their seeds secret.
//!
//! A decrypted result is the message *and the noise*, and noise tells of the secret (Li and Micciancio, ePrint 2020/1533):
//! who decrypts must not show results in full precision to others, the server above all. Nothing here floods noise, so
//! IND-CPA^D is not promised; nor is anything against a server that returns other ciphertexts than it was asked for.

pub mod ciphertext;
pub mod embedding;
pub mod encoder;
pub mod error;
pub mod evaluator;
pub mod keys;
pub mod keyswitch;
pub mod noise;
pub mod params;
pub mod precision;
pub mod scale;
pub mod security;
pub mod serial;
pub mod shape;

pub use ciphertext::Ciphertext;
pub use encoder::Plaintext;
pub use error::CkksError;
pub use evaluator::Evaluator;
pub use keys::{EvaluationKeys, KeyRequest, PublicKey, SecretKey, SwitchingKey};
pub use keyswitch::Digits;
pub use noise::Noise;
pub use params::{Parameters, ParametersLiteral};
pub use precision::Precision;
pub use security::SecretDistribution;
pub use serial::{Serial, SerialError};
pub use shape::{KeyKind, KeyShape};
