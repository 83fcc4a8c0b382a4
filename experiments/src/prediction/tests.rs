use super::*;
use crate::bench::throughput;
use crate::case::{CaseSpec, Model};
use crate::measurements::{Operation, Provenance};

fn case(relu: &str) -> Case {
    packed(relu, Packing::default())
}

fn packed(relu: &str, packing: Packing) -> Case {
    let spec = CaseSpec { ring_dim: 1 << 16, relu: relu.parse().unwrap(), packing, profile: None };
    Case::new(&spec, Model::embedded(1.05).unwrap(), None).unwrap()
}

fn shipped() -> Measurements {
    Measurements::parse(include_str!("../../bench/65536-avx512ifma.jsonl")).unwrap()
}

/// The predicted seconds of each operation.
fn sums(predictor: &Predictor, case: &Case) -> [f64; 4] {
    let schedule = &case.plan.steps;
    let seconds = predictor.steps(case, schedule).unwrap();
    [Op::Convolution, Op::Bootstrap, Op::Activation, Op::Classifier].map(|op| {
        let own = schedule.iter().zip(&seconds).filter(|(step, _)| step.op == op);
        own.map(|(_, seconds)| seconds).sum()
    })
}

/// The measured seconds are means of the twenty images of results/paper, on the machine and the day of the shipped measurements.
#[test]
fn the_default_case_takes_what_it_took_within_a_fifth() {
    let predictor = Predictor::new(shipped(), 1 << 16).unwrap();
    let predicted = sums(&predictor, &case("chebyshev:59"));
    for (predicted, measured) in predicted.iter().zip([2.025, 10.47, 2.42, 0.054]) {
        let ratio = predicted / measured;
        assert!((0.8..1.2).contains(&ratio), "predicted {predicted:.2} s, measured {measured} s");
    }
    assert!(predictor.source().starts_with("bench at N = 65536 of 2026-11-30"), "{}", predictor.source());
}

#[test]
fn more_primes_slots_and_coefficients_take_longer() {
    let predictor = Predictor::new(shipped(), 1 << 16).unwrap();
    let [low, high] = ["chebyshev:27", "chebyshev:119"].map(|relu| sums(&predictor, &case(relu)));
    assert!(low.iter().zip(&high).take(3).all(|(low, high)| low <= high), "{low:?}, {high:?}");
    assert!(low[1] < high[1] && low[2] < high[2], "{low:?}, {high:?}");
    let doubled = Predictor::new(shipped(), 1 << 17).unwrap();
    assert!((doubled.ring - 2.125).abs() < 1e-12);
    assert!(doubled.source().contains("times 2.12 for this ring"), "{}", doubled.source());
}

/// Twice EvalMod and twice the activation, but for the same transforms.
#[test]
fn imaginary_parts_with_images_of_their_own_take_longer() {
    let predictor = Predictor::new(shipped(), 1 << 16).unwrap();
    let [one, more] =
        [Packing::Fused, Packing::Batch].map(|packing| sums(&predictor, &packed("chebyshev:59", packing)));
    assert!((1.1..1.6).contains(&(more[1] / one[1])), "bootstraps: {one:?}, {more:?}");
    assert!((1.9..2.1).contains(&(more[2] / one[2])), "activations: {one:?}, {more:?}");
}

#[test]
fn measurements_that_do_not_suffice_are_refused() {
    let error = |text: &str| {
        let failed = Measurements::parse(text).and_then(|measured| Predictor::new(measured, 1 << 16).map(drop));
        format!("{:#}", failed.unwrap_err())
    };
    assert!(error("").contains("wanted the provenance"));
    assert!(error("{}").contains("line 1: missing field"));
    let whole = include_str!("../../bench/65536-avx512ifma.jsonl");
    let without = |op: &str| whole.lines().filter(|line| !line.contains(op)).collect::<Vec<_>>().join("\n");
    assert!(error(&without("\"op\":\"relu\"")).contains("no operation `relu`"));
    assert!(error(&without("\"rotate\"")).contains("found 0 times of `rotate`"));
    let line = format!("line {}", whole.lines().count() + 1);
    assert!(error(&format!("{whole}nonsense")).contains(&line));
}

#[test]
fn without_measurements_that_suffice_steps_take_what_the_shipped_ones_say() {
    let case = case("chebyshev:59");
    let schedule = &case.plan.steps;
    let kernels = Kernels::detect();
    let own = || Measurements::shipped(1 << 16, kernels.name()).unwrap();
    let wanted = Predictor::on_this_machine(own(), 1 << 16, kernels).unwrap().steps(&case, schedule).unwrap();
    let without = |op: &str| {
        let mut measured = own();
        measured.operations.retain(|row| row.op != op);
        Ok(measured)
    };
    for stored in [Measurements::parse("{}"), without("relu"), without("bootstrap")] {
        assert_eq!(steps_or_shipped(stored, &case, schedule).unwrap(), wanted);
    }
    let mut twice = own();
    twice.operations.iter_mut().for_each(|row| row.seconds = row.seconds.map(|seconds| 2.0 * seconds));
    assert_ne!(steps_or_shipped(Ok(twice), &case, schedule).unwrap(), wanted, "what suffices is taken");
}

#[test]
fn a_slower_machine_takes_longer_and_the_source_says_so() {
    let own = Predictor::new(shipped(), 1 << 16).unwrap();
    let other = Predictor { machine: Some(2.1), ..Predictor::new(shipped(), 1 << 16).unwrap() };
    let case = case("chebyshev:59");
    sums(&own, &case)
        .iter()
        .zip(sums(&other, &case))
        .for_each(|(own, other)| assert!((other - 2.1 * own).abs() < 1e-9));
    assert!(other.source().ends_with("avx512ifma; scaled by 2.1 by this machine's yardstick"), "{}", other.source());
}

#[test]
fn kernels_count_more_than_the_ring() {
    let found = |ring_dim: usize, kernels: &str| {
        let Provenance { ring_dim, kernels, .. } = Measurements::shipped(ring_dim, kernels).unwrap().provenance;
        (ring_dim, kernels)
    };
    for kernels in ["avx512ifma", "fma512", "fma", "scalar"] {
        assert_eq!(found(1 << 15, kernels), (1 << 15, kernels.to_owned()));
        assert_eq!(found(1 << 17, kernels).1, kernels, "of another ring");
    }
    assert_eq!(found(1 << 16, "neon"), (1 << 16, "avx512ifma".to_owned()), "kernels without measurements");
}

/// Files of earlier versions have no transforms on all threads: their threads share those of one.
#[test]
fn the_yardstick_of_a_file_is_its_pass_or_a_share_of_its_transforms() {
    let mut measured = shipped();
    measured.operations.retain(|row| row.op != throughput::OPERATION);
    let every_prime = measured.operations.iter().find(|row| row.op == "ntt_every_prime").unwrap().clone();
    let share = every_prime.seconds_min.unwrap() / every_prime.limbs.unwrap() as f64 * throughput::LIMBS as f64;
    assert!((measured.yardstick().unwrap() - share / 2.0).abs() < 1e-12);
    let pass = Operation { op: throughput::OPERATION.to_owned(), seconds_min: Some(0.5), ..every_prime };
    measured.operations.push(pass);
    assert_eq!(measured.yardstick(), Some(0.5));
}
