//! The rows of the three CSV files, column by column.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A row of one of the files.
pub trait Row: Serialize + DeserializeOwned {
    /// The file's name.
    const FILE: &'static str;
    /// What a row stands for.
    const MEANING: &'static str;
    /// Its columns in order.
    const COLUMNS: &'static [&'static str];
    /// What each of them holds, in the same order.
    const MEANINGS: &'static [&'static str];
}

macro_rules! row {
    ($(#[doc = $doc:literal])+ $name:ident in $file:literal {
        $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty,)*
    }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[doc = $field_doc])+ pub $field: $type,)* }

        impl Row for $name {
            const FILE: &'static str = $file;
            const MEANING: &'static str = concat!($($doc),+);
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];
            const MEANINGS: &'static [&'static str] = &[$(concat!($($field_doc),+)),*];
        }
    };
}

row! {
    /// A case: one cell of the sweep, over all its images. Written when the last of them is done.
    CaseRow in "cases.csv" {
        /// `encrypted-65536-chebyshev:59-fused`: backend, ring dimension, activation, packing.
        case: String,
        /// `encrypted`, `plain`, `simulated`, or `simulated with noise of …` where the noise is another case's.
        backend: String,
        /// N; empty for `plain`, which has no ring.
        ring_dim: Option<usize>,
        /// log2 of all main and special primes.
        log_qp: Option<f64>,
        /// The largest `log_qp` that is secure at 128 bits, by the table that decides.
        log_qp_limit: Option<f64>,
        /// Bits of security; 0 below 128, and then the case's name ends in `-insecure`.
        security: Option<u32>,
        /// `chebyshev:59`, or `exact`.
        relu: String,
        /// The packing; empty for `plain`.
        packing: Option<String>,
        /// Images that the row tells of, those that failed included.
        images: usize,
        /// Images whose evaluation failed: nothing came out. Nothing here counts them.
        failed: usize,
        /// Images whose class is their label: none that was evaluated to logits that are no numbers.
        correct: usize,
        /// `correct` over the images that did not fail.
        accuracy: Option<f64>,
        /// 95 % Wilson interval of `accuracy`: lower end.
        accuracy_lo: Option<f64>,
        /// The same: upper end.
        accuracy_hi: Option<f64>,
        /// Of the plaintext model with exact ReLUs, on the same images.
        plain_accuracy: Option<f64>,
        /// Of the plaintext model with the same polynomials, on the same images.
        polynomial_accuracy: Option<f64>,
        /// Share of images with the class of the plaintext model with exact ReLUs.
        agreement: Option<f64>,
        /// Images with another class than the plaintext model with exact ReLUs, or none.
        flips: usize,
        /// Images with another class than the plaintext model with the same polynomials, or none where that has one.
        polynomial_flips: usize,
        /// Exact two-sided McNemar test of this case against the plaintext model with exact ReLUs.
        mcnemar_p: Option<f64>,
        /// Median seconds of evaluating a ciphertext: an image, or as many as it holds.
        latency_s: Option<f64>,
        /// Half the distance of the quartiles of these seconds.
        latency_spread_s: Option<f64>,
        /// Median of an evaluation's seconds over the images that shared its ciphertext: what an image costs where many wait.
        amortised_s: Option<f64>,
        /// What the harness adds to an encrypted image: `overhead_s` of the images over `encrypt_s`, `latency_s`, `decrypt_s`.
        overhead: Option<f64>,
        /// Seconds that `plan` foresaw.
        predicted_latency_s: Option<f64>,
        /// Seconds of generating keys and constants.
        keygen_s: Option<f64>,
        /// Bytes of the evaluation keys.
        key_bytes: Option<u64>,
        /// Bytes of the encoded bootstrapping constants.
        constant_bytes: Option<u64>,
        /// The process's high-water mark of resident memory.
        peak_rss_bytes: Option<u64>,
        /// The peak that `plan` foresaw.
        predicted_bytes: Option<u64>,
        /// −log2 of the largest logit error over all images, against the plaintext model with the same polynomials; empty
        /// where the logits of one are no numbers.
        precision_bits: Option<f64>,
        /// Why the case could not be run; its counts are 0 then.
        error: Option<String>,
    }
}

impl CaseRow {
    /// Whether it has less than 128 bits of security.
    pub fn is_insecure(&self) -> bool {
        self.security == Some(0)
    }
}

row! {
    /// An image of a case.
    ImageRow in "images.csv" {
        /// The case's name.
        case: String,
        /// Index in the test set.
        image: usize,
        /// Its class by the data set.
        label: u8,
        /// Its class by the plaintext model with exact ReLUs.
        exact_class: usize,
        /// Its class by the plaintext model with the same polynomials; empty where those ended beyond all numbers.
        plain_class: Option<usize>,
        /// Its class as this case has it; empty where the evaluation failed, or its logits are no numbers.
        class: Option<usize>,
        /// Largest exact logit minus the second largest: how near the image is to a flip.
        margin: f64,
        /// Images that shared its ciphertext, itself among them; the seconds here are those of all.
        batch: Option<usize>,
        /// Seconds of encryption.
        encrypt_s: Option<f64>,
        /// Seconds of evaluation.
        latency_s: Option<f64>,
        /// Seconds of decryption.
        decrypt_s: Option<f64>,
        /// Seconds of looking at every layer, where `trace` asks for it: outside of all others.
        trace_s: Option<f64>,
        /// Seconds from the rows of the image before to this one's that are none of these: the plaintext models, files.
        overhead_s: Option<f64>,
        /// Largest logit error against the plaintext model with the same polynomials.
        max_abs_error: Option<f64>,
        /// −log2 of `max_abs_error`.
        precision_bits: Option<f64>,
        /// Values outside the interval of their activation, over all layers, in cleartext.
        overflow: Option<usize>,
        /// What went wrong.
        error: Option<String>,
    }
}

impl ImageRow {
    /// Whether its evaluation came to an end, be it with logits that are no numbers.
    pub fn evaluated(&self) -> bool {
        self.overflow.is_some()
    }
}

row! {
    /// An image by the plaintext model with exact ReLUs, before any case: what the preflight check looks at.
    ExactRow in "exact.csv" {
        /// Index in the test set.
        image: usize,
        /// Its class by the data set.
        label: u8,
        /// Its class by the model.
        class: usize,
        /// Largest logit minus the second largest.
        margin: f64,
    }
}

row! {
    /// A step of the evaluation of an image.
    LayerRow in "layers.csv" {
        /// The case's name.
        case: String,
        /// Index in the test set.
        image: usize,
        /// PyTorch's name of the layer.
        layer: String,
        /// `convolution`, `bootstrap`, `activation`, `classifier`.
        op: String,
        /// Level of the result.
        level: Option<usize>,
        /// Seconds of this step.
        latency_s: Option<f64>,
        /// Resident memory after it, in bytes.
        rss_bytes: Option<u64>,
        /// Largest error against the plaintext model with the same polynomials.
        max_abs_error: Option<f64>,
        /// Mean error against the plaintext model with the same polynomials.
        mean_abs_error: Option<f64>,
        /// −log2 of `max_abs_error`.
        precision_bits: Option<f64>,
        /// The paper's own measure: 1 − Σ|v − v'| / Σ|v|, of encrypted values v' against the polynomial model's v.
        paper_precision: Option<f64>,
        /// Largest error of the polynomial model against the one with exact ReLUs.
        approximation_max_error: Option<f64>,
        /// Mean error of the polynomial model against the one with exact ReLUs.
        approximation_mean_error: Option<f64>,
        /// Values outside the activation's interval.
        overflow: Option<usize>,
        /// Of a bootstrap alone: −log2 of the largest deviation from what it was given, over the half-width of the interval.
        own_precision_bits: Option<f64>,
    }
}
