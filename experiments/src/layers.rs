//! The three-way error of a layer: exact activation → polynomial in cleartext → encrypted.
//!
//! The first difference is the polynomials' error and values outside their intervals. The second is the noise of
//! encryption.

use fhe_nn::ResNet;
use fhe_nn::encrypted::Op;
use fhe_nn::plain::{Activation, Outcome, Step};
use fhe_ring::meter::{Held, Holder};
use serde::Serialize;

/// The plaintext model's evaluations of an image, with the exact activation and with polynomials.
pub(crate) struct Reference {
    /// With the exact activation: ReLU, or the polynomial that the network was trained with.
    pub exact: Trace,
    /// With the polynomials of the circuit.
    pub polynomial: Trace,
    /// The bytes of both traces.
    _held: Held,
}

/// An evaluation in cleartext.
pub(crate) struct Trace {
    /// Its result.
    pub outcome: Outcome,
    /// The result of each step; empty without a trace.
    pub steps: Vec<Step>,
}

impl Trace {
    /// Returns the step of this name; `None` if there is none, or without a trace.
    fn step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.name == name)
    }
}

impl Reference {
    /// Evaluates both models and keeps their steps if `look`. `exact` is the activation that the network was trained
    /// with.
    pub(crate) fn new(
        network: &ResNet,
        input: &[f64],
        exact: &dyn Activation,
        polynomial: &dyn Activation,
        look: bool,
    ) -> Self {
        let evaluate = |activation: &dyn Activation| {
            if look {
                let (outcome, steps) = network.trace(input, activation);
                Trace { outcome, steps }
            } else {
                Trace { outcome: network.forward(input, activation), steps: Vec::new() }
            }
        };
        let (exact, polynomial) = (evaluate(exact), evaluate(polynomial));
        let values =
            [&exact, &polynomial].into_iter().flat_map(|trace| &trace.steps).map(|step| step.output.data.len());
        let held = Held::new(Holder::Models, 8 * values.sum::<usize>());
        Self { exact, polynomial, _held: held }
    }
}

/// The deviation of values from the expected ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Deviation {
    /// The largest deviation.
    pub max: f64,
    /// The mean deviation.
    pub mean: f64,
    /// 1 − Σ|v − v'| / Σ|v|, the paper's measure; NaN if all v are 0.
    pub paper: f64,
}

impl Deviation {
    /// Compares two vectors. The result is NaN if one of them has a NaN.
    ///
    /// # Panics
    /// If the vectors have different lengths.
    pub(crate) fn between(found: &[f64], expected: &[f64]) -> Self {
        assert_eq!(found.len(), expected.len(), "values of a layer");
        let errors = || found.iter().zip(expected).map(|(f, e)| (f - e).abs());
        let max = errors().fold(0.0, |max: f64, error| if error.is_nan() { error } else { max.max(error) });
        let sum: f64 = errors().sum();
        let paper = 1.0 - sum / expected.iter().map(|v| v.abs()).sum::<f64>();
        Self { max, mean: sum / expected.len() as f64, paper }
    }

    /// Returns −log2 of the largest deviation; `None` if that is 0, infinite or NaN.
    pub(crate) fn bits(self) -> Option<f64> {
        (self.max > 0.0 && self.max.is_finite()).then(|| -self.max.log2())
    }
}

/// The errors of a layer. A field is `None` without a trace, or if the error is infinite or NaN.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Errors {
    /// Largest error against the polynomial model.
    pub max_abs_error: Option<f64>,
    /// Mean error against the polynomial model.
    pub mean_abs_error: Option<f64>,
    /// −log2 of the largest error against the polynomial model.
    pub precision_bits: Option<f64>,
    /// The paper's measure of the error against the polynomial model.
    pub paper_precision: Option<f64>,
    /// Largest error of the polynomial model against the exact one.
    pub approximation_max_error: Option<f64>,
    /// Mean error of the polynomial model against the exact one.
    pub approximation_mean_error: Option<f64>,
    /// Values outside the activation's interval, in the polynomial model.
    pub overflow: Option<usize>,
    /// −log2 of a bootstrap's own largest error, over the half-width of the interval.
    pub own_precision_bits: Option<f64>,
}

impl Errors {
    /// Returns the errors of the layer `name`. `found` holds its values if another evaluation than those of `reference`
    /// made them.
    pub(crate) fn of(name: &str, found: Option<&[f64]>, op: Op, reference: &Reference) -> Self {
        let (Some(exact), Some(polynomial)) = (reference.exact.step(name), reference.polynomial.step(name)) else {
            return Self::default();
        };
        let approximation = Deviation::between(&polynomial.output.data, &exact.output.data);
        let deviation = found.map(|found| Deviation::between(found, &polynomial.output.data));
        let overflow = polynomial.overflow.filter(|_| op == Op::Activation);
        let number = |value: f64| Some(value).filter(|value| value.is_finite());
        Self {
            max_abs_error: deviation.and_then(|deviation| number(deviation.max)),
            mean_abs_error: deviation.and_then(|deviation| number(deviation.mean)),
            precision_bits: deviation.and_then(Deviation::bits),
            paper_precision: deviation.and_then(|deviation| number(deviation.paper)),
            approximation_max_error: number(approximation.max),
            approximation_mean_error: number(approximation.mean),
            overflow,
            own_precision_bits: None,
        }
    }
}

/// Returns the name of an operation in tables and files.
pub(crate) fn op_name(op: Op) -> &'static str {
    match op {
        Op::Convolution => "convolution",
        Op::Bootstrap => "bootstrap",
        Op::Activation => "activation",
        Op::Classifier => "classifier",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_and_no_number_have_no_bits() {
        assert_eq!(Deviation::between(&[1.0], &[1.0]).bits(), None);
        assert_eq!(Deviation::between(&[f64::NAN, 0.0], &[1.0, 0.0]).bits(), None);
        assert_eq!(Deviation::between(&[1.0, 0.5], &[1.0, 1.0]).bits(), Some(1.0));
    }

    #[test]
    fn the_papers_measure_is_relative_to_the_layer() {
        let deviation = Deviation::between(&[1.5, -2.0, 0.0], &[1.0, -2.0, 1.0]);
        assert_eq!((deviation.max, deviation.mean, deviation.paper), (1.0, 0.5, 1.0 - 1.5 / 4.0));
    }

    #[test]
    fn each_step_is_held_against_its_own() {
        let network = ResNet::from_safetensors(datasets::pretrained::RESNET20).unwrap();
        let input = datasets::cifar::embedded_test_sample()[0].normalised();
        // A ReLU that is wrong by one everywhere, and reports three values outside its interval.
        let shifted = |_: usize, values: &mut [f64]| {
            values.iter_mut().for_each(|v| *v = v.max(0.0) + 1.0);
            3
        };
        let reference = Reference::new(&network, &input, &fhe_nn::plain::Relu, &shifted, true);
        let first = Errors::of("conv1", None, Op::Convolution, &reference);
        assert_eq!((first.approximation_max_error, first.overflow, first.max_abs_error), (Some(0.0), None, None));
        let mut found = reference.polynomial.steps[1].output.data.clone();
        found[7] += 0.25;
        let act = Errors::of("act", Some(&found), Op::Activation, &reference);
        for error in [act.approximation_max_error, act.approximation_mean_error] {
            assert!((error.unwrap() - 1.0).abs() < 1e-12, "{error:?}");
        }
        assert!((act.max_abs_error.unwrap() - 0.25).abs() < 1e-12 && (act.precision_bits.unwrap() - 2.0).abs() < 1e-9);
        assert_eq!(act.overflow, Some(3));
        assert!(Errors::of("no such layer", None, Op::Activation, &reference).overflow.is_none());
    }
}
