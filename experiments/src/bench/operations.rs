//! The measurements themselves. Every result that can be decrypted is checked before its time counts.

use anyhow::{Context, Result, ensure};
use fhe_circuits::{BootstrapLiteral, Bootstrapper, Kernel};
use fhe_ckks::{Ciphertext, CkksError, Evaluator, KeyKind, KeyRequest, Parameters, Precision, SecretKey};
use fhe_nn::{Form, Sine};
use fhe_ring::{Basis, Limb, Ntt, Poly, SecretRng, Uniform};
use indicatif::ProgressBar;
use rand::Rng;

use super::meter::{Meter, Timing, once};
use super::setting::{LeftOut, Setting};
use super::throughput;
use crate::machine;

/// Rotations that share one decomposition.
pub(crate) const HOISTED: usize = 8;
/// A result with fewer correct bits is wrong, not imprecise.
const FLOOR_BITS: f64 = 6.0;
/// The more precise kernel of EvalMod, and its degree.
const EXPONENTIAL: (Kernel, usize) = (Kernel::Exponential, 31);
/// Degree of the arcsine, and the first prime over the scale of the message, of the bootstrap that leaves no sine.
const ARCSINE: (usize, f64) = (3, 256.0);

/// What is known of one operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// Its name.
    pub op: &'static str,
    /// Slots of its vectors.
    pub slots: Option<usize>,
    /// Limbs of its operand: the primes that it is held modulo.
    pub limbs: Option<usize>,
    /// Limbs of its result, where that is a ciphertext.
    pub result_limbs: Option<usize>,
    /// Threads that it could use.
    pub threads: usize,
    /// How long it takes.
    pub timing: Option<Timing>,
    /// How far its result is from what it should be.
    pub precision: Option<Precision>,
    /// What it takes in memory.
    pub bytes: Option<usize>,
}

/// Everything measured.
pub(crate) struct Measured {
    /// In order of measurement.
    pub rows: Vec<Row>,
    /// The two forward transforms: see [`Meter::units`].
    pub units: [Timing; 2],
    /// The activation.
    pub relu: String,
    /// What the parameters have no room for.
    pub left_out: Vec<LeftOut>,
}

/// Measures every operation that the setting has room for.
///
/// # Errors
/// An operation that fails or gives a wrong result.
pub(crate) fn measure(
    setting: Setting,
    params: &Parameters,
    repeat: Option<usize>,
    mut rng: SecretRng,
    bar: &ProgressBar,
) -> Result<Measured> {
    let meter = Meter::new(params.log_n(), params.ring().kernels(), repeat, &mut rng);
    let secret = SecretKey::generate(params, &mut rng);
    let mut bench = Bench { params: params.clone(), secret, rng, meter, rows: Vec::new(), bar };
    bench.transforms()?;
    let mut levels = vec![params.max_level(), setting.circuit.linear_level.min(params.max_level())];
    levels.dedup();
    for level in levels {
        bench.arithmetic(level, setting.circuit.linear_scale())?;
    }
    let relu = setting.circuit.approximation.to_string();
    let left_out = bench.circuits(setting)?;
    bench.meter.calibrate();
    let threads = rayon::current_num_threads();
    let peak = machine::peak_rss_bytes().map(|bytes| bytes as usize);
    bench.rows.push(Row { op: "peak_memory", threads, bytes: peak, ..Row::default() });
    let units = bench.meter.units();
    let reference = Row { op: "ntt_reference", limbs: Some(1), threads: 1, timing: Some(units[0]), ..Row::default() };
    let own = Row { op: "ntt", timing: Some(units[1]), ..reference.clone() };
    bench.rows.splice(0..0, [reference, own]);
    Ok(Measured { rows: bench.rows, units, relu, left_out })
}

struct Bench<'a> {
    params: Parameters,
    secret: SecretKey,
    rng: SecretRng,
    meter: Meter,
    rows: Vec<Row>,
    bar: &'a ProgressBar,
}

impl Bench<'_> {
    fn begin(&self, op: &str) {
        self.bar.inc(1);
        self.bar.set_message(op.to_owned());
    }

    fn random(&mut self, slots: usize, reach: f64) -> Vec<f64> {
        (0..slots).map(|_| self.rng.random_range(-reach..reach)).collect()
    }

    /// Times something that is no ciphertext.
    fn kernel<T>(&mut self, row: Row, f: impl FnMut() -> T) -> T {
        self.begin(row.op);
        let (timing, result) = self.meter.time(f);
        let threads = row.threads.max(1);
        self.rows.push(Row { timing: Some(timing), threads, ..row });
        result
    }

    /// Times an operation on ciphertexts and checks its slots.
    fn operation<S>(
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

    fn check(
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

    /// Transforms of one limb, and of one limb of every prime in turn, whose data and tables push one another out of
    /// the caches.
    fn transforms(&mut self) -> Result<()> {
        let ring = self.params.ring().clone();
        let tables: Vec<_> = ring.tables(ring.basis()).collect();
        let drawn: Poly<Ntt> = Uniform::new(&self.rng.random(), 0).poly(&ring, ring.basis());
        let original = drawn.limbs().to_vec();
        let mut limbs: Vec<Limb> = original.clone();
        tables.iter().zip(&mut limbs).for_each(|(table, limb)| {
            table.forward(limb);
            table.inverse(limb);
        });
        ensure!(limbs == original, "the inverse transform does not undo the forward one");
        let one = Row { limbs: Some(1), ..Row::default() };
        self.kernel(Row { op: "inverse_ntt", ..one.clone() }, || tables[0].inverse(&mut limbs[0]));
        let all = Row { limbs: Some(tables.len()), ..Row::default() };
        self.kernel(Row { op: "ntt_every_prime", ..all.clone() }, || {
            tables.iter().zip(&mut limbs).for_each(|(table, limb)| table.forward(limb));
        });
        self.kernel(Row { op: "inverse_ntt_every_prime", ..all }, || {
            tables.iter().zip(&mut limbs).for_each(|(table, limb)| table.inverse(limb));
        });
        let (kernels, log_n) = (ring.kernels(), self.params.log_n());
        self.begin(throughput::OPERATION);
        let pool = Row { limbs: Some(throughput::LIMBS), threads: rayon::current_num_threads(), ..Row::default() };
        let seconds = (0..3).map(|_| throughput::least_seconds(log_n, kernels)).collect();
        self.rows.push(Row { op: throughput::OPERATION, timing: Some(Timing::of(seconds)), ..pool });
        Ok(())
    }

    /// What circuits are made of, on ciphertexts with all slots at `level`.
    fn arithmetic(&mut self, level: usize, linear_scale: f64) -> Result<()> {
        let params = self.params.clone();
        let (slots, limbs, basis) = (params.max_slots(), level + 1, Basis::main(level + 1));
        let threads = rayon::current_num_threads();
        // One level spends one prime: products then come back at the scale of their factors.
        let scale = if level == 0 { linear_scale } else { params.prime(level) };
        let pool = Row { limbs: Some(limbs), threads, ..Row::default() };

        let mut request = KeyRequest::default();
        request.rotation(&params, 1, level);
        self.begin("rotation_key");
        let (secret, rng) = (&self.secret, &mut self.rng);
        let (timing, key) = self.meter.time(|| request.generate(secret, rng));
        let bytes = Some(key.bytes());
        self.rows.push(Row { op: "rotation_key", timing: Some(timing), bytes, ..pool.clone() });
        drop(key);
        let steps: Vec<i64> = (1..=HOISTED as i64).collect();
        steps.iter().for_each(|&step| request.rotation(&params, step, level));
        request.relinearization(&params, level);
        let evaluator = Evaluator::new(&params, request.generate(&self.secret, &mut self.rng));

        let [x, y] = [0; 2].map(|_| self.random(slots, 1.0));
        let [a, b] = [&x, &y].map(|v| self.secret.encrypt_real(v, level, scale, &mut self.rng));
        let (a, b) = (a?, b?);
        let product: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x * y).collect();
        let rotated = |by: usize| [&x[by..], &x[..by]].concat();

        let row = Row { op: "encode", slots: Some(slots), ..pool.clone() };
        let plain = self.kernel(row, || params.encode_real(&y, scale, basis))?;
        self.rows.last_mut().expect("just measured").bytes = Some(plain.bytes());
        let poly: Poly<Ntt> = Uniform::new(&self.rng.random(), 0).poly(params.ring(), basis);
        let shape = params.key_shape(level);
        self.kernel(Row { op: "mod_up", ..pool.clone() }, || poly.mod_up(shape.digit_len, shape.special));
        let key = evaluator.keys().get(KeyKind::Relinearization, level)?;
        self.kernel(Row { op: "key_switch", ..pool }, || evaluator.switch(&a, key))?;

        let same = |v: f64| v;
        self.operation("rotate", limbs, || (), |()| evaluator.rotate(&a, 1), &rotated(1), same)?;
        self.begin("rotate_hoisted");
        let (timing, all) = self.meter.time(|| evaluator.rotate_hoisted(&a, &steps));
        let last = all?.pop().expect("at least one rotation");
        self.check("rotate_hoisted", limbs, timing.divided(HOISTED), &last, &rotated(HOISTED), same)?;
        let sum: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x + y).collect();
        self.operation("add", limbs, || (), |()| evaluator.add(&a, &b), &sum, same)?;
        if level > 0 {
            self.operation("multiply", limbs, || (), |()| evaluator.multiply(&a, &b), &product, same)?;
            let multiply = |()| evaluator.multiply_rescale(&a, &b);
            self.operation("multiply_rescale", limbs, || (), multiply, &product, same)?;
            let multiply = |()| evaluator.multiply_plain(&a, &plain);
            self.operation("multiply_plain", limbs, || (), multiply, &product, same)?;
            let raised = evaluator.multiply_plain(&a, &plain)?;
            self.operation("rescale", limbs, || raised.clone(), |c| evaluator.rescale(c), &product, same)?;
        }
        Ok(())
    }

    /// The activation and the bootstraps, with the keys of all of them in memory as the network has them.
    fn circuits(&mut self, setting: Setting) -> Result<Vec<LeftOut>> {
        let Setting { circuit, relu, bootstraps, mut left_out, .. } = setting;
        let params = self.params.clone();
        let mut request = KeyRequest::default();
        if relu {
            request.relinearization(&params, circuit.activation_level);
        }
        let mut literals: Vec<(&'static str, BootstrapLiteral)> = Vec::new();
        for &slots in &bootstraps {
            let own = circuit.bootstrap(slots);
            let mut straight = BootstrapLiteral { message_ratio: ARCSINE.1, ..own.clone() };
            straight.eval_mod.arcsine_degree = ARCSINE.0;
            (straight.eval_mod.kernel, straight.eval_mod.degree) = EXPONENTIAL;
            request.merge(&own.request_keys(&params)?);
            literals.push(("bootstrap", own));
            match straight.request_keys(&params) {
                Ok(keys) => {
                    request.merge(&keys);
                    literals.push(("bootstrap_arcsine", straight));
                }
                Err(error) => {
                    left_out.push(LeftOut { op: "bootstrap_arcsine", why: format!("at {slots} slots: {error}") })
                }
            }
        }
        if request.iter().count() == 0 {
            return Ok(left_out);
        }
        self.begin("circuit_keys");
        let (timing, keys) = once(|| request.generate(&self.secret, &mut self.rng));
        let evaluator = Evaluator::new(&params, keys);
        self.rows.push(Row {
            op: "circuit_keys",
            limbs: request.iter().map(|(_, shape)| shape.main).max(),
            threads: rayon::current_num_threads(),
            timing: Some(timing),
            bytes: Some(evaluator.keys().bytes()),
            ..Row::default()
        });

        if relu {
            let slots = bootstraps.first().copied().unwrap_or(params.max_slots() / 2);
            let activation = circuit.activation_to(Form::Plain);
            let x = self.random(slots, circuit.sine().of(1.0));
            let (level, scale) = (circuit.activation_level, circuit.bootstrapped_scale());
            let a = self.secret.encrypt_real(&x, level, scale, &mut self.rng)?;
            let expected: Vec<f64> = x.iter().map(|&x| activation.value(x)).collect();
            let evaluate = |()| activation.evaluate(&evaluator, &a, circuit.linear_scale());
            self.operation("relu", level + 1, || (), evaluate, &expected, |v| v)?;
        }
        for (op, literal) in literals {
            self.bootstrap(op, literal, &evaluator)?;
        }
        Ok(left_out)
    }

    fn bootstrap(&mut self, op: &'static str, literal: BootstrapLiteral, evaluator: &Evaluator) -> Result<()> {
        let (slots, level) = (literal.slots, literal.input_level());
        let straight = literal.eval_mod.arcsine_degree > 0;
        let x = self.random(slots, 1.0);
        let a = self.secret.encrypt_real(&x, level, literal.input_scale, &mut self.rng)?;
        let sine = Sine { ratio: literal.message_ratio };
        let (timing, bootstrapper) = once(|| Bootstrapper::new(&self.params, literal));
        let bootstrapper = bootstrapper?;
        if !straight {
            self.rows.push(Row {
                op: "bootstrap_constants",
                slots: Some(slots),
                threads: rayon::current_num_threads(),
                timing: Some(timing),
                bytes: Some(bootstrapper.bytes()),
                ..Row::default()
            });
        }
        let read = |v: f64| if straight { v } else { sine.undo(v) };
        self.operation(op, level + 1, || (), |()| bootstrapper.bootstrap(evaluator, &a), &x, read)
    }
}
