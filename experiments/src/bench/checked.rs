//! Times operations, and checks every result that can be decrypted before its time counts.

use anyhow::{Context, Result, ensure};
use fhe_ckks::{Ciphertext, CkksError, Parameters, Precision, SecretKey};
use fhe_ring::SecretRng;
use indicatif::ProgressBar;
use rand::Rng;

use super::meter::{Meter, Timing};

/// A result with fewer correct bits is wrong, not imprecise.
const FLOOR_BITS: f64 = 6.0;

/// The measurements of one operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// Its name.
    pub op: &'static str,
    /// Slots of its vectors.
    pub slots: Option<usize>,
    /// Limbs of its operand: the primes that it is held modulo.
    pub limbs: Option<usize>,
    /// Limbs of its result, if that is a ciphertext.
    pub result_limbs: Option<usize>,
    /// Threads that it could use.
    pub threads: usize,
    /// Its seconds.
    pub timing: Option<Timing>,
    /// The precision of its result.
    pub precision: Option<Precision>,
    /// Bytes of memory that its result takes.
    pub bytes: Option<usize>,
}

/// Measures operations one after another.
pub(super) struct Bench<'a> {
    /// The parameters.
    pub params: Parameters,
    /// The secret key.
    pub secret: SecretKey,
    /// The source of keys, noise and operands.
    pub rng: SecretRng,
    /// The clock.
    pub meter: Meter,
    /// The rows so far.
    pub rows: Vec<Row>,
    /// Shows the operation.
    pub bar: &'a ProgressBar,
}

impl Bench<'_> {
    /// Shows the name of the next operation.
    pub(super) fn begin(&self, op: &str) {
        self.bar.inc(1);
        self.bar.set_message(op.to_owned());
    }

    /// Returns random numbers from −`reach` to `reach`.
    pub(super) fn random(&mut self, slots: usize, reach: f64) -> Vec<f64> {
        (0..slots).map(|_| self.rng.random_range(-reach..reach)).collect()
    }

    /// Times an operation whose result is not a ciphertext.
    pub(super) fn kernel<T>(&mut self, row: Row, f: impl FnMut() -> T) -> T {
        self.begin(row.op);
        let (timing, result) = self.meter.time(f);
        let threads = row.threads.max(1);
        self.rows.push(Row { timing: Some(timing), threads, ..row });
        result
    }

    /// Times an operation on ciphertexts and checks the slots of its result.
    ///
    /// # Errors
    /// An operation that fails or gives a wrong result.
    pub(super) fn operation<S>(
        &mut self,
        op: &'static str,
        limbs: usize,
        prepare: impl FnMut() -> S,
        f: impl FnMut(S) -> Result<Ciphertext, CkksError>,
        expected: &[f64],
        read: impl Fn(f64) -> f64,
    ) -> Result<()> {
        self.begin(op);
        let (timing, result) = self.meter.time_with(prepare, f);
        self.check(op, limbs, timing, &result.context(op)?, expected, read)
    }

    /// Adds a row for a ciphertext after checking its slots.
    ///
    /// # Errors
    /// A wrong result.
    pub(super) fn check(
        &mut self,
        op: &'static str,
        limbs: usize,
        timing: Timing,
        result: &Ciphertext,
        expected: &[f64],
        read: impl Fn(f64) -> f64,
    ) -> Result<()> {
        let found: Vec<f64> = self.secret.decrypt_real(result).into_iter().map(read).collect();
        let precision = Precision::between(&found, expected).context("a ciphertext without slots")?;
        let bits = precision.worst_bits.unwrap_or(f64::INFINITY);
        ensure!(
            bits >= FLOOR_BITS,
            "{op} at {limbs} limbs: {bits:.1} correct bits, wanted at least {FLOOR_BITS}; its time says nothing"
        );
        self.rows.push(Row {
            op,
            slots: Some(result.slots()),
            limbs: Some(limbs),
            result_limbs: Some(result.basis().len()),
            threads: rayon::current_num_threads(),
            timing: Some(timing),
            precision: Some(precision),
            bytes: None,
        });
        Ok(())
    }
}
