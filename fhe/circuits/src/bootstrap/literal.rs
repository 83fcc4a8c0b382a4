//! A bootstrapping circuit as a person writes it down, its levels, and its check.

use fhe_ckks::{CkksError, Parameters};

use super::overflow;
use super::stages::Stages;
use crate::eval_mod::{EvalMod, EvalModLiteral};

/// log2 of the largest accepted probability that a bootstrap fails.
const LOG2_FAILURE: f64 = -40.0;

/// Returns the smallest range of EvalMod that a bootstrap leaves with a probability of at most 2^−40, in a ring of
/// dimension `n` with an ephemeral secret of this weight.
pub fn sufficient_range(weight: u32, n: usize) -> u32 {
    overflow::sufficient_range(weight, n, LOG2_FAILURE)
}

/// The place of SlotsToCoeffs among the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootstrapOrder {
    /// First, at the lowest levels. The input keeps these levels for it, and EvalMod ends the bootstrap.
    Slim,
    /// Last, at the levels below EvalMod. The input may be at level 0.
    Classic,
}

/// The values that slots hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotValues {
    /// Real numbers in [−1, 1]. EvalMod runs once.
    Real,
    /// Complex numbers in the unit square, |Re|, |Im| ≤ 1 (in the classic order in the unit disc). EvalMod runs once if
    /// the classic order packs both parts into one ciphertext, for up to N/4 slots; otherwise twice.
    Complex,
}

/// A bootstrapping circuit as a person writes it down, unchecked. [`Bootstrapper::new`](super::Bootstrapper::new)
/// checks it; [`presets`](crate::presets) has ready ones.
#[derive(Clone, Debug, PartialEq)]
pub struct BootstrapLiteral {
    /// The place of SlotsToCoeffs.
    pub order: BootstrapOrder,
    /// The values that the slots hold.
    pub values: SlotValues,
    /// Number of slots n, a power of two from 2 to N/2.
    pub slots: usize,
    /// The stages of SlotsToCoeffs; their butterfly levels add up to log2(n).
    pub slots_to_coeffs: Stages,
    /// The stages of CoeffsToSlots.
    pub coeffs_to_slots: Stages,
    /// The approximation of the remainder modulo q₀.
    pub eval_mod: EvalModLiteral,
    /// The ratio ρ of the first prime to the scale at which messages in [−1, 1] are raised. The classic order
    /// multiplies its input by an integer to reach that scale, so ρ may come out larger.
    pub message_ratio: f64,
    /// Scale of the ciphertexts to bootstrap.
    pub input_scale: f64,
    /// Scale of the bootstrapped ciphertexts.
    pub output_scale: f64,
}

/// The places of the reduced coefficients c_j + i·c_(j+n).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// The real parts in one ciphertext; the imaginary parts follow from them.
    Real,
    /// Real and imaginary parts in two ciphertexts of n slots.
    Separate,
    /// One ciphertext of 2n slots: real parts in its lower half, imaginary parts in its upper half.
    Packed,
}

/// A classic bootstrap multiplies its input up to the scale q₀/ρ. It may exceed that by this factor, since the first
/// prime is not exactly a power of two.
const RATIO_SLACK: f64 = 1.01;

impl BootstrapLiteral {
    /// The lowest level of an input. Ciphertexts above it are lowered.
    pub fn input_level(&self) -> usize {
        match self.order {
            BootstrapOrder::Slim => self.slots_to_coeffs.levels,
            BootstrapOrder::Classic => 0,
        }
    }

    /// The level of the output.
    ///
    /// # Errors
    /// Those of [`Bootstrapper::new`](super::Bootstrapper::new).
    pub fn output_level(&self, params: &Parameters) -> Result<usize, CkksError> {
        self.check(params)?;
        let reduced = self.reduced_level(params)?;
        Ok(match self.order {
            BootstrapOrder::Slim => reduced,
            BootstrapOrder::Classic => reduced - self.slots_to_coeffs.levels,
        })
    }

    /// log2 of a bound on the probability that a bootstrap fails because an integer part leaves the range of EvalMod;
    /// −∞ if that cannot happen.
    ///
    /// # Errors
    /// Those of [`Bootstrapper::new`](super::Bootstrapper::new).
    pub fn log2_failure(&self, params: &Parameters) -> Result<f64, CkksError> {
        self.check(params)?;
        let weight = params.literal().ephemeral_weight.expect("checked");
        Ok(overflow::log2_failure(weight, self.eval_mod.range, params.n()))
    }

    /// Returns the level after EvalMod.
    fn reduced_level(&self, params: &Parameters) -> Result<usize, CkksError> {
        let eval_mod = EvalMod::new(self.eval_mod.clone(), self.raised_ratio(params)?)?;
        let after = match self.order {
            BootstrapOrder::Slim => 0,
            BootstrapOrder::Classic => self.slots_to_coeffs.levels,
        };
        let spent = self.coeffs_to_slots.levels + eval_mod.depth() + after;
        match params.max_level().checked_sub(spent) {
            Some(left) if self.input_level() <= params.max_level() => Ok(left + after),
            _ => Err(CkksError::LevelTooLow {
                operation: "bootstrapping",
                found: params.max_level(),
                wanted: spent.max(self.input_level()),
            }),
        }
    }

    /// Returns the integer that the input is multiplied by to reach the scale at which it is raised. It is 1 in the
    /// slim order, where SlotsToCoeffs changes the scale.
    pub(super) fn scale_up(&self, params: &Parameters) -> Result<i64, CkksError> {
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

    /// Returns q₀ over the scale at which messages are raised.
    pub(super) fn raised_ratio(&self, params: &Parameters) -> Result<f64, CkksError> {
        match self.order {
            BootstrapOrder::Slim => Ok(self.message_ratio),
            BootstrapOrder::Classic => Ok(params.prime(0) / (self.input_scale * self.scale_up(params)? as f64)),
        }
    }

    pub(super) fn layout(&self, max_slots: usize) -> Layout {
        match (self.values, self.order) {
            (SlotValues::Real, _) => Layout::Real,
            (SlotValues::Complex, BootstrapOrder::Classic) if 2 * self.slots <= max_slots => Layout::Packed,
            (SlotValues::Complex, _) => Layout::Separate,
        }
    }

    pub(super) fn check(&self, params: &Parameters) -> Result<(), CkksError> {
        let wanted = |what, found, wanted| Err(CkksError::Parameters { what, found, wanted });
        if !self.slots.is_power_of_two() || self.slots < 2 || self.slots > params.max_slots() {
            return Err(CkksError::Slots { found: self.slots, max: params.max_slots() });
        }
        let levels = self.slots.trailing_zeros();
        for Stages { merged: radices, levels: spent, .. } in [&self.slots_to_coeffs, &self.coeffs_to_slots] {
            if radices.contains(&0) || radices.iter().sum::<u32>() != levels {
                let found = format!("{radices:?}");
                let positive = format!("positive numbers that add up to {levels}, for {} slots", self.slots);
                return wanted("butterfly levels merged by the stages of a transform", found, positive);
            }
            if !(1..=radices.len()).contains(spent) {
                let at_most = format!("1 to {}, the number of stages", radices.len());
                return wanted("levels that the stages of a transform spend", spent.to_string(), at_most);
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

    /// Returns the level at which SlotsToCoeffs starts.
    pub(super) fn first_level_of_slots_to_coeffs(&self, params: &Parameters) -> Result<usize, CkksError> {
        match self.order {
            BootstrapOrder::Slim => Ok(self.input_level()),
            BootstrapOrder::Classic => self.reduced_level(params),
        }
    }
}
