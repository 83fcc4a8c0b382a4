//! Bootstrapping: a ciphertext with its levels spent becomes one of the same slots with levels to spend.
//!
//! Five steps, in one of two orders. The classic one (Cheon, Han, Kim, Kim and Song, ePrint 2018/153; Chen, Chillotti
//! and Song, ePrint 2018/1043; Bossuat, Mouchet, Troncoso-Pastoriza and Hubaux, ePrint 2020/1203):
//!
//! 1. ModRaise: a ciphertext modulo q₀, read modulo all primes, has gained a multiple q₀·I of q₀.
//! 2. CoeffsToSlots: the coefficients of m + q₀·I become slots, where a circuit can work on them.
//! 3. EvalMod: each is reduced modulo q₀.
//! 4. Recombination: real and imaginary parts, reduced as slots of their own, become one complex slot again.
//! 5. SlotsToCoeffs: what had become slots returns to the coefficients.
//!
//! The slim order ([`BootstrapOrder::Slim`]; Chen and Han, ePrint 2018/067) begins with SlotsToCoeffs, on the few primes
//! that a spent ciphertext has left, so that of the tall transforms only one remains; the slots themselves are what
//! EvalMod reduces.
//!
//! In both, the modulus is raised under an ephemeral sparse secret (Bossuat, Troncoso-Pastoriza and Hubaux, ePrint
//! 2022/024), which keeps the range of EvalMod small while everything else is encrypted under a dense secret. Twice the
//! precision for twice the time is [`Bootstrapper::bootstrap_twice`].

mod circuit;
mod cost;
mod matrices;
mod overflow;
mod raise;
mod twice;

use fhe_ckks::{CkksError, KeyRequest, Parameters};

pub use circuit::Bootstrapper;
pub use cost::BootstrapCost;

use crate::eval_mod::{EvalMod, EvalModLiteral};
use crate::linear::LinearTransform;
use matrices::Matrices;

/// log2 of the probability of a bootstrap that fails, at most.
const LOG2_FAILURE: f64 = -40.0;

/// When SlotsToCoeffs runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootstrapOrder {
    /// First, at the lowest levels: the bootstrap spends them, and ends with EvalMod.
    Slim,
    /// Last, at the levels that EvalMod has left: the bootstrap takes ciphertexts down to level 0.
    Classic,
}

/// What slots hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotValues {
    /// Real numbers in [−1, 1]. EvalMod runs once.
    Real,
    /// Complex numbers in the unit square, |Re|, |Im| ≤ 1 (in the classic order the unit disc). EvalMod runs once where
    /// the classic order can pack both parts side by side, for up to N/4 slots, and twice elsewhere.
    Complex,
}

/// A bootstrapping circuit as a person writes it down.
#[derive(Clone, Debug, PartialEq)]
pub struct BootstrapLiteral {
    /// When SlotsToCoeffs runs.
    pub order: BootstrapOrder,
    /// What the slots hold.
    pub values: SlotValues,
    /// Number of slots n, a power of two from 2 to N/2.
    pub slots: usize,
    /// How many of the log2(n) butterfly levels each stage of SlotsToCoeffs merges; a stage spends one level.
    pub slots_to_coeffs: Vec<u32>,
    /// The same for CoeffsToSlots.
    pub coeffs_to_slots: Vec<u32>,
    /// The remainder's approximation.
    pub eval_mod: EvalModLiteral,
    /// ρ: the first prime divided by the scale at which messages in [−1, 1] are raised. The classic order multiplies its
    /// input by an integer to get there, and ρ may come out larger.
    pub message_ratio: f64,
    /// Scale of the ciphertexts to bootstrap.
    pub input_scale: f64,
    /// Scale of the bootstrapped ciphertexts.
    pub output_scale: f64,
}

/// How the reduced coefficients c_j + i·c_(j+n) are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// The real parts alone say everything.
    Real,
    /// Real and imaginary parts in a ciphertext of n slots each.
    Separate,
    /// Real parts in the lower and imaginary parts in the upper half of 2n slots.
    Packed,
}

/// A classic bootstrap multiplies its input up to the scale q₀/ρ; it may exceed that by this much, which is what the
/// first prime's distance from a power of two may ask for.
const RATIO_SLACK: f64 = 1.01;

impl BootstrapLiteral {
    /// Level of the input; ciphertexts above it are lowered.
    pub fn input_level(&self) -> usize {
        match self.order {
            BootstrapOrder::Slim => self.slots_to_coeffs.len(),
            BootstrapOrder::Classic => 0,
        }
    }

    /// Level of the output.
    ///
    /// # Errors
    /// As [`Bootstrapper::new`].
    pub fn output_level(&self, params: &Parameters) -> Result<usize, CkksError> {
        self.check(params)?;
        let reduced = self.reduced_level(params)?;
        Ok(match self.order {
            BootstrapOrder::Slim => reduced,
            BootstrapOrder::Classic => reduced - self.slots_to_coeffs.len(),
        })
    }

    /// Level after EvalMod.
    fn reduced_level(&self, params: &Parameters) -> Result<usize, CkksError> {
        let eval_mod = EvalMod::new(self.eval_mod.clone(), self.raised_ratio(params)?)?;
        let after = match self.order {
            BootstrapOrder::Slim => 0,
            BootstrapOrder::Classic => self.slots_to_coeffs.len(),
        };
        let spent = self.coeffs_to_slots.len() + eval_mod.depth() + after;
        match params.max_level().checked_sub(spent) {
            Some(left) if self.input_level() <= params.max_level() => Ok(left + after),
            _ => Err(CkksError::LevelTooLow {
                operation: "bootstrapping",
                found: params.max_level(),
                wanted: spent.max(self.input_level()),
            }),
        }
    }

    /// The integer that takes input to the scale at which it is raised: 1 in the slim order, where SlotsToCoeffs does.
    fn scale_up(&self, params: &Parameters) -> Result<i64, CkksError> {
        if self.order == BootstrapOrder::Slim {
            return Ok(1);
        }
        let most = params.prime(0) / self.message_ratio;
        let factor = (most / self.input_scale * RATIO_SLACK).floor();
        if factor < 1.0 {
            return Err(CkksError::Parameters {
                what: "input scale of a bootstrap in the classic order",
                found: format!("2^{:.2}", self.input_scale.log2()),
                wanted: format!("at most q₀/ρ = 2^{:.2}", most.log2()),
            });
        }
        Ok(factor as i64)
    }

    /// q₀ divided by the scale at which messages are raised.
    fn raised_ratio(&self, params: &Parameters) -> Result<f64, CkksError> {
        match self.order {
            BootstrapOrder::Slim => Ok(self.message_ratio),
            BootstrapOrder::Classic => Ok(params.prime(0) / (self.input_scale * self.scale_up(params)? as f64)),
        }
    }

    fn layout(&self, params: &Parameters) -> Layout {
        match (self.values, self.order) {
            (SlotValues::Real, _) => Layout::Real,
            (SlotValues::Complex, BootstrapOrder::Classic) if 2 * self.slots <= params.max_slots() => Layout::Packed,
            (SlotValues::Complex, _) => Layout::Separate,
        }
    }

    fn check(&self, params: &Parameters) -> Result<(), CkksError> {
        let wanted = |what, found, wanted| Err(CkksError::Parameters { what, found, wanted });
        if !self.slots.is_power_of_two() || self.slots < 2 || self.slots > params.max_slots() {
            return Err(CkksError::Slots { found: self.slots, max: params.max_slots() });
        }
        let levels = self.slots.trailing_zeros();
        for radices in [&self.slots_to_coeffs, &self.coeffs_to_slots] {
            if radices.contains(&0) || radices.iter().sum::<u32>() != levels {
                let found = format!("{radices:?}");
                let positive = format!("positive numbers that add up to {levels}, for {} slots", self.slots);
                return wanted("butterfly levels merged by the stages of a transform", found, positive);
            }
        }
        for (what, scale) in [("input scale", self.input_scale), ("output scale", self.output_scale)] {
            if !(scale >= 1.0 && scale.is_finite()) {
                return wanted(what, scale.to_string(), "a finite number of at least 1".to_owned());
            }
        }
        let range = self.eval_mod.range;
        let Some(weight) = params.literal().ephemeral_weight else {
            let weight = format!("the weight that EvalMod's range {range} is for");
            return wanted("ephemeral weight of parameters for bootstrapping", "none".to_owned(), weight);
        };
        self.eval_mod.check(self.message_ratio)?;
        let failure = overflow::log2_failure(weight, range, params.n());
        if failure > LOG2_FAILURE {
            let found =
                format!("{range}, which a bootstrap leaves with a probability of up to 2^{:.0}", failure.min(0.0));
            let least = overflow::sufficient_range(weight, params.n(), LOG2_FAILURE);
            return wanted("range of EvalMod", found, format!("at least {least} for an ephemeral weight of {weight}"));
        }
        self.reduced_level(params).map(drop)
    }

    /// The keys that the circuit needs, each at the level where it needs it.
    ///
    /// # Errors
    /// As [`Bootstrapper::new`].
    pub fn request_keys(&self, params: &Parameters) -> Result<KeyRequest, CkksError> {
        self.check(params)?;
        let mut request = KeyRequest::default();
        let matrices = Matrices::new(params, self);
        let first = self.first_level_of_slots_to_coeffs(params)?;
        for (k, matrix) in matrices.slots_to_coeffs.iter().enumerate() {
            LinearTransform::request_keys(params, matrix, first - k, &mut request);
        }
        let top = params.max_level();
        raise::Trace::new(params, self.slots).request_keys(params, &mut request);
        for (k, matrix) in matrices.coeffs_to_slots.iter().enumerate() {
            LinearTransform::request_keys(params, matrix, top - k, &mut request);
        }
        let raised = top - matrices.coeffs_to_slots.len();
        // The last stage is rescaled after the sum with the conjugate.
        request.conjugation(params, raised + 1);
        let eval_mod = EvalMod::new(self.eval_mod.clone(), self.raised_ratio(params)?)?;
        eval_mod.request_keys(params, raised, &mut request);
        if self.order == BootstrapOrder::Classic {
            let output = self.output_level(params)?;
            match self.layout(params) {
                Layout::Real => request.conjugation(params, output),
                Layout::Packed => request.rotation(params, self.slots as i64, output),
                Layout::Separate => {}
            }
        }
        Ok(request)
    }

    fn first_level_of_slots_to_coeffs(&self, params: &Parameters) -> Result<usize, CkksError> {
        match self.order {
            BootstrapOrder::Slim => Ok(self.input_level()),
            BootstrapOrder::Classic => self.reduced_level(params),
        }
    }
}
