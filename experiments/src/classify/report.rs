//! The report of an image: the shape of the JSON, and the source of the tables.

use serde::Serialize;

use crate::case::Described;
use crate::session::Layer;
use crate::verdict::Outside;

/// The report of an image.
#[derive(Serialize)]
pub(crate) struct Report {
    pub image: String,
    /// Images that a ciphertext holds; seconds are those of all.
    pub batch: usize,
    /// `None` if the logits have no class; `no_class` says why.
    pub class: Option<usize>,
    pub class_name: Option<String>,
    /// The names of all classes, for the table.
    #[serde(skip)]
    pub classes: Vec<String>,
    /// Why the image has no class; `None` if it has one.
    pub no_class: Option<String>,
    /// Activations of the plaintext model with the same polynomials that have values outside their intervals.
    pub outside_intervals: Vec<Outside>,
    pub label: Option<u16>,
    /// Class by the plaintext model with the same polynomials; `None` if its values left their intervals.
    pub plain_class: Option<usize>,
    /// Class by the plaintext model with exact ReLUs.
    pub exact_class: Option<usize>,
    /// Rounded to `digits` decimals.
    pub logits: Vec<f64>,
    /// Decimals of `logits`.
    pub digits: usize,
    /// Logits of the plaintext model with the same polynomials.
    pub plain_logits: Vec<f64>,
    /// Distance of each decrypted logit from the plaintext model's, to one significant digit.
    pub logit_errors: Vec<f64>,
    pub max_abs_error: f64,
    /// −log2 of the largest error; `None` if that is 0, infinite or NaN.
    pub precision_bits: Option<f64>,
    pub seconds: Seconds,
    pub layers: Vec<Layer>,
    pub peak_rss_bytes: Option<u64>,
    pub key_bytes: usize,
    pub constant_bytes: usize,
    pub predicted_bytes: usize,
    pub params: Described,
}

/// Seconds by part. Key generation includes the encoding of the bootstrapping constants.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Seconds {
    pub keygen: f64,
    pub encrypt: f64,
    pub evaluate: f64,
    pub decrypt: f64,
}
