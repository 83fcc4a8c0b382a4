//! The rows of the CSV files, column by column.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A row of one of the files.
pub trait Row: Serialize + DeserializeOwned {
    /// The name of the file.
    const FILE: &'static str;
    /// What a row describes.
    const MEANING: &'static str;
    /// The names of the columns in order.
    const COLUMNS: &'static [&'static str];
    /// What each column holds, in the same order.
    const MEANINGS: &'static [&'static str];
    /// How many of the last columns are missing in files of earlier programs. Their fields are optional.
    const ADDED: usize;
}

macro_rules! row {
    ($(#[doc = $doc:literal])+ $name:ident in $file:literal, of which $added:literal added {
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
            const ADDED: usize = $added;
        }
    };
}

row! {
    /// A case: one combination of the sweep, over all its images. `run` writes it after the last of them.
    CaseRow in "cases.csv", of which 1 added {
        /// Name of the case, such as `encrypted-65536-chebyshev:59-fused`: backend, ring dimension, activation,
        /// packing.
        case: String,
        /// `encrypted`, `plain`, `simulated`, or `simulated with noise of …` if the noise was measured on another case.
        backend: String,
        /// Ring dimension N; empty for `plain`, which has no ring.
        ring_dim: Option<usize>,
        /// log2 of the product of all main and special primes.
        log_qp: Option<f64>,
        /// The largest `log_qp` with 128 bits of security, by the strictest table.
        log_qp_limit: Option<f64>,
        /// Bits of security. Below 128 it is 0, and the case's name ends in `-insecure`.
        security: Option<u32>,
        /// The activation: `chebyshev:59`, or `exact`.
        relu: String,
        /// The packing; empty for `plain`.
        packing: Option<String>,
        /// Images evaluated, including the failed ones.
        images: usize,
        /// Images whose evaluation failed: an error gave no logits. No other count includes them.
        failed: usize,
        /// Images whose class is their label. An image without a class is not among them.
        correct: usize,
        /// `correct` over the images that did not fail.
        accuracy: Option<f64>,
        /// Lower end of the 95 % Wilson interval of `accuracy`.
        accuracy_lo: Option<f64>,
        /// Upper end of the 95 % Wilson interval of `accuracy`.
        accuracy_hi: Option<f64>,
        /// Accuracy of the plaintext model with exact ReLUs, on the same images.
        plain_accuracy: Option<f64>,
        /// Accuracy of the plaintext model with the same polynomials, on the same images.
        polynomial_accuracy: Option<f64>,
        /// Share of images with the class of the plaintext model with exact ReLUs.
        agreement: Option<f64>,
        /// Images whose class is not that of the plaintext model with exact ReLUs. An image without a class is among
        /// them.
        flips: usize,
        /// Images whose class is not that of the plaintext model with the same polynomials. An image without a class is
        /// among them if the plaintext model has one.
        polynomial_flips: usize,
        /// p of the exact two-sided McNemar test of this case against the plaintext model with exact ReLUs.
        mcnemar_p: Option<f64>,
        /// Median seconds of the evaluation of a ciphertext, which holds one image or more.
        latency_s: Option<f64>,
        /// Half the distance between the quartiles of these seconds.
        latency_spread_s: Option<f64>,
        /// Median seconds of an evaluation over the number of images in its ciphertext: the cost of an image if many
        /// wait.
        amortised_s: Option<f64>,
        /// What the harness adds to an encrypted image: `overhead_s` of the images over `encrypt_s`, `latency_s`,
        /// `decrypt_s`.
        overhead: Option<f64>,
        /// Seconds that `plan` predicted.
        predicted_latency_s: Option<f64>,
        /// Seconds of the generation of keys and constants.
        keygen_s: Option<f64>,
        /// Bytes of the evaluation keys.
        key_bytes: Option<u64>,
        /// Bytes of the encoded bootstrapping constants.
        constant_bytes: Option<u64>,
        /// The largest resident memory of the process.
        peak_rss_bytes: Option<u64>,
        /// The largest memory that `plan` predicted.
        predicted_bytes: Option<u64>,
        /// −log2 of the largest logit error over all images, against the plaintext model with the same polynomials;
        /// empty if an image has no class.
        precision_bits: Option<f64>,
        /// Why the case could not run; its counts are 0 then.
        error: Option<String>,
        /// Images without a class: their evaluation gave logits that are NaN or infinite, here or in the plaintext
        /// model with the same polynomials, because values left their intervals. They are not among `failed`. Empty in
        /// runs of earlier programs.
        without_class: Option<usize>,
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
    ImageRow in "images.csv", of which 0 added {
        /// Name of the case.
        case: String,
        /// Index in the test set.
        image: usize,
        /// Its class by the data set.
        label: u8,
        /// Its class by the plaintext model with exact ReLUs.
        exact_class: usize,
        /// Its class by the plaintext model with the same polynomials; empty if its logits are NaN or infinite.
        plain_class: Option<usize>,
        /// Its class by this case; empty if the evaluation failed, or if the image is without a class: `error` says
        /// which.
        class: Option<usize>,
        /// Largest exact logit minus the second largest: the distance to a flip.
        margin: f64,
        /// Number of images in its ciphertext. The seconds of this row are those of all of them.
        batch: Option<usize>,
        /// Seconds of encryption.
        encrypt_s: Option<f64>,
        /// Seconds of evaluation.
        latency_s: Option<f64>,
        /// Seconds of decryption.
        decrypt_s: Option<f64>,
        /// Seconds of the comparison of every layer, if `trace` asks for it. They are in no other column.
        trace_s: Option<f64>,
        /// Seconds between the rows of the previous image and of this one that are in no other column: the plaintext
        /// models, files.
        overhead_s: Option<f64>,
        /// Largest logit error against the plaintext model with the same polynomials.
        max_abs_error: Option<f64>,
        /// −log2 of `max_abs_error`.
        precision_bits: Option<f64>,
        /// Values outside the interval of their activation, over all layers, in cleartext; empty if the evaluation
        /// failed.
        overflow: Option<usize>,
        /// Why the evaluation failed, or why the image is without a class.
        error: Option<String>,
    }
}

impl ImageRow {
    /// Whether the evaluation gave logits, be they NaN. It failed otherwise.
    pub fn evaluated(&self) -> bool {
        self.overflow.is_some()
    }

    /// Whether the evaluation gave logits that have no class.
    pub fn without_class(&self) -> bool {
        self.evaluated() && self.class.is_none()
    }
}

row! {
    /// An image by the plaintext model with exact ReLUs, before any case. The preflight check reads it.
    ExactRow in "exact.csv", of which 0 added {
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
    LayerRow in "layers.csv", of which 0 added {
        /// Name of the case.
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
        /// For a bootstrap: −log2 of its largest deviation from its operand, over the half-width of the interval.
        own_precision_bits: Option<f64>,
    }
}
