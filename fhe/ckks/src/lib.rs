//! The RNS-CKKS scheme (Cheon, Kim, Kim and Song, ePrint 2016/421; Cheon, Han, Kim, Kim and Song, ePrint 2018/931)
//! with hybrid key switching (Han and Ki, ePrint 2019/688).
//!
//! A [`ParametersLiteral`] becomes checked [`Parameters`], which hold
//! the ring, the encoder and the [`security`] report. The client has a [`SecretKey`]; the server an
//! [`Evaluator`] over [`EvaluationKeys`], which hold no secret.

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
pub mod security;
pub mod serial;

pub use ciphertext::Ciphertext;
pub use encoder::Plaintext;
pub use error::CkksError;
pub use evaluator::Evaluator;
pub use keys::{EvaluationKeys, KeyKind, KeyRequest, PublicKey, SecretKey, SwitchingKey};
pub use keyswitch::Digits;
pub use noise::Noise;
pub use params::{KeyShape, Parameters, ParametersLiteral};
pub use precision::Precision;
pub use security::SecretDistribution;
pub use serial::{Serial, SerialError};
