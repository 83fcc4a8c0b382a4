//! What is said of an image: the shape of the JSON, and the source of the tables.

use fhe_ckks::Ciphertext;
use fhe_nn::encrypted::{Client, Op, StepInfo};
use fhe_nn::plain;
use serde::Serialize;

use crate::case::Described;

/// An image's result.
#[derive(Serialize)]
pub struct Report {
    pub image: String,
    pub class: usize,
    pub class_name: &'static str,
    pub label: Option<u8>,
    /// Of the plaintext model with the same polynomials.
    pub plain_class: Option<usize>,
    /// Of the plaintext model with exact ReLUs.
    pub exact_class: Option<usize>,
    pub logits: Vec<f64>,
    pub plain_logits: Vec<f64>,
    pub max_abs_error: f64,
    /// −log2 of the largest error; `None` where there is none to speak of.
    pub precision_bits: Option<f64>,
    pub seconds: Seconds,
    pub layers: Vec<Layer>,
    pub peak_rss_bytes: Option<u64>,
    pub key_bytes: usize,
    pub constant_bytes: usize,
    pub predicted_bytes: usize,
    pub params: Described,
}

/// Where the time went. Key generation includes the encoding of the bootstrapping constants.
#[derive(Clone, Copy, Serialize)]
pub struct Seconds {
    pub keygen: f64,
    pub encrypt: f64,
    pub evaluate: f64,
    pub decrypt: f64,
}

/// A step of the evaluation.
#[derive(Serialize)]
pub struct Layer {
    pub layer: String,
    pub op: &'static str,
    /// Level of the result.
    pub level: usize,
    pub seconds: f64,
    /// Resident memory after the step.
    pub rss_bytes: Option<u64>,
    pub max_abs_error: Option<f64>,
    pub mean_abs_error: Option<f64>,
    pub precision_bits: Option<f64>,
}

/// The deviation of encrypted values from clear ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deviation {
    pub max: f64,
    pub mean: f64,
}

impl Deviation {
    /// Between two vectors. A NaN on either side makes it NaN.
    pub fn between(found: &[f64], expected: &[f64]) -> Self {
        let errors = || found.iter().zip(expected).map(|(f, e)| (f - e).abs());
        let max = errors().fold(0.0, |max: f64, error| if error.is_nan() { error } else { max.max(error) });
        Self { max, mean: errors().sum::<f64>() / expected.len() as f64 }
    }

    /// Of a step's result; `None` where the plaintext model has no such step.
    pub fn of_step(client: &Client, step: &StepInfo, result: &Ciphertext, clear: &[plain::Step]) -> Option<Self> {
        let expected = &clear.iter().find(|known| known.name == step.layer)?.output.data;
        Some(Self::between(&client.look(step, result), expected))
    }

    /// −log2 of the largest error, where that is a number.
    pub fn bits(self) -> Option<f64> {
        (self.max > 0.0 && self.max.is_finite()).then(|| -self.max.log2())
    }
}

/// The name of an operation, as in tables and files.
pub fn op_name(op: Op) -> &'static str {
    match op {
        Op::Convolution => "convolution",
        Op::Bootstrap => "bootstrap",
        Op::Activation => "activation",
        Op::Classifier => "classifier",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_and_no_number_have_no_bits() {
        assert_eq!(Deviation::between(&[1.0], &[1.0]).bits(), None);
        assert_eq!(Deviation::between(&[f64::NAN, 0.0], &[1.0, 0.0]).bits(), None);
        assert_eq!(Deviation::between(&[1.0, 0.5], &[1.0, 1.0]).bits(), Some(1.0));
    }
}
