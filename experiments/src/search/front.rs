//! The points that no other point beats in everything.

use anyhow::Result;
use fhe_nn::encrypted::Profile;
use serde::Serialize;

use super::{Bounds, Goal};
use crate::case::Case;
use crate::prediction::Predictor;

/// A circuit with what it is predicted to cost.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Point {
    /// Predicted seconds of a ciphertext.
    pub seconds: f64,
    /// Those of its bootstraps.
    pub bootstrap_seconds: f64,
    /// Predicted bytes.
    pub bytes: u64,
    /// The way of holding keys and constants that takes these seconds and bytes, in words.
    pub holding: String,
    /// Bits in the worst slot of a bootstrap, in the median.
    pub worst_bits: f64,
    /// Bits of the standard deviation of a bootstrap's error.
    pub mean_bits: f64,
    /// The largest difference between the activation and the plain approximation.
    pub activation_difference: f64,
    /// log2 of all main and special primes.
    pub log_qp: f64,
    /// Digits of the tallest key.
    pub digits: usize,
    /// Main and special primes.
    pub primes: [usize; 2],
    /// The profile.
    pub profile: Profile,
}

/// The front.
#[derive(Serialize)]
pub(crate) struct Front {
    /// The points, the best first.
    pub points: Vec<Point>,
    /// The point of the shipped profile that the program would choose; `None` if none fits the ring.
    pub shipped: Option<Point>,
    /// Circuits that were counted.
    pub tried: usize,
    /// Origin of the seconds, in words.
    pub seconds_from: String,
}

impl Point {
    /// Returns the point of a case.
    ///
    /// # Errors
    /// Measurements that do not suffice, and a circuit whose noise cannot be derived.
    pub(crate) fn new(case: &Case, predictor: &Predictor) -> Result<Self> {
        let circuit = case.program.circuit();
        let seconds = predictor.steps(case, &case.plan.steps)?;
        let bootstraps =
            case.plan.steps.iter().zip(&seconds).filter(|(step, _)| step.op == fhe_nn::encrypted::Op::Bootstrap);
        let most = case.program.slot_counts().into_iter().max().unwrap_or(circuit.max_slots());
        let noise = circuit.bootstrap(most).noise(circuit.parameters())?;
        let shape = case.params.key_shape(case.params.max_level());
        Ok(Self {
            seconds: seconds.iter().sum(),
            bootstrap_seconds: bootstraps.map(|(_, seconds)| seconds).sum(),
            bytes: case.plan.memory.total() as u64,
            holding: case.holding().to_string(),
            worst_bits: noise.worst_bits,
            mean_bits: -noise.deviation.log2(),
            activation_difference: circuit.difference_from_plain(),
            log_qp: case.params.log_qp(),
            digits: shape.digits(),
            primes: [shape.main, circuit.parameters().special_bits.len()],
            profile: circuit.profile.clone(),
        })
    }

    /// Whether it is within the bounds.
    pub(super) fn keeps(&self, bounds: &Bounds) -> bool {
        self.worst_bits >= bounds.min_bits && bounds.dial.limit().is_none_or(|most| self.bytes <= most)
    }
}

/// Predictions are so good: a point that gains less over a more precise one says nothing.
const TOLERANCE: f64 = 1.02;

/// Takes out every point that another one dominates, or that is hardly cheaper than one of more precision.
pub(super) fn keep_best(points: &mut Vec<Point>) {
    points.sort_by(|a, b| b.worst_bits.total_cmp(&a.worst_bits).then(a.seconds.total_cmp(&b.seconds)));
    let mut kept: Vec<Point> = Vec::new();
    for point in points.drain(..) {
        let covers = |other: &Point| {
            other.seconds <= TOLERANCE * point.seconds && other.bytes as f64 <= TOLERANCE * point.bytes as f64
        };
        if !kept.iter().any(covers) {
            // Points of equal precision are sorted by seconds, so none of them dominates an earlier one.
            kept.push(point);
        }
    }
    *points = kept;
}

/// Sorts points, the best first.
pub(super) fn sort(points: &mut [Point], goal: Goal) {
    points.sort_by(|a, b| match goal {
        Goal::Fastest => a.seconds.total_cmp(&b.seconds),
        Goal::Smallest => a.bytes.cmp(&b.bytes).then(a.seconds.total_cmp(&b.seconds)),
        Goal::Precise => b.worst_bits.total_cmp(&a.worst_bits).then(a.seconds.total_cmp(&b.seconds)),
    });
}
