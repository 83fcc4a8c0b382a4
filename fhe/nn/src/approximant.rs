//! The polynomials of an approximation of ReLU, evaluated on numbers and on ciphertexts.

use std::ops::RangeInclusive;

use fhe_circuits::approximation::{least_squares, minimax};
use fhe_circuits::{ChebyshevSeries, PolynomialPlan, polynomial};
use fhe_ckks::{Ciphertext, CkksError, Evaluator, Parameters};

use crate::approximation::Approximation;
use crate::chebyshev;
use crate::form::Form;
use crate::wave::Wave;

/// Terms smaller than this relative to the interval are left out: they are below the precision of a bootstrap.
const NEGLIGIBLE_TERM: f64 = 1e-7;
/// Degree of the polynomial between two forms of a message where the approximation itself has none of a higher degree.
const FORM_DEGREE: usize = 3;
/// The standard deviation of messages, roughly: intervals hold the largest values of a whole training set.
const USUAL_MESSAGE: f64 = 0.15;
/// The least weight of a message, over that of a message near 0.
const LEAST_WEIGHT: f64 = 1e-3;
/// The degrees whose polynomial between two forms is fitted. Of a lower degree, what is gained in the middle of the interval
/// is lost many times at its ends. An interpolant of a higher degree is precise enough: from a ratio of 16 it errs by less
/// than 3·10⁻⁵ of the interval.
const FITTED: RangeInclusive<usize> = 4..=31;

/// An activation of messages in [−1, 1] from one [`Form`] to another.
///
/// It is one polynomial p(x), or p(x)·g(x) with a gate g, a composite of polynomials that is near 1 for positive x and
/// near 0 for negative x; a wave, which the bootstrap before it evaluates; or a square.
#[derive(Clone, Debug)]
pub struct Approximant(Function);

#[derive(Clone, Debug)]
enum Function {
    Polynomials {
        value: Polynomial,
        /// The polynomials of the gate, the innermost first; empty for a single polynomial.
        gate: Vec<Polynomial>,
    },
    Wave(Wave),
    Square(Square),
}

/// The quadratic interpolant of ReLU, c₀ + x/2 + c₂·x².
#[derive(Clone, Copy, Debug)]
struct Square {
    c0: f64,
    c2: f64,
}

impl Square {
    /// The interpolant of degree 3 at Chebyshev nodes. The cubic term vanishes, because |x| is even.
    fn of_relu() -> Self {
        let series = ChebyshevSeries::interpolate(relu, 3, -1.0, 1.0);
        // T₂ = 2x² − 1.
        Self { c0: series.coefficients[0] - series.coefficients[2], c2: 2.0 * series.coefficients[2] }
    }

    fn of(self, x: f64) -> f64 {
        self.c0 + x * (0.5 + self.c2 * x)
    }

    /// One product: c₂·(x + 1/(4c₂))² and a constant. The factor goes into the scale.
    fn evaluate(self, evaluator: &Evaluator, x: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let shift = 1.0 / (4.0 * self.c2);
        let shifted = evaluator.add_constant(x, shift)?;
        let mut square = evaluator.square_rescale(&shifted)?;
        square.set_scale(square.scale() / self.c2);
        evaluator.add_constant(&square, self.c0 - self.c2 * shift * shift)
    }
}

#[derive(Clone, Debug)]
struct Polynomial {
    series: ChebyshevSeries,
    plan: PolynomialPlan,
}

impl Polynomial {
    fn new(series: ChebyshevSeries) -> Self {
        let plan = PolynomialPlan::new(&series);
        Self { series, plan }
    }

    fn evaluate(&self, evaluator: &Evaluator, x: &Ciphertext, scale: f64) -> Result<Ciphertext, CkksError> {
        polynomial::evaluate(evaluator, &self.plan, x, scale)
    }
}

impl Approximant {
    /// The activation that takes messages in the form `from` and leaves them in the form `to`.
    ///
    /// For plain messages this is the approximation p. Between other forms it is a polynomial of the same degree that stands
    /// for p. For degrees 4 to 31 a least-squares fit makes it, weighted by how often messages are met; for other degrees it
    /// is the interpolant. With degree 7 and a ratio of 16 the fit differs from p by 5·10⁻⁵ of the interval where most
    /// messages are, and by 10⁻³ at the ends of the interval. The interpolant of degree 7 would differ by 4·10⁻⁴ at every
    /// message. A new approximation of ReLU between the forms would have its ripples elsewhere, and a network that was
    /// trained with p would notice.
    pub fn new(approximation: &Approximation, from: Form, to: Form) -> Self {
        let plain = from == Form::Plain && to == Form::Plain;
        let reach = from.slot(1.0);
        let between = |degree: usize, p: &dyn Fn(f64) -> f64| {
            let target = |slot| to.slot(p(from.value(slot)));
            if !FITTED.contains(&degree) {
                return ChebyshevSeries::interpolate(target, degree, -reach, reach);
            }
            // Nodes are as dense as 1/√(1 − u²).
            let weight = |slot: f64| usual(from.value(slot)) * (1.0 - (slot / reach).powi(2)).sqrt() + LEAST_WEIGHT;
            least_squares(target, weight, degree, (-reach, reach))
        };
        let one = |series: ChebyshevSeries, degree_between: usize| {
            let mut series = if plain { series } else { between(degree_between, &|x| series.evaluate(x)) };
            series.coefficients.iter_mut().filter(|c| c.abs() < NEGLIGIBLE_TERM).for_each(|c| *c = 0.0);
            Self(Function::Polynomials { value: Polynomial::new(series), gate: Vec::new() })
        };
        match approximation {
            Approximation::Chebyshev { degree } => one(ChebyshevSeries::interpolate(relu, *degree, -1.0, 1.0), *degree),
            Approximation::Minimax { degree } => {
                let best = minimax(relu, *degree, &[(-1.0, 1.0)]);
                one(best.expect("ReLU has a best approximation of each degree that was checked").series, *degree)
            }
            Approximation::Square => {
                let square = ChebyshevSeries::interpolate(|x| ((1.0 + x) / 2.0).powi(2), 2, -1.0, 1.0);
                one(square, FORM_DEGREE)
            }
            Approximation::Composite(degrees) => {
                let identity = ChebyshevSeries { coefficients: vec![0.0, 1.0], lo: -1.0, hi: 1.0 };
                let value = if plain { identity } else { between(FORM_DEGREE, &|x| x) };
                // The sign of a message is that of its slot in any form.
                let mut stages = degrees.relu().clone().over(reach).sign.stages;
                let last = stages.last_mut().expect("at least one polynomial");
                last.coefficients.iter_mut().for_each(|c| *c /= 2.0);
                last.coefficients[0] += 0.5;
                let gate = stages.into_iter().map(Polynomial::new).collect();
                Self(Function::Polynomials { value: Polynomial::new(value), gate })
            }
            Approximation::Cosine | Approximation::CosineAndSquare => Self(Function::Wave(Wave::RELU)),
        }
    }

    /// The quadratic interpolant of ReLU between plain messages.
    pub(crate) fn square() -> Self {
        Self(Function::Square(Square::of_relu()))
    }

    /// The number of levels that it spends after a bootstrap.
    pub fn depth(&self) -> usize {
        match &self.0 {
            Function::Polynomials { value, gate } if gate.is_empty() => value.plan.depth(),
            Function::Polynomials { value, gate } => gate_depth(gate).max(value.plan.depth()) + 1,
            Function::Wave(_) => 0,
            Function::Square(_) => 1,
        }
    }

    /// The number of relinearizations.
    pub fn relinearizations(&self) -> usize {
        match &self.0 {
            Function::Polynomials { value, gate } => {
                let polynomials = gate.iter().chain([value]).map(|stage| stage.plan.relinearizations());
                polynomials.sum::<usize>() + usize::from(!gate.is_empty())
            }
            Function::Wave(_) => 0,
            Function::Square(_) => 1,
        }
    }

    /// The value of the activation at a slot, in the clear; of a wave at a message.
    pub fn value(&self, slot: f64) -> f64 {
        match &self.0 {
            Function::Polynomials { value, gate } => {
                let value = value.series.evaluate(slot);
                if gate.is_empty() {
                    return value;
                }
                value * gate.iter().fold(slot, |x, stage| stage.series.evaluate(x))
            }
            Function::Wave(wave) => wave.of(slot),
            Function::Square(square) => square.of(slot),
        }
    }

    /// Replaces each slot by the value of the activation, in the clear. The bits are those of [`Approximant::value`].
    pub fn apply(&self, slots: &mut [f64]) {
        match &self.0 {
            Function::Polynomials { value, gate } => {
                if gate.is_empty() {
                    return chebyshev::evaluate_in_place(&value.series, slots);
                }
                let mut gates = slots.to_vec();
                gate.iter().for_each(|stage| chebyshev::evaluate_in_place(&stage.series, &mut gates));
                chebyshev::evaluate_in_place(&value.series, slots);
                slots.iter_mut().zip(gates).for_each(|(slot, gate)| *slot *= gate);
            }
            Function::Wave(wave) => slots.iter_mut().for_each(|slot| *slot = wave.of(*slot)),
            Function::Square(square) => slots.iter_mut().for_each(|slot| *slot = square.of(*slot)),
        }
    }

    /// The scale of the result for an input of this level and scale, if `wanted` is asked for.
    pub(crate) fn scale(&self, params: &Parameters, level: usize, scale: f64, wanted: f64) -> f64 {
        match self.0 {
            Function::Square(Square { c2, .. }) => scale * scale / params.prime(level) / c2,
            Function::Polynomials { .. } | Function::Wave(_) => wanted,
        }
    }

    /// Whether the activation holds for a message: in [−1, 1] for polynomials, and any number for a wave or a square.
    pub(crate) fn holds(&self, message: f64) -> bool {
        match self.0 {
            Function::Polynomials { .. } => (-1.0..=1.0).contains(&message),
            Function::Wave(_) | Function::Square(_) => message.is_finite(),
        }
    }

    /// The activation of a ciphertext, at `scale` (a square chooses its own) and [`Approximant::depth`] levels below `x`.
    ///
    /// # Errors
    /// If `x` has fewer levels than the depth, or if the relinearization key is missing.
    ///
    /// # Panics
    /// For a wave, which a bootstrap evaluates.
    pub fn evaluate(&self, evaluator: &Evaluator, x: &Ciphertext, scale: f64) -> Result<Ciphertext, CkksError> {
        let (value, gate) = match &self.0 {
            Function::Polynomials { value, gate } => (value, gate),
            Function::Wave(_) => panic!("a bootstrap evaluates the wave"),
            Function::Square(square) => return square.evaluate(evaluator, x),
        };
        let Some((last, inner)) = gate.split_last() else { return value.evaluate(evaluator, x, scale) };
        let params = evaluator.params();
        let level = (x.level() + 1).checked_sub(self.depth()).ok_or(CkksError::LevelTooLow {
            operation: "activation",
            found: x.level(),
            wanted: self.depth(),
        })?;
        let mut gate = x.clone();
        for stage in inner {
            // A product of two ciphertexts of about this scale has about this scale again after rescaling.
            let scale = params.prime(gate.level() - stage.plan.depth());
            gate = stage.evaluate(evaluator, &gate, scale)?;
        }
        let gate = last.evaluate(evaluator, &gate, scale)?;
        let mut value = value.evaluate(evaluator, x, params.prime(level))?;
        evaluator.drop_to(&mut value, level)?;
        evaluator.multiply_rescale(&value, &gate)
    }
}

fn gate_depth(gate: &[Polynomial]) -> usize {
    gate.iter().map(|stage| stage.plan.depth()).sum()
}

/// Returns how much an error at a message counts: about how often such messages are.
pub(crate) fn message_weight(message: f64) -> f64 {
    usual(message) + LEAST_WEIGHT
}

/// Returns the density of usual messages over that at 0.
fn usual(message: f64) -> f64 {
    (-(message / USUAL_MESSAGE).powi(2) / 2.0).exp()
}

fn relu(x: f64) -> f64 {
    x.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Sine;

    fn worst(approximant: &Approximant, from: Form, to: Form) -> f64 {
        let error = |k: i32| {
            let x = f64::from(k) / 1000.0;
            (to.value(approximant.value(from.slot(x))) - x.max(0.0)).abs()
        };
        (-1000..=1000).map(error).fold(0.0, f64::max)
    }

    #[test]
    fn every_approximation_is_as_good_as_its_theory_in_every_form() {
        let sine = Sine { ratio: 64.0 };
        // The largest error is at the kink: 0.1401/d for the best polynomial, and 1/(2·(d + 1)) for the interpolant of
        // odd degree d; of composites by bits.
        for (text, error) in [
            ("chebyshev:15", 0.0308),
            ("minimax:15", 0.0100),
            ("chebyshev:59", 0.00834),
            ("minimax:59", 0.00241),
            ("composite:7,7,13", 2f64.powf(-10.1)),
        ] {
            let approximation: Approximation = text.parse().unwrap();
            for from in [Form::Plain, Form::Sine(sine)] {
                for to in [Form::Plain, Form::Arcsine(sine)] {
                    let found = worst(&Approximant::new(&approximation, from, to), from, to);
                    assert!((found / error - 1.0).abs() < 0.1, "{text} from {from:?} to {to:?}: {found}, {error}");
                }
            }
        }
    }

    /// The largest differences from the plain polynomial for |x| ≤ 0.2 and for all x, in both forms of the result.
    fn differences(text: &str, sine: Sine) -> [f64; 2] {
        let approximation = text.parse().unwrap();
        let plain = Approximant::new(&approximation, Form::Plain, Form::Plain);
        let from = Form::Sine(sine);
        let to = |to: Form| {
            let other = Approximant::new(&approximation, from, to);
            let difference = |x: f64| (to.value(other.value(from.slot(x))) - plain.value(x)).abs();
            let largest = |end: i32| (-end..=end).map(|k| difference(f64::from(k) / 1000.0)).fold(0.0, f64::max);
            [largest(200), largest(1000)]
        };
        let (a, b) = (to(Form::Plain), to(Form::Arcsine(sine)));
        [a[0].max(b[0]), a[1].max(b[1])]
    }

    #[test]
    fn the_polynomial_is_the_same_in_every_form() {
        for text in ["chebyshev:7", "minimax:15", "chebyshev:59", "minimax:31", "square"] {
            let [_, worst] = differences(text, Sine { ratio: 64.0 });
            assert!(worst < 2e-4, "{text}: {worst:e}");
        }
    }

    #[test]
    fn a_fit_is_the_same_polynomial_above_all_where_messages_are() {
        // A ratio of 16 is the smallest of a shipped profile.
        for (text, ratio, usual, all) in [
            ("chebyshev:7", 64.0, 4e-6, 1e-4),
            ("chebyshev:7", 16.0, 6e-5, 1.5e-3),
            ("minimax:15", 64.0, 1e-5, 2e-4),
            ("chebyshev:59", 16.0, 1e-5, 1e-5),
        ] {
            let found = differences(text, Sine { ratio });
            assert!(found[0] < usual && found[1] < all, "{text} at a ratio of {ratio}: {found:?}");
        }
    }

    #[test]
    fn many_slots_at_once_are_evaluated_like_one() {
        for text in ["chebyshev:7", "minimax:8", "composite:3,5", "square"] {
            let approximant = Approximant::new(&text.parse().unwrap(), Form::Plain, Form::Plain);
            let slots: Vec<f64> = (-20..=20).map(|k| f64::from(k) / 20.0).collect();
            let mut found = slots.clone();
            approximant.apply(&mut found);
            assert_eq!(found, slots.iter().map(|&slot| approximant.value(slot)).collect::<Vec<_>>(), "{text}");
            let gated = matches!(&approximant.0, Function::Polynomials { gate, .. } if !gate.is_empty());
            assert_eq!(gated, text.starts_with("composite"));
        }
    }
}
