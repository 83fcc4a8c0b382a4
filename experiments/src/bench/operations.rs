//! The operations, from one transform to a bootstrap.

use anyhow::{Result, ensure};
use fhe_ckks::{Evaluator, KeyKind, KeyRequest, Parameters, SecretKey};
use fhe_ring::{Basis, Limb, Ntt, Poly, SecretRng, Uniform};
use indicatif::ProgressBar;
use rand::Rng;

use super::checked::{Bench, Row};
use super::meter::{Meter, Timing};
use super::setting::{LeftOut, Setting};
use super::{circuits, holding, throughput};
use crate::machine;

/// Rotations that share one decomposition.
pub(crate) const HOISTED: usize = 8;

/// All measurements at one set of parameters.
pub(crate) struct Measured {
    /// The operations in the order of measurement.
    pub rows: Vec<Row>,
    /// The two forward transforms: see [`Meter::units`].
    pub units: [Timing; 2],
    /// The activation.
    pub relu: String,
    /// The operations that the parameters have no room for.
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
    transforms(&mut bench)?;
    let mut levels = vec![params.max_level(), setting.circuit.linear_level.min(params.max_level())];
    levels.dedup();
    for level in levels {
        arithmetic(&mut bench, level, setting.circuit.linear_scale())?;
    }
    let relu = setting.circuit.approximation.to_string();
    let held = setting.bootstraps.first().map(|&slots| setting.circuit.bootstrap(slots));
    let mut left_out = circuits::measure(&mut bench, setting)?;
    bench.meter.calibrate();
    let threads = rayon::current_num_threads();
    // Before keys in words, which take several times the memory.
    let peak = machine::peak_rss_bytes().map(|bytes| bytes as usize);
    if let Some(literal) = held {
        left_out.extend(holding::measure(&mut bench, &literal)?);
    }
    bench.rows.push(Row { op: "peak_memory", threads, bytes: peak, ..Row::default() });
    let units = bench.meter.units();
    let reference = Row { op: "ntt_reference", limbs: Some(1), threads: 1, timing: Some(units[0]), ..Row::default() };
    let own = Row { op: "ntt", timing: Some(units[1]), ..reference.clone() };
    bench.rows.splice(0..0, [reference, own]);
    Ok(Measured { rows: bench.rows, units, relu, left_out })
}

/// Measures transforms of one limb, and of one limb of every prime in turn, whose data and tables push one another out
/// of the caches.
fn transforms(bench: &mut Bench<'_>) -> Result<()> {
    let ring = bench.params.ring().clone();
    let tables: Vec<_> = ring.tables(ring.basis()).collect();
    let drawn: Poly<Ntt> = Uniform::new(&bench.rng.random(), 0).poly(&ring, ring.basis());
    let original = drawn.limbs().to_vec();
    let mut limbs: Vec<Limb> = original.clone();
    tables.iter().zip(&mut limbs).for_each(|(table, limb)| {
        table.forward(limb);
        table.inverse(limb);
    });
    ensure!(limbs == original, "the inverse transform does not undo the forward one");
    let one = Row { limbs: Some(1), ..Row::default() };
    bench.kernel(Row { op: "inverse_ntt", ..one.clone() }, || tables[0].inverse(&mut limbs[0]));
    let all = Row { limbs: Some(tables.len()), ..Row::default() };
    bench.kernel(Row { op: "ntt_every_prime", ..all.clone() }, || {
        tables.iter().zip(&mut limbs).for_each(|(table, limb)| table.forward(limb));
    });
    bench.kernel(Row { op: "inverse_ntt_every_prime", ..all }, || {
        tables.iter().zip(&mut limbs).for_each(|(table, limb)| table.inverse(limb));
    });
    let (kernels, log_n) = (ring.kernels(), bench.params.log_n());
    bench.begin(throughput::OPERATION);
    let pool = Row { limbs: Some(throughput::LIMBS), threads: rayon::current_num_threads(), ..Row::default() };
    let seconds = (0..3).map(|_| throughput::least_seconds(log_n, kernels)).collect();
    bench.rows.push(Row { op: throughput::OPERATION, timing: Some(Timing::of(seconds)), ..pool });
    Ok(())
}

/// Measures the operations that circuits consist of, on ciphertexts with all slots at `level`.
fn arithmetic(bench: &mut Bench<'_>, level: usize, linear_scale: f64) -> Result<()> {
    let params = bench.params.clone();
    let (slots, limbs, basis) = (params.max_slots(), level + 1, Basis::main(level + 1));
    let threads = rayon::current_num_threads();
    // One level spends one prime: products then come back at the scale of their factors.
    let scale = if level == 0 { linear_scale } else { params.prime(level) };
    let pool = Row { limbs: Some(limbs), threads, ..Row::default() };

    let mut request = KeyRequest::default();
    request.rotation(&params, 1, level);
    bench.begin("rotation_key");
    let (secret, rng) = (&bench.secret, &mut bench.rng);
    let (timing, key) = bench.meter.time(|| request.generate(secret, rng));
    let bytes = Some(key.bytes());
    bench.rows.push(Row { op: "rotation_key", timing: Some(timing), bytes, ..pool.clone() });
    drop(key);
    let steps: Vec<i64> = (1..=HOISTED as i64).collect();
    steps.iter().for_each(|&step| request.rotation(&params, step, level));
    request.relinearization(&params, level);
    let evaluator = Evaluator::new(&params, request.generate(&bench.secret, &mut bench.rng));

    let [x, y] = [0; 2].map(|_| bench.random(slots, 1.0));
    let [a, b] = [&x, &y].map(|v| bench.secret.encrypt_real(v, level, scale, &mut bench.rng));
    let (a, b) = (a?, b?);
    let product: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x * y).collect();
    let rotated = |by: usize| [&x[by..], &x[..by]].concat();

    let row = Row { op: "encode", slots: Some(slots), ..pool.clone() };
    let plain = bench.kernel(row, || params.encode_real(&y, scale, basis))?;
    bench.rows.last_mut().expect("just measured").bytes = Some(plain.bytes());
    let poly: Poly<Ntt> = Uniform::new(&bench.rng.random(), 0).poly(params.ring(), basis);
    let shape = params.key_shape(level);
    bench.kernel(Row { op: "mod_up", ..pool.clone() }, || poly.mod_up(shape.digit_len, shape.special));
    let key = evaluator.keys().get(KeyKind::Relinearization, level)?;
    bench.kernel(Row { op: "key_switch", ..pool }, || evaluator.switch(&a, key))?;

    let same = |v: f64| v;
    bench.operation("rotate", limbs, || (), |()| evaluator.rotate(&a, 1), &rotated(1), same)?;
    bench.begin("rotate_hoisted");
    let (timing, all) = bench.meter.time(|| evaluator.rotate_hoisted(&a, &steps));
    let last = all?.pop().expect("at least one rotation");
    bench.check("rotate_hoisted", limbs, timing.divided(HOISTED), &last, &rotated(HOISTED), same)?;
    let sum: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x + y).collect();
    bench.operation("add", limbs, || (), |()| evaluator.add(&a, &b), &sum, same)?;
    if level > 0 {
        bench.operation("multiply", limbs, || (), |()| evaluator.multiply(&a, &b), &product, same)?;
        let multiply = |()| evaluator.multiply_rescale(&a, &b);
        bench.operation("multiply_rescale", limbs, || (), multiply, &product, same)?;
        let multiply = |()| evaluator.multiply_plain(&a, &plain);
        bench.operation("multiply_plain", limbs, || (), multiply, &product, same)?;
        let raised = evaluator.multiply_plain(&a, &plain)?;
        bench.operation("rescale", limbs, || raised.clone(), |c| evaluator.rescale(c), &product, same)?;
    }
    Ok(())
}
