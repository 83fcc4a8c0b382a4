//! Bootstrapping in both orders, at small and insecure rings.
#![allow(missing_docs)]

use fhe_circuits::*;
use fhe_ckks::noise::{Noise, slot_std};
use fhe_ckks::*;
use num_complex::Complex64;
use rand::Rng;

mod common;
use common::Client;

const SLIM: BootstrapOrder = BootstrapOrder::Slim;
const CLASSIC: BootstrapOrder = BootstrapOrder::Classic;
const REAL: SlotValues = SlotValues::Real;
const COMPLEX: SlotValues = SlotValues::Complex;

/// Weight of the clients' ephemeral secret.
const WEIGHT: u32 = 32;

/// Bits by which a measured deviation may differ from the derived one: of 64 slots it is known to 0.13 bits (of more to
/// less), and four of these standard errors are half a bit.
const BAND: f64 = 0.5;

fn literal(order: BootstrapOrder, values: SlotValues, slots: usize) -> BootstrapLiteral {
    let log = slots.trailing_zeros();
    BootstrapLiteral {
        order,
        values,
        slots,
        slots_to_coeffs: vec![log - log / 2, log / 2].into(),
        coeffs_to_slots: vec![log / 2, log - log / 2].into(),
        eval_mod: EvalModLiteral {
            range: WEIGHT / 2,
            kernel: Kernel::Exponential,
            degree: 31,
            double_angles: 3,
            arcsine_degree: 3,
        },
        message_ratio: 256.0,
        input_scale: 2f64.powi(42),
        output_scale: 2f64.powi(42),
    }
}

fn client() -> Client {
    Client::new(10, [vec![50, 42, 42, 42, 42, 42], vec![50; 12]].concat(), 8)
}

/// Slots in the unit disc, or the real parts of such.
fn message(c: &mut Client, values: SlotValues, slots: usize) -> Vec<Complex64> {
    let mut x = c.random_complex(slots);
    if values == REAL {
        x.iter_mut().for_each(|x| *x = x.re.into());
    }
    x
}

/// The precision of the values that a circuit is for.
fn precision(values: SlotValues, found: &[Complex64], expected: &[Complex64]) -> Precision {
    let real = |v: &[Complex64]| v.iter().map(|v| v.re).collect::<Vec<_>>();
    match values {
        REAL => Precision::between(&real(found), &real(expected)).unwrap(),
        COMPLEX => Precision::between_complex(found, expected).unwrap(),
    }
}

/// Root mean square of EvalMod's approximation error for messages like `messages`: the dominant one at these rings.
///
/// A coefficient of c₀ + c₁·s under a secret of weight h is a sum of h + 1 uniform residues, and the message.
fn approximation_error(c: &mut Client, circuit: &Bootstrapper, messages: &[f64]) -> f64 {
    let (ratio, width) = (circuit.message_ratio(), circuit.eval_mod_width());
    let error = |m: f64, rng: &mut rand_chacha::ChaCha20Rng| {
        let residues: f64 = (0..=WEIGHT).map(|_| rng.random_range(-0.5..0.5)).sum();
        circuit.eval_mod_clear((residues.round() + m / ratio) / width) - m
    };
    let rounds = 20_000 / messages.len() + 1;
    let squares: f64 = (0..rounds).flat_map(|_| messages).map(|&m| error(m, &mut c.rng).powi(2)).sum();
    (squares / (rounds * messages.len()) as f64).sqrt()
}

/// Deviation of a bootstrap of `x` derived from the approximation alone, which is far above the noise at N = 2^10.
fn derived_std(c: &mut Client, circuit: &Bootstrapper, x: &[Complex64]) -> f64 {
    let literal = circuit.literal();
    let parts = |v: &[Complex64]| v.iter().flat_map(|v| [v.re, v.im]).collect::<Vec<f64>>();
    match (literal.order, literal.values) {
        (SLIM, REAL) => approximation_error(c, circuit, &x.iter().map(|x| x.re).collect::<Vec<_>>()),
        // Errors of two parts in a modulus.
        (SLIM, COMPLEX) => 2f64.sqrt() * approximation_error(c, circuit, &parts(x)),
        (CLASSIC, _) => {
            let mut coefficients = x.to_vec();
            fhe_ckks::embedding::Embedding::new(x.len()).to_coefficients(&mut coefficients);
            slot_std(approximation_error(c, circuit, &parts(&coefficients)), x.len())
        }
    }
}

#[test]
fn both_orders_at_full_and_sparse_slots_of_either_kind() {
    let mut c = client();
    // Of 512 and of 64 slots; at 256 the packed parts fill the ring.
    for slots in [512, 256, 64] {
        for (order, values) in [(SLIM, REAL), (SLIM, COMPLEX), (CLASSIC, REAL), (CLASSIC, COMPLEX)] {
            let literal = literal(order, values, slots);
            let evaluator = c.evaluator(&literal.request_keys(&c.params).unwrap());
            let circuit = Bootstrapper::new(&c.params, literal.clone()).unwrap();
            assert_eq!(literal.cost(&c.params).unwrap().bytes, circuit.bytes());
            let x = message(&mut c, values, slots);
            let a = c.encrypt(&x, literal.input_level(), literal.input_scale);
            let fresh = circuit.bootstrap(&evaluator, &a).unwrap();
            assert_eq!(fresh.level(), literal.output_level(&c.params).unwrap());
            assert!((fresh.scale() / literal.output_scale - 1.0).abs() < 1e-12);
            assert_eq!(fresh.slots(), slots);
            let found = -precision(values, &c.secret.decrypt(&fresh), &x).std.log2();
            let derived = -derived_std(&mut c, &circuit, &x).log2();
            println!("{slots} slots, {order:?}, {values:?}: {found:.2} bits, derived {derived:.2}");
            assert!((found - derived).abs() < BAND, "{slots} {order:?} {values:?}: {found:.2}, derived {derived:.2}");
        }
    }
}

/// Stages that share primes have weights of fewer bits, and the rounding of weights is the largest error of these
/// circuits: each bit less doubles it.
#[test]
fn stages_that_share_levels_lose_a_bit_for_each_bit_of_their_weights() {
    let share = |levels| Stages { merged: vec![2, 2, 2], levels, giant_step: 1 };
    for values in [REAL, COMPLEX] {
        let whole = literal(SLIM, values, 64);
        let lowering = BootstrapLiteral { slots_to_coeffs: share(1), ..whole.clone() };
        let raising = BootstrapLiteral { coeffs_to_slots: share(2), ..whole.clone() };
        let chain = |second: u32, last: u32| [vec![50, second, 42, 42, 42, 42], vec![50; 10], vec![last; 2]].concat();
        // Three stages in one prime of 42 or 48 bits, and in two of 50 or 44.
        for (literal, chains, gain) in [
            (lowering, [chain(42, 50), chain(48, 50)], 6.0 / 3.0),
            (raising, [chain(42, 44), chain(42, 50)], 2.0 * 6.0 / 3.0),
        ] {
            let bits = chains.map(|bits| {
                let mut c = Client::new(10, bits, 8);
                let evaluator = c.evaluator(&literal.request_keys(&c.params).unwrap());
                let circuit = Bootstrapper::new(&c.params, literal.clone()).unwrap();
                assert_eq!(literal.input_level(), literal.slots_to_coeffs.levels);
                let x = message(&mut c, values, 64);
                let a = c.encrypt(&x, literal.input_level(), literal.input_scale);
                let fresh = circuit.bootstrap(&evaluator, &a).unwrap();
                assert_eq!(fresh.level(), literal.output_level(&c.params).unwrap());
                -precision(values, &c.secret.decrypt(&fresh), &x).std.log2()
            });
            println!("{values:?}: {:.2} and {:.2} bits, wanted {gain} more", bits[0], bits[1]);
            assert!((bits[1] - bits[0] - gain).abs() < 2.0 * BAND, "{values:?}: {bits:?}");
        }
    }
    for levels in [0, 4] {
        let error = Bootstrapper::new(
            &client().params,
            BootstrapLiteral { coeffs_to_slots: share(levels), ..literal(SLIM, REAL, 64) },
        );
        assert!(error.err().unwrap().to_string().contains("wanted 1 to 3, the number of stages"));
    }
}

#[test]
fn the_cosine_and_the_sine_alone_err_as_in_the_clear() {
    let mut c = client();
    for (kernel, degree, arcsine_degree) in
        [(Kernel::Cosine, 30, 0), (Kernel::Cosine, 30, 3), (Kernel::Exponential, 31, 0)]
    {
        for order in [SLIM, CLASSIC] {
            let mut literal = literal(order, REAL, 512);
            literal.eval_mod = EvalModLiteral { kernel, degree, arcsine_degree, ..literal.eval_mod };
            let evaluator = c.evaluator(&literal.request_keys(&c.params).unwrap());
            let circuit = Bootstrapper::new(&c.params, literal.clone()).unwrap();
            let x = message(&mut c, REAL, 512);
            let a = c.encrypt(&x, literal.input_level(), literal.input_scale);
            let fresh = circuit.bootstrap(&evaluator, &a).unwrap();
            let found = -precision(REAL, &c.secret.decrypt(&fresh), &x).std.log2();
            let derived = -derived_std(&mut c, &circuit, &x).log2();
            println!("{kernel:?}, arcsine {arcsine_degree}, {order:?}: {found:.2} bits, derived {derived:.2}");
            // Only slots whose integer part is a multiple of four decide the deviation (see `Kernel`), so there are
            // many.
            assert!((found - derived).abs() < BAND, "{kernel:?} {order:?}: {found:.2}, derived {derived:.2}");
        }
    }
}

#[test]
fn the_classic_order_scales_small_messages_up() {
    let mut c = client();
    let literal = BootstrapLiteral { input_scale: 2f64.powf(36.3), ..literal(CLASSIC, COMPLEX, 64) };
    let evaluator = c.evaluator(&literal.request_keys(&c.params).unwrap());
    let circuit = Bootstrapper::new(&c.params, literal.clone()).unwrap();
    let x = message(&mut c, COMPLEX, 64);
    let a = c.encrypt(&x, 1, literal.input_scale);
    let found = precision(COMPLEX, &c.secret.decrypt(&circuit.bootstrap(&evaluator, &a).unwrap()), &x);
    assert!((found.std.log2() - derived_std(&mut c, &circuit, &x).log2()).abs() < BAND, "{found:?}");
}

/// META-BTS: the error of the second bootstrap counts 2^−gain.
#[test]
fn two_iterations_double_the_precision() {
    let mut c = client();
    for order in [SLIM, CLASSIC] {
        // The sine alone errs by (2π/ρ)²/6 of a message, in cleartext as under encryption, and far above the noise.
        let mut literal = literal(order, REAL, 64);
        (literal.eval_mod.arcsine_degree, literal.message_ratio) = (0, 128.0);
        literal.input_scale = 2f64.powi(43);
        let evaluator = c.evaluator(&literal.request_keys(&c.params).unwrap());
        let circuit = Bootstrapper::new(&c.params, literal.clone()).unwrap();
        // Constant slots are a single coefficient, so that the classic order meets large ones too.
        let x: Vec<Complex64> = vec![0.9.into(); 64];
        let a = c.encrypt(&x, literal.input_level(), literal.input_scale);
        let sine = |m: f64| (m * std::f64::consts::TAU / 128.0).sin() * 128.0 / std::f64::consts::TAU;
        let once = precision(REAL, &c.secret.decrypt(&circuit.bootstrap(&evaluator, &a).unwrap()), &x);
        let first = (x[0].re - sine(x[0].re)).abs();
        assert!((once.max_error / first).log2().abs() < 0.1, "{order:?}: {:.2} bits", once.worst_bits.unwrap());

        let gain = once.worst_bits.unwrap() as u32 - 1;
        let fresh = circuit.bootstrap_twice(&evaluator, &a, gain).unwrap();
        assert_eq!(fresh.level(), literal.output_level(&c.params).unwrap() - 1);
        let twice = precision(REAL, &c.secret.decrypt(&fresh), &x).worst_bits.unwrap();
        println!("{order:?}: {:.2} bits, with a gain of {gain} {twice:.2}", once.worst_bits.unwrap());
        assert!(twice > 2.0 * once.worst_bits.unwrap() - 2.0, "{order:?}: {twice:.2} bits");
    }
}

/// Beyond what two iterations can gain stands the noise of the input.
#[test]
fn two_iterations_reach_the_noise_of_the_input() {
    let mut c = client();
    for (slots, order, values) in
        [(512, SLIM, REAL), (512, CLASSIC, REAL), (512, CLASSIC, COMPLEX), (64, SLIM, COMPLEX), (64, CLASSIC, REAL)]
    {
        let literal = literal(order, values, slots);
        let evaluator = c.evaluator(&literal.request_keys(&c.params).unwrap());
        let circuit = Bootstrapper::new(&c.params, literal.clone()).unwrap();
        let x = message(&mut c, values, slots);
        let a = c.encrypt(&x, literal.input_level(), literal.input_scale);
        let fresh = circuit.bootstrap_twice(&evaluator, &a, 16).unwrap();
        let found = -precision(values, &c.secret.decrypt(&fresh), &x).std.log2();
        // Noise of the encryption, and of the rescaling of the correction. The classic order of real slots reads one
        // half of the coefficients, so noise that is in both halves counts twice: that of the input, and that of the
        // key switch at the end of the first bootstrap.
        let noise = Noise::of_weight(&c.params, c.secret.weight());
        let (input, rounding) = (noise.fresh_secret().hypot(noise.encoding()), noise.rounding());
        let coefficient = match (order, values) {
            (CLASSIC, REAL) => 2f64.sqrt() * input.hypot(rounding),
            _ => input.hypot(rounding),
        };
        let modulus = slot_std(coefficient, slots) / literal.input_scale;
        let derived = -(if values == REAL { modulus / 2f64.sqrt() } else { modulus }).log2();
        println!("{slots} slots, {order:?}, {values:?}: {found:.2} bits, derived {derived:.2}");
        assert!((found - derived).abs() < BAND, "{slots} {order:?} {values:?}: {found:.2}, derived {derived:.2}");
    }
}

fn refused(params: &Parameters, change: impl FnOnce(&mut BootstrapLiteral)) -> CkksError {
    let mut changed = literal(SLIM, REAL, 64);
    change(&mut changed);
    let error = Bootstrapper::new(params, changed.clone()).err().expect("refused");
    assert_eq!(changed.request_keys(params).unwrap_err().to_string(), error.to_string());
    assert_eq!(changed.output_level(params).unwrap_err().to_string(), error.to_string());
    error
}

#[test]
fn a_circuit_that_cannot_be_is_refused_with_found_and_wanted() {
    let params = client().params;
    for slots in [0, 1, 48, 1024] {
        let error = refused(&params, |l| l.slots = slots);
        assert!(matches!(error, CkksError::Slots { found, max: 512 } if found == slots), "{error}");
    }
    for radices in [vec![], vec![3, 2], vec![6, 0], vec![3, 4]] {
        let error = refused(&params, |l| l.coeffs_to_slots.merged = radices.clone());
        assert!(error.to_string().contains(&format!("{radices:?}")) && error.to_string().contains("add up to 6"));
        refused(&params, |l| l.slots_to_coeffs.merged = radices);
    }
    for (found, change) in [
        ("range", (|l| l.eval_mod.range = 0) as fn(&mut BootstrapLiteral)),
        ("range of EvalMod: found 5, which a bootstrap leaves", |l| l.eval_mod.range = 5),
        ("series: found 0", |l| l.eval_mod.degree = 0),
        ("found 40", |l| l.eval_mod.double_angles = 40),
        ("arcsine: found 4", |l| l.eval_mod.arcsine_degree = 4),
        ("found 3, wanted more than 4", |l| l.message_ratio = 3.0),
        ("found 2, wanted more than 2", |l| (l.message_ratio, l.eval_mod.arcsine_degree) = (2.0, 0)),
        ("found NaN", |l| l.message_ratio = f64::NAN),
        ("input scale: found 0", |l| l.input_scale = 0.0),
        ("output scale: found inf", |l| l.output_scale = f64::INFINITY),
        ("found 2^46.00, wanted at most q₀/ρ = 2^42.00", |l| {
            (l.order, l.input_scale) = (CLASSIC, 2f64.powi(46));
        }),
    ] {
        let error = refused(&params, change);
        assert!(matches!(error, CkksError::Parameters { .. }) && error.to_string().contains(found), "{error}: {found}");
    }
}

#[test]
fn parameters_that_cannot_bootstrap_are_refused() {
    // 2 for CoeffsToSlots, 10 for EvalMod, and in the classic order 2 for SlotsToCoeffs.
    for (order, wanted) in [(SLIM, 12), (CLASSIC, 14)] {
        let short = Client::new(10, vec![50; wanted], 8).params;
        let error = Bootstrapper::new(&short, literal(order, REAL, 64)).err().unwrap();
        let CkksError::LevelTooLow { found, wanted: least, .. } = error else { panic!("{error}") };
        assert_eq!((found, least), (wanted - 1, wanted));
        let enough = Client::new(10, vec![50; wanted + 1], 8).params;
        assert_eq!(literal(order, REAL, 64).output_level(&enough).unwrap(), 0);
    }
    let literal_of = client().params.literal().clone();
    let dense = Parameters::try_from(ParametersLiteral { ephemeral_weight: None, ..literal_of }).unwrap();
    let error = refused(&dense, |_| {});
    assert!(error.to_string().contains("ephemeral weight") && error.to_string().contains("found none"), "{error}");
}

#[test]
fn input_that_does_not_fit_is_refused() {
    let mut c = client();
    let literal = literal(SLIM, REAL, 64);
    let all = literal.request_keys(&c.params).unwrap().generate(&c.secret, &mut c.rng);
    let evaluator = Evaluator::new(&c.params, all.clone());
    let circuit = Bootstrapper::new(&c.params, literal.clone()).unwrap();
    let x = message(&mut c, REAL, 64);
    let a = c.encrypt(&x, 2, literal.input_scale);

    let low = c.encrypt(&x, 1, literal.input_scale);
    let error = circuit.bootstrap(&evaluator, &low).unwrap_err();
    assert!(matches!(error, CkksError::LevelTooLow { found: 1, wanted: 2, .. }), "{error}");
    let other = c.encrypt(&x, 2, 2f64.powi(41));
    let error = circuit.bootstrap(&evaluator, &other).unwrap_err();
    assert!(matches!(error, CkksError::ScaleMismatch { wanted, .. } if wanted == literal.input_scale), "{error}");
    let wide = message(&mut c, REAL, 128);
    let wide = c.encrypt(&wide, 2, literal.input_scale);
    let error = circuit.bootstrap(&evaluator, &wide).unwrap_err();
    assert!(matches!(error, CkksError::SlotMismatch { found: 128, wanted: 64, .. }), "{error}");
    for gain in [0, 49] {
        let error = circuit.bootstrap_twice(&evaluator, &a, gain).unwrap_err();
        assert!(matches!(error, CkksError::Parameters { .. }) && error.to_string().contains("1 to 48"), "{error}");
    }

    // Each kind of key is missed by name.
    let kinds: std::collections::BTreeSet<KeyKind> = all.iter().map(|(kind, _)| kind).collect();
    for missing in kinds {
        let mut keys = EvaluationKeys::default();
        all.iter().filter(|(kind, _)| *kind != missing).for_each(|(kind, key)| keys.insert(kind, key.clone()));
        let error = circuit.bootstrap(&Evaluator::new(&c.params, keys), &a).unwrap_err();
        assert!(matches!(error, CkksError::MissingKey { kind, .. } if kind == missing), "{missing}: {error}");
    }
}

#[test]
fn a_second_bootstrap_needs_a_level_more_than_it_takes() {
    let mut c = Client::new(10, [vec![50, 42, 42], vec![50; 12]].concat(), 8);
    let literal = BootstrapLiteral { slots_to_coeffs: vec![3, 3].into(), ..literal(SLIM, REAL, 64) };
    let evaluator = c.evaluator(&literal.request_keys(&c.params).unwrap());
    let circuit = Bootstrapper::new(&c.params, literal.clone()).unwrap();
    let a = c.encrypt(&vec![0.5.into(); 64], 2, literal.input_scale);
    let error = circuit.bootstrap_twice(&evaluator, &a, 8).unwrap_err();
    assert!(matches!(error, CkksError::LevelTooLow { found: 2, wanted: 3, .. }), "{error}");
}
