use super::*;
use crate::case::{CaseSpec, Model};

fn case(relu: &str) -> Case {
    let spec = CaseSpec { ring_dim: 1 << 16, relu: relu.parse().unwrap(), packing: Packing::default() };
    Case::new(&spec, Model::embedded(1.05).unwrap(), None).unwrap()
}

fn shipped() -> Measurements {
    Measurements::parse(include_str!("../../bench/65536-avx512ifma.jsonl")).unwrap()
}

/// Seconds by operation.
fn sums(predictor: &Predictor, case: &Case) -> [f64; 4] {
    let schedule = case.program.schedule(&case.params).unwrap();
    let seconds = predictor.steps(case, &schedule).unwrap();
    [Op::Convolution, Op::Bootstrap, Op::Activation, Op::Classifier].map(|op| {
        let own = schedule.iter().zip(&seconds).filter(|(step, _)| step.op == op);
        own.map(|(_, seconds)| seconds).sum()
    })
}

/// What an image took on the machine and day of the shipped measurements: means of `results/paper`.
#[test]
fn the_default_case_takes_what_it_took_within_a_fifth() {
    let predictor = Predictor::new(shipped(), 1 << 16).unwrap();
    let predicted = sums(&predictor, &case("chebyshev:59"));
    for (predicted, measured) in predicted.iter().zip([3.907, 8.242, 1.448, 0.055]) {
        let ratio = predicted / measured;
        assert!((0.8..1.2).contains(&ratio), "predicted {predicted:.2} s, measured {measured} s");
    }
    assert!(predictor.source().starts_with("bench at N = 65536 of 2026-11-26"), "{}", predictor.source());
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
    assert!(error(&format!("{whole}nonsense")).contains("line 41"));
}

#[test]
fn without_measurements_that_suffice_steps_take_what_the_shipped_ones_say() {
    let case = case("chebyshev:59");
    let schedule = case.program.schedule(&case.params).unwrap();
    let wanted = Predictor::new(shipped(), 1 << 16).unwrap().steps(&case, &schedule).unwrap();
    let without = |op: &str| {
        let mut measured = shipped();
        measured.operations.retain(|row| row.op != op);
        Ok(measured)
    };
    for stored in [Measurements::parse("{}"), without("relu"), without("bootstrap")] {
        assert_eq!(steps_or_shipped(stored, &case, &schedule).unwrap(), wanted);
    }
    let mut twice = shipped();
    twice.operations.iter_mut().for_each(|row| row.seconds = row.seconds.map(|seconds| 2.0 * seconds));
    assert_ne!(steps_or_shipped(Ok(twice), &case, &schedule).unwrap(), wanted, "what suffices is taken");
}
