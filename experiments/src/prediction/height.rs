//! The modulus of a key switch, and the work that it makes.

use fhe_circuits::StepWork;
use fhe_ckks::ParametersLiteral;

/// The cost of a multiplication in a base conversion, of a product of a digit's limb and a key's, of one with a diagonal's,
/// and of one with another ciphertext's, over that of a limb's transform. Measured on two cores with AVX-512 at N = 2^15 and
/// 2^16, where `mod_up`, `key_switch`, `multiply_plain` and `ntt` of `bench` tell them apart. Bootstraps that were measured
/// scale the sum, so only ratios count.
const CONVERSION: f64 = 0.09;
const PRODUCT: f64 = 0.55;
const DIAGONAL: f64 = 0.1;
const POINTWISE: f64 = 0.26;

/// The modulus of a key switch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Height {
    /// Main primes of its operand.
    limbs: usize,
    /// Special primes of the key.
    special: usize,
    /// Digits of the key.
    digits: usize,
    /// Main primes in a digit.
    digit_len: usize,
}

impl Height {
    /// Returns the modulus of a key for operands of so many primes. Parameters have a key for every level.
    pub(super) fn of(params: &ParametersLiteral, limbs: usize) -> Self {
        let shape = params.key_shape(limbs - 1).expect("checked parameters have a key for every level");
        Self { limbs, special: shape.special, digits: shape.digits(), digit_len: shape.digit_len }
    }

    /// Returns the number of transforms of a key switch: of each digit to all primes, then of the result back to the
    /// special primes and down.
    pub(super) fn transforms(self) -> f64 {
        ((self.digits + 2) * (self.limbs + self.special)) as f64
    }

    /// Returns the work of a step at this height, in transforms of a limb.
    fn work(self, step: &StepWork) -> f64 {
        let Self { limbs, special, digits, digit_len } = self;
        let whole = (limbs + special) as f64;
        let [l, k, d, len] = [limbs, special, digits, digit_len].map(|count| count as f64);
        let decomposition = d * whole + CONVERSION * (l * whole - l * len);
        let division = whole + CONVERSION * k * l;
        let [decompositions, products, divisions, diagonals] =
            [step.decompositions, step.products, step.divisions, step.diagonals].map(|count| count as f64);
        let [rescales, pointwise] = [step.rescales, step.pointwise].map(|count| count as f64);
        decompositions * decomposition
            + products * 2.0 * d * whole * PRODUCT
            + divisions * division
            + diagonals * 2.0 * whole * DIAGONAL
            + (rescales + POINTWISE * pointwise) * l
    }
}

/// The moduli of key switches at every number of limbs.
pub(super) struct Heights(Vec<Height>);

impl Heights {
    /// Returns the heights of parameters.
    pub(super) fn new(params: &ParametersLiteral) -> Self {
        Self((1..=params.main_bits.len()).map(|limbs| Height::of(params, limbs)).collect())
    }

    /// Returns the height of operands of so many primes.
    pub(super) fn at(&self, limbs: usize) -> Height {
        self.0[limbs - 1]
    }

    /// Returns the work of all steps of a bootstrap, in transforms of a limb.
    pub(super) fn work(&self, steps: &[StepWork]) -> f64 {
        let of = |step: &StepWork| {
            let own = self.at(step.limbs);
            // A polynomial below q₀ is its own digit. It is raised to all primes of its key.
            let raised = Height { special: self.0[0].special, digits: 1, digit_len: step.limbs, ..own };
            if step.raised { raised.work(step) + 2.0 * step.limbs as f64 } else { own.work(step) }
        };
        steps.iter().map(of).sum()
    }
}
