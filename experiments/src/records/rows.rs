//! The rows of the CSV files, column by column.

use serde::{Deserialize, Serialize};

use super::row::{Form, Row, Value};

row! {
    /// A case: one combination of the sweep, over all its images. `run` writes it after the last of them.
    CaseRow in "cases.csv", of which 10 added {
        /// Name of the case, such as `encrypted-65536-chebyshev:59-fused`: backend, ring dimension, activation,
        /// packing, profile if one was asked for. For a submission to the benchmarking suite: `suite-` and its label.
        case: String,
        /// `encrypted`, `plain`, `simulated`, `suite`, or `simulated with noise of …` if the noise was measured on another
        /// case.
        backend: String,
        /// Ring dimension N; empty for `plain`, which has no ring, and for `suite`, which does not tell it.
        ring_dim: Option<usize>; "the backend has no ring (plain), or does not tell it (suite)",
        /// log2 of the product of all main and special primes.
        log_qp: Option<f64> as "bits"; "the backend has no ring, or does not tell it",
        /// The largest `log_qp` with 128 bits of security, by the strictest table.
        log_qp_limit: Option<f64> as "bits"; "the backend has no ring, or the tables have no limit for it",
        /// Bits of security. Below 128 it is 0, and the case's name ends in `-insecure`. Empty for `suite`: only its
        /// authors know.
        security: Option<u32> as "bits"; "unknown: the backend is suite, or has no ring",
        /// The activation: `chebyshev:59`, or `exact`; empty for `suite`.
        relu: String; "the backend is suite",
        /// The packing; empty for `plain`.
        packing: Option<String>; "the backend has no packing",
        /// Images evaluated, including the failed ones.
        images: usize as "images",
        /// Images whose evaluation failed: an error gave no logits. No other count includes them.
        failed: usize as "images",
        /// Images whose class is their label. An image without a class is not among them.
        correct: usize as "images",
        /// `correct` over the images that did not fail and have a label.
        accuracy: Option<f64> as "share"; "the case could not run, all its images failed, or none has a label",
        /// Lower end of the 95 % Wilson interval of `accuracy`.
        accuracy_lo: Option<f64> as "share"; "the case could not run, or all its images failed",
        /// Upper end of the 95 % Wilson interval of `accuracy`.
        accuracy_hi: Option<f64> as "share"; "the case could not run, or all its images failed",
        /// Accuracy of the plaintext model with exact ReLUs, on the same images.
        plain_accuracy: Option<f64> as "share"; "the case could not run, or all its images failed",
        /// Accuracy of the plaintext model with the same polynomials, on the same images.
        polynomial_accuracy: Option<f64> as "share"; "the case could not run, or all its images failed, or there are no polynomials to compare with",
        /// Share of images with the class of the plaintext model with exact ReLUs.
        agreement: Option<f64> as "share"; "the case could not run, or all its images failed",
        /// Images whose class is not that of the plaintext model with exact ReLUs. An image without a class is among
        /// them.
        flips: usize as "images",
        /// Images whose class is not that of the plaintext model with the same polynomials. An image without a class is
        /// among them if the plaintext model has one.
        polynomial_flips: usize as "images",
        /// p of the exact two-sided McNemar test of this case against the plaintext model with exact ReLUs.
        mcnemar_p: Option<f64> as "probability"; "the case could not run, all its images failed, or none has a label",
        /// Median seconds of the evaluation of a ciphertext, which holds one image or more. For `suite`: of
        /// `server_encrypted_compute`, which reads its files in these seconds too.
        latency_s: Option<f64> as "s"; "the backend measures no seconds, or no image was evaluated",
        /// Half the distance between the quartiles of these seconds.
        latency_spread_s: Option<f64> as "s"; "the backend measures no seconds, or no image was evaluated",
        /// Median seconds of an evaluation over the number of images in its ciphertext: the cost of an image if many
        /// wait.
        amortised_s: Option<f64> as "s"; "the backend measures no seconds, or no image was evaluated",
        /// What the harness adds to an encrypted image: `overhead_s` of the images over `encrypt_s`, `latency_s`,
        /// `decrypt_s`.
        overhead: Option<f64> as "ratio"; "the backend measures no seconds, or no image was evaluated",
        /// Seconds that `plan` predicted.
        predicted_latency_s: Option<f64> as "s"; "not predicted: not encrypted, or without measurements for the ring",
        /// Seconds of the generation of keys and constants. For `suite`: of the two stages before the first image.
        keygen_s: Option<f64> as "s"; "not measured: there are no keys",
        /// Bytes of the evaluation keys. For `suite`: of the folder `public_keys`.
        key_bytes: Option<u64> as "B"; "not measured: there are no keys",
        /// Bytes of the encoded bootstrapping constants.
        constant_bytes: Option<u64> as "B"; "there are no constants",
        /// The largest resident memory of the process. For `suite`: of the largest process among those of its stages. Files of
        /// earlier programs also have it for simulated and plain cases; readers pass over it there.
        peak_rss_bytes: Option<u64> as "B"; "not measured: nothing was encrypted, or the system does not tell it",
        /// The largest memory that `plan` predicted.
        predicted_bytes: Option<u64> as "B"; "not predicted: not encrypted",
        /// −log2 of the largest logit error over all images, against the plaintext model with the same polynomials;
        /// empty if an image has no class.
        precision_bits: Option<f64> as "bits"; "an image has no class, or no logits were compared",
        /// Why the case could not run; its counts are 0 then.
        error: Option<String>; "the case ran",
        /// Images without a class: their evaluation gave logits that are NaN or infinite, here or in the plaintext
        /// model with the same polynomials, because values left their intervals; or a `suite` says that they have none.
        /// They are not among `failed`. Empty in runs of earlier programs.
        without_class: Option<usize> as "images"; "not counted: a run of an earlier program, or the case could not run",
        /// The engine's label, if it is not this program: `label` in the config of a `suite`.
        engine: Option<String>; "the engine is this program",
        /// Bytes of the ciphertexts that the client sends in a call, with one image or more; the most of any call.
        upload_bytes: Option<u64> as "B"; "not measured: nothing was sent",
        /// Bytes of the ciphertexts that the server sends back in a call; the most of any call.
        download_bytes: Option<u64> as "B"; "not measured: nothing was sent",
        /// Median joules of an image: `energy_j` of the images over `batch`.
        energy_j: Option<f64> as "J"; "not measured: the counters cannot be read",
        /// Threads of the pool that evaluated the case.
        threads: Option<usize> as "threads"; "a `suite`, or a run of an earlier program: those of `run.json` count",
        /// The SIMD kernels of an encrypted case.
        kernels: Option<String>; "a run of an earlier program: those of `run.json` count, or the case is not encrypted",
        /// Name and digest of the circuit's profile; `run.json` has the whole profile.
        profile: Option<String>; "the profile is a shipped one, or there is no circuit",
        /// What the config says of the memory of an encrypted case: `lean`, `default`, `fast` or bytes.
        memory: Option<String>; "a run of an earlier program, which had no choice, or the case is not encrypted",
        /// How the case holds keys and constants, such as `packed keys, constants in memory`.
        holding: Option<String>; "a run of an earlier program, which had no choice, or the case is not encrypted",
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
    ImageRow in "images.csv", of which 3 added {
        /// Name of the case.
        case: String,
        /// Index in the set of images.
        image: usize,
        /// Its class by the set of images.
        label: Option<u16>; "the image has no label",
        /// Its class by the plaintext model with exact ReLUs.
        exact_class: usize,
        /// Its class by the plaintext model with the same polynomials; empty if its logits are NaN or infinite, and for
        /// `suite`, whose network may be another one.
        plain_class: Option<usize>; "the polynomial model gives no class, or the backend is suite",
        /// Its class by this case; empty if the evaluation failed, or if the image is without a class: `error` says
        /// which.
        class: Option<usize>; "the evaluation failed, or the image is without a class: error says which",
        /// Largest exact logit minus the second largest: the distance to a flip.
        margin: f64 as "logits",
        /// Number of images in its ciphertext, or in its call of a `suite`. The seconds, bytes and joules of this row are
        /// those of all of them.
        batch: Option<usize> as "images"; "not evaluated in a ciphertext or a call",
        /// Seconds of encryption; of `client_preprocess_input` and `client_encode_encrypt_input` for `suite`.
        encrypt_s: Option<f64> as "s"; "the backend measures no seconds, or the evaluation failed",
        /// Seconds of evaluation; of `server_encrypted_compute` for `suite`.
        latency_s: Option<f64> as "s"; "the backend measures no seconds, or the evaluation failed",
        /// Seconds of decryption; of `client_decrypt_decode` and `client_postprocess` for `suite`.
        decrypt_s: Option<f64> as "s"; "the backend measures no seconds, or the evaluation failed",
        /// Seconds of the comparison of every layer, if `trace` asks for it. They are in no other column.
        trace_s: Option<f64> as "s"; "layers were not compared",
        /// Seconds between the rows of the previous image and of this one that are in no other column: the plaintext
        /// models, files.
        overhead_s: Option<f64> as "s"; "the backend measures no seconds, or the evaluation failed",
        /// Largest logit error against the plaintext model with the same polynomials.
        max_abs_error: Option<f64> as "logits"; "not compared: failed, without a class, or no logits",
        /// −log2 of `max_abs_error`.
        precision_bits: Option<f64> as "bits"; "not compared: failed, without a class, or no logits",
        /// Values outside the interval of their activation, over all layers, in cleartext; empty if the evaluation
        /// failed.
        overflow: Option<usize> as "values"; "the evaluation failed, or the backend is suite",
        /// Why the evaluation failed, or why the image is without a class.
        error: Option<String>; "nothing went wrong",
        /// Bytes of the ciphertexts that the client sends.
        upload_bytes: Option<u64> as "B"; "not measured: nothing was sent",
        /// Bytes of the ciphertexts that the server sends back.
        download_bytes: Option<u64> as "B"; "not measured: nothing was sent",
        /// Joules of the machine's processor packages (RAPL) during encryption, evaluation and decryption. Other programs
        /// on the machine count too. Empty where the counters cannot be read, and with `trace`.
        energy_j: Option<f64> as "J"; "not measured: the counters cannot be read, or layers were compared",
    }
}

impl ImageRow {
    /// Whether the evaluation came to its end, with a class or without. It failed otherwise.
    pub fn evaluated(&self) -> bool {
        self.overflow.is_some() || self.class.is_some() || self.latency_s.is_some()
    }

    /// Whether `class` is the image's label; `None` for an image without a label.
    pub fn is_right(&self, class: Option<usize>) -> Option<bool> {
        Some(class == Some(usize::from(self.label?)))
    }

    /// Whether the evaluation came to its end without a class.
    pub fn without_class(&self) -> bool {
        self.evaluated() && self.class.is_none()
    }
}

row! {
    /// An image by the plaintext model with exact ReLUs, before any case. The preflight check reads it.
    ExactRow in "exact.csv", of which 0 added {
        /// Index in the set of images.
        image: usize,
        /// Its class by the set of images.
        label: Option<u16>; "the image has no label",
        /// Its class by the model.
        class: usize,
        /// Largest logit minus the second largest.
        margin: f64 as "logits",
    }
}

row! {
    /// A step of the evaluation of an image.
    LayerRow in "layers.csv", of which 0 added {
        /// Name of the case.
        case: String,
        /// Index in the set of images.
        image: usize,
        /// PyTorch's name of the layer.
        layer: String,
        /// `convolution`, `bootstrap`, `activation`, `classifier`.
        op: String,
        /// Level of the result.
        level: Option<usize> as "levels"; "the backend has no levels",
        /// Seconds of this step.
        latency_s: Option<f64> as "s"; "the backend measures no seconds",
        /// Resident memory after it, in bytes.
        rss_bytes: Option<u64> as "B"; "the backend measures no memory, or the system does not tell it",
        /// Largest error against the plaintext model with the same polynomials.
        max_abs_error: Option<f64> as "values"; "not compared",
        /// Mean error against the plaintext model with the same polynomials.
        mean_abs_error: Option<f64> as "values"; "not compared",
        /// −log2 of `max_abs_error`.
        precision_bits: Option<f64> as "bits"; "not compared",
        /// The paper's own measure: 1 − Σ|v − v'| / Σ|v|, of encrypted values v' against the polynomial model's v.
        paper_precision: Option<f64> as "share"; "not compared",
        /// Largest error of the polynomial model against the one with exact ReLUs.
        approximation_max_error: Option<f64> as "values"; "not compared",
        /// Mean error of the polynomial model against the one with exact ReLUs.
        approximation_mean_error: Option<f64> as "values"; "not compared",
        /// Values outside the activation's interval.
        overflow: Option<usize> as "values"; "the step is no activation, or was not compared",
        /// For a bootstrap: −log2 of its largest deviation from its operand, over the half-width of the interval.
        own_precision_bits: Option<f64> as "bits"; "the step is no bootstrap, or was not compared",
    }
}

row! {
    /// A stage of a submission to the benchmarking suite, as a process. Only runs of the backend `suite` have this file.
    StageRow in "stages.csv", of which 0 added {
        /// Name of the case.
        case: String,
        /// Index in the set of images of the first image that the call was made for. Empty for the stages that run before all
        /// images; a case that was resumed has those once for each process.
        image: Option<usize>; "the stage runs before all images",
        /// Number of images in the call; empty for the stages before all images.
        batch: Option<usize> as "images"; "the stage runs before all images",
        /// Name of the stage, such as `server_encrypted_compute`.
        stage: String,
        /// Seconds from the start of the process to its end.
        wall_s: f64 as "s",
        /// Processor seconds in user mode, of the process and of the children that it waited for.
        user_s: f64 as "s",
        /// Processor seconds in the kernel, of the same processes.
        system_s: f64 as "s",
        /// The largest resident memory of one of these processes, by the kernel's account (`ru_maxrss`). The memory of
        /// several at once is not added up.
        peak_rss_bytes: u64 as "B",
        /// Bytes that it left, as `du -sb` counts them: of `public_keys` after `client_key_generation`, of
        /// `ciphertexts_upload` after `client_encode_encrypt_input`, of `ciphertexts_download` after
        /// `server_encrypted_compute`. Empty for other stages.
        bytes: Option<u64> as "B"; "the stage leaves no keys or ciphertexts",
        /// Joules of the machine's processor packages (RAPL) meanwhile. Empty where the counters cannot be read.
        energy_j: Option<f64> as "J"; "not measured: the counters cannot be read",
    }
}
