//! An approximation of ReLU as polynomials, for numbers and for ciphertexts.

use fhe_circuits::{ChebyshevSeries, PolynomialPlan, polynomial};
use fhe_ckks::{Ciphertext, CkksError, Evaluator};

use crate::approximation::Approximation;
use crate::chebyshev;
use crate::form::Form;

/// Terms smaller than this relative to the interval are left out: below the precision of a bootstrap.
const NEGLIGIBLE_TERM: f64 = 1e-7;

/// An activation of messages in [−1, 1]; what form they come in it undoes in passing.
#[derive(Clone, Debug)]
pub struct Approximant {
    series: ChebyshevSeries,
    plan: PolynomialPlan,
}

impl Approximant {
    /// What takes messages in the form `from` to activated ones in the form `to`.
    pub fn new(approximation: &Approximation, from: Form, to: Form) -> Self {
        let f = |slot: f64| to.slot(approximation.target(from.value(slot)));
        let reach = from.slot(1.0);
        let mut series = match approximation {
            Approximation::Chebyshev { degree } => ChebyshevSeries::interpolate(f, *degree, -reach, reach),
            // Four levels of nothing but a square would be a waste: degree 3 makes the sine good, at one level more.
            Approximation::Square => ChebyshevSeries::interpolate(f, 3, -reach, reach),
        };
        series.coefficients.iter_mut().filter(|c| c.abs() < NEGLIGIBLE_TERM).for_each(|c| *c = 0.0);
        let plan = PolynomialPlan::new(&series);
        Self { series, plan }
    }

    /// The polynomial.
    pub fn series(&self) -> &ChebyshevSeries {
        &self.series
    }

    /// Levels spent.
    pub fn depth(&self) -> usize {
        self.plan.depth()
    }

    /// How many relinearizations it costs.
    pub fn relinearizations(&self) -> usize {
        self.plan.relinearizations()
    }

    /// The value that becomes of a slot, in the clear.
    pub fn value(&self, slot: f64) -> f64 {
        self.series.evaluate(slot)
    }

    /// Replaces each slot by what becomes of it, in the clear: bit for bit as [`Approximant::value`] does.
    pub fn apply(&self, slots: &mut [f64]) {
        chebyshev::evaluate_in_place(&self.series, slots);
    }

    /// What becomes of a ciphertext, at `scale`.
    ///
    /// # Errors
    /// Fewer levels than the depth, or no relinearization key.
    pub fn evaluate(&self, evaluator: &Evaluator, x: &Ciphertext, scale: f64) -> Result<Ciphertext, CkksError> {
        polynomial::evaluate(evaluator, &self.plan, &self.series, x, scale)
    }
}
