//! The simulation without noise against the polynomial model, and with noise against encryption.

use fhe_ckks::Parameters;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::*;
use crate::encrypted::tests::{narrow, numbers};
use crate::encrypted::{Circuit, Client, Op, Packing, Program, ScheduledStep, Server};
use crate::{Form, ranges};

const IMAGE: usize = 3 * 32 * 32;

fn program(seed: u64) -> (Program, Parameters, Vec<ScheduledStep>) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let network = narrow(&mut rng);
    let images: Vec<Vec<f64>> = (0..8).map(|_| numbers(&mut rng, IMAGE)).collect();
    let ranges = ranges::observe(&network, &images, Vec::clone);
    let ranges = ranges.iter().map(|range| 1.2 * range).collect();
    let program = Program::new(network, Circuit::insecure(13, 7, Packing::default()), ranges).unwrap();
    let params = Parameters::try_from(program.circuit().parameters().clone()).unwrap();
    let schedule = program.plan(&params).unwrap().steps;
    (program, params, schedule)
}

/// The values of each step in the clear; a bootstrap does not change them.
fn clear(program: &Program, image: &[f64]) -> Vec<Vec<f64>> {
    let (sine, approximant) = (program.circuit().sine(), program.circuit().activation_to(Form::Plain));
    let polynomial = |index: usize, values: &mut [f64]| {
        let range = program.ranges()[index];
        values.iter_mut().for_each(|v| *v = range * approximant.value(sine.of(*v / range)));
        0
    };
    let (_, steps) = program.network().trace(image, &polynomial);
    let mut values = Vec::new();
    for step in steps {
        match step.op {
            Op::Convolution => values.extend([step.output.data.clone(), step.output.data]),
            _ => values.push(step.output.data),
        }
    }
    values
}

fn rms(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    (found.iter().zip(expected).map(|(f, e)| (f - e).powi(2)).sum::<f64>() / found.len() as f64).sqrt()
}

fn simulated(simulator: &Simulator, image: &[f64], seed: u64) -> Vec<Vec<f64>> {
    let mut values = Vec::new();
    simulator.trace(image, seed, 0, &mut |_, _, step| values.push(step.to_vec()));
    values
}

fn case() -> CalibratedCase {
    CalibratedCase {
        ring_dim: 1 << 13,
        relu: "chebyshev:7".to_owned(),
        packing: "multiplexed".to_owned(),
        main_bits: vec![50, 42],
        special_bits: vec![49],
        profile: None,
    }
}

#[test]
fn without_noise_it_is_the_polynomial_model() {
    let (program, _, schedule) = program(1);
    let image = numbers(&mut ChaCha20Rng::seed_from_u64(2), IMAGE);
    let simulator = Simulator::noiseless(&program, &schedule);
    let (found, expected) = (simulated(&simulator, &image, 1), clear(&program, &image));
    assert_eq!(found.len(), schedule.len());
    for ((found, expected), step) in found.iter().zip(&expected).zip(&schedule) {
        let worst = found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-9, "{} {:?}: {worst:e}", step.layer, step.op);
    }
    assert_eq!(simulator.evaluate(&image, 1, 0).logits, found[found.len() - 1]);
}

#[test]
fn noise_is_what_seed_and_image_say() {
    let (program, _, schedule) = program(1);
    let noise = |step: &ScheduledStep| Noise {
        op: step.op,
        slots: step.slots,
        gain: 0.0,
        mean: 0.0,
        deviation: 1e-6,
        least: 0.0,
        most: 0.0,
        kurtosis: 0.0,
        largest: 0.0,
        values: 1,
        outside: 0,
    };
    let mut model =
        NoiseModel { case: case(), provenance: Provenance::default(), noise: schedule.iter().map(noise).collect() };
    let image = numbers(&mut ChaCha20Rng::seed_from_u64(2), IMAGE);
    let simulator = Simulator::new(&program, &schedule, &model).unwrap();
    let logits = |seed, image_number| simulator.evaluate(&image, seed, image_number).logits;
    assert_eq!(logits(1, 2), logits(1, 2));
    assert_ne!(logits(1, 2), logits(2, 2));
    assert_ne!(logits(1, 2), logits(1, 3));

    model.noise.retain(|noise| (noise.op, noise.slots) != (Op::Bootstrap, 1024));
    let error = Simulator::new(&program, &schedule, &model).unwrap_err().to_string();
    assert!(error.contains("no noise of the bootstrap at 1024 slots"), "{error}");
}

#[test]
fn a_model_for_another_case_says_so_and_survives_the_disk() {
    let noise = Vec::new();
    let mut model = NoiseModel { case: case(), provenance: Provenance::default(), noise };
    assert_eq!(model.mismatch(&case()), None);
    assert_eq!(model.label(), "simulated with noise of 8192-chebyshev:7-multiplexed");
    let other = CalibratedCase { relu: "chebyshev:59".to_owned(), ..case() };
    let words = model.mismatch(&other).unwrap();
    assert!(words.contains("found chebyshev:7, wanted chebyshev:59"), "{words}");
    let narrower = CalibratedCase { main_bits: vec![50, 41], ..case() };
    assert!(model.mismatch(&narrower).unwrap().contains("found [50, 42], wanted [50, 41]"));

    let json = serde_json::to_string(&model).unwrap();
    assert_eq!(NoiseModel::from_json(&json).unwrap(), model);
    model.noise.push(Noise {
        op: Op::Bootstrap,
        slots: 2048,
        gain: 0.0,
        mean: 0.0,
        deviation: -1.0,
        least: 0.0,
        most: 0.0,
        kurtosis: 0.0,
        largest: 0.0,
        values: 1,
        outside: 0,
    });
    let error = NoiseModel::from_json(&serde_json::to_string(&model).unwrap()).unwrap_err().to_string();
    assert!(error.contains("deviation -1 for the bootstrap at 2048 slots"), "{error}");
    assert!(NoiseModel::from_json(&json.replace("ring_dim", "ring")).is_err());
}

/// Simulations of the image.
const SEEDS: usize = 16;

/// The bound on the difference between the logarithms of the root mean square of the encrypted error and of the
/// simulated error. It is the sum of
///
/// - five standard deviations: of the simulated error, wider by √((κ + 2)/2) because the noise of an encrypted step has
///   an excess kurtosis κ and the simulated noise has none; and of the calibration, √((κ + 2)/4n) for n values;
/// - the distance of the quietest and the loudest step of a kind from their common deviation.
///
/// The kinds that decide are the first convolution and, after it, bootstraps.
fn band(model: &NoiseModel, step: usize, spread: f64) -> f64 {
    let first = step == 0;
    let kinds = model.noise.iter().filter(|noise| match noise.op {
        Op::Convolution => first,
        Op::Bootstrap => !first,
        Op::Activation | Op::Classifier => false,
    });
    let of = |noise: &Noise| {
        let tail = noise.kurtosis.max(0.0) + 2.0;
        let calibrated = (tail / (4.0 * noise.values as f64)).sqrt() / std::f64::consts::LN_2;
        let apart = (noise.most / noise.deviation).max(noise.deviation / noise.least).log2();
        5.0 * (spread.powi(2) * tail / 2.0 + calibrated.powi(2)).sqrt() + apart
    };
    kinds.map(of).fold(0.0, f64::max)
}

#[test]
fn simulated_errors_are_as_large_as_encrypted_ones_layer_by_layer() {
    let (program, params, schedule) = program(1);
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let (client, observer, keys) =
        Client::generate_observed(&program, &params, &program.plan(&params).unwrap().request, &mut rng, None).unwrap();
    let server = Server::new(program.clone(), &params, keys).unwrap();
    let mut encrypted = |image: &[f64]| {
        let mut values = Vec::new();
        let x = client.encrypt(&[image], &mut rng).unwrap();
        server.evaluate(&x, &mut |step, result| values.extend(observer.decrypt_step(step, result))).unwrap();
        values
    };
    let mut data = ChaCha20Rng::seed_from_u64(3);
    let [calibrated, other] = [0; 2].map(|_| numbers(&mut data, IMAGE));
    let mut calibration = Calibration::new(&program, &schedule);
    calibration.add(&calibrated, &encrypted(&calibrated));
    let model = calibration.model(case(), Provenance::default());
    assert_eq!(model.provenance.rows, schedule.len());

    let simulator = Simulator::new(&program, &schedule, &model).unwrap();
    let (plain, found) = (clear(&program, &other), encrypted(&other));
    let runs: Vec<_> = (0..SEEDS as u64).map(|seed| simulated(&simulator, &other, seed)).collect();
    for (k, step) in schedule.iter().enumerate() {
        let logs: Vec<f64> = runs.iter().map(|run| rms(&run[k], &plain[k]).log2()).collect();
        let mean = logs.iter().sum::<f64>() / SEEDS as f64;
        let spread = (logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (SEEDS - 1) as f64).sqrt();
        let (measured, band) = (rms(&found[k], &plain[k]).log2(), band(&model, k, spread));
        println!("{:15} {:11?} encrypted {measured:.2}, simulated {mean:.2} ± {band:.2}", step.layer, step.op);
        assert!((measured - mean).abs() < band, "{} {:?}: {measured}, {mean} ± {band}", step.layer, step.op);
    }
}
