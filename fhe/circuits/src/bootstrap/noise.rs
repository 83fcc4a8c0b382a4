//! The errors of a bootstrap, derived from the sizes of its primes before any of them is searched.
//!
//! The model is that of [`bootstrap`](super) ("Where the precision goes"), step by step, for circuits in the slim order:
//! roundings of rescalings, of the weights of both transforms, the error of EvalMod's series and the noise of each of its
//! products. Errors of steps are independent, so variances add. Given an integer part, EvalMod's errors are a fixed
//! one and a noise; the largest error of all slots is that of the mixture over integer parts.

use std::f64::consts::TAU;

use fhe_ckks::{CkksError, ParametersLiteral, SecretDistribution};

use super::literal::{BootstrapLiteral, BootstrapOrder};
use super::matrices::Shapes;
use super::stages::Stages;
use super::tail::{self, Share};
use crate::eval_mod::{EvalMod, Kernel};
use crate::linear::Shape;

/// The standard deviation of the error of a key.
const ERROR: f64 = 3.2;
/// Messages by which the errors of all are represented: uniform in [−1, 1].
const MESSAGES: [f64; 7] = [-1.0, -2.0 / 3.0, -1.0 / 3.0, 0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0];
/// The mean square of a message.
const MESSAGE_SQUARE: f64 = 1.0 / 3.0;

/// Standard deviations of the errors of a bootstrap, in units of messages in [−1, 1]; of a wave, in units of its amplitude.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BootstrapNoise {
    /// SlotsToCoeffs: its roundings and those of its weights.
    pub slots_to_coeffs: f64,
    /// ModRaise.
    pub mod_raise: f64,
    /// The roundings of CoeffsToSlots.
    pub coeffs_to_slots: f64,
    /// The roundings of the weights of CoeffsToSlots.
    pub weights: f64,
    /// The error of EvalMod's series.
    pub approximation: f64,
    /// The roundings of EvalMod.
    pub eval_mod: f64,
    /// All of them.
    pub deviation: f64,
    /// −log2 of the largest error among all slots, in the median.
    pub worst_bits: f64,
}

/// The errors of the steps before EvalMod, as standard deviations in units of messages in [−1, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransformNoise {
    /// SlotsToCoeffs: its roundings and those of its weights.
    pub slots_to_coeffs: f64,
    /// ModRaise.
    pub mod_raise: f64,
    /// The roundings of CoeffsToSlots.
    pub coeffs_to_slots: f64,
    /// The roundings of the weights of CoeffsToSlots.
    pub weights: f64,
}

/// The sizes that the model reads from parameters.
struct Ring<'a> {
    params: &'a ParametersLiteral,
    /// The deviation of a rescaling's rounding in a coefficient.
    rounding: f64,
    /// The deviation of a rescaling's rounding in the real part of a slot.
    slot: f64,
    /// The number of times that the slots repeat in the ring.
    copies: usize,
}

impl Ring<'_> {
    fn prime(&self, level: usize) -> f64 {
        f64::from(self.params.main_bits[level]).exp2()
    }
}

/// The noise of a transform.
struct Transformed {
    /// Variance of the roundings, in coefficients or slots of its result.
    roundings: f64,
    /// The relative variance that the rounding of its weights adds.
    weights: f64,
}

impl BootstrapLiteral {
    /// Returns the errors of the circuit with these parameters, whose primes have their nominal sizes.
    ///
    /// # Errors
    /// [`CkksError::Parameters`] for the classic order, for parameters without an ephemeral weight, and if EvalMod has no
    /// circuit; [`CkksError::LevelTooLow`] if there are too few primes.
    pub fn noise(&self, params: &ParametersLiteral) -> Result<BootstrapNoise, CkksError> {
        let eval_mod = EvalMod::new(self.eval_mod.clone(), self.message_ratio)?;
        let (ring, ephemeral) = self.ring(params)?;
        let top = params.main_bits.len().saturating_sub(1);
        let wanted = self.coeffs_to_slots.levels + eval_mod.depth();
        if top < wanted {
            return Err(CkksError::LevelTooLow { operation: "bootstrapping", found: top, wanted });
        }
        let TransformNoise { slots_to_coeffs, mod_raise, coeffs_to_slots, weights } =
            self.before_eval_mod(&ring, ephemeral, eval_mod.width());
        let before = slots_to_coeffs.powi(2) + mod_raise.powi(2);
        let into = [coeffs_to_slots.hypot(weights) / self.message_ratio, ring.slot];
        let (approximation, eval_mod, shares) = self.reduced(&ring, &eval_mod, ephemeral, before, into);
        let deviation =
            shares.iter().map(|s| s.probability * (s.bias.powi(2) + s.deviation.powi(2))).sum::<f64>().sqrt();
        let worst_bits = -tail::largest(&shares, self.slots, ring.copies).log2();
        Ok(BootstrapNoise {
            slots_to_coeffs,
            mod_raise,
            coeffs_to_slots,
            weights,
            approximation,
            eval_mod,
            deviation,
            worst_bits,
        })
    }

    /// Returns the errors of the steps before EvalMod, which take microseconds to derive. EvalMod's depth and series do
    /// not count.
    ///
    /// # Errors
    /// Those of [`BootstrapLiteral::noise`] but for EvalMod.
    pub fn transform_noise(&self, params: &ParametersLiteral) -> Result<TransformNoise, CkksError> {
        let (ring, ephemeral) = self.ring(params)?;
        Ok(self.before_eval_mod(&ring, ephemeral, self.eval_mod.width()))
    }

    /// Returns the sizes that the model reads, and the weight of the ephemeral secret.
    fn ring<'a>(&self, params: &'a ParametersLiteral) -> Result<(Ring<'a>, u32), CkksError> {
        let n = (1usize << params.log_n) as f64;
        let weight = match params.secret {
            SecretDistribution::UniformTernary => 2.0 / 3.0 * n,
            SecretDistribution::FixedWeight(weight) => f64::from(weight),
        };
        let (Some(ephemeral), BootstrapOrder::Slim) = (params.ephemeral_weight, self.order) else {
            let (what, found) = ("bootstrap whose noise is planned", format!("{:?}", self.order));
            let wanted = "the slim order, and parameters with an ephemeral weight".to_owned();
            return Err(CkksError::Parameters { what, found, wanted });
        };
        let (top, wanted) =
            (params.main_bits.len().saturating_sub(1), self.coeffs_to_slots.levels.max(self.slots_to_coeffs.levels));
        if top < wanted {
            return Err(CkksError::LevelTooLow { operation: "bootstrapping", found: top, wanted });
        }
        let rounding = ((1.0 + weight) / 12.0).sqrt();
        let copies = (1usize << (params.log_n - 1)) / self.slots;
        Ok((Ring { params, rounding, slot: (self.slots as f64).sqrt() * rounding, copies }, ephemeral))
    }

    fn before_eval_mod(&self, ring: &Ring<'_>, ephemeral: u32, width: f64) -> TransformNoise {
        let shapes = Shapes::new(ring.copies * self.slots, self);
        let raised = self.transformed(ring, &shapes.coeffs_to_slots, width);
        // A raised coefficient over q₀ is a sum of residues.
        let residues = (f64::from(ephemeral) + 1.0) / 12.0;
        TransformNoise {
            slots_to_coeffs: self.lowered(ring, &shapes.slots_to_coeffs).sqrt(),
            mod_raise: self.raised(ring, ephemeral).sqrt(),
            coeffs_to_slots: raised.roundings.sqrt() * width * self.message_ratio,
            weights: (raised.weights * residues).sqrt() * self.message_ratio,
        }
    }

    /// Returns the variance that SlotsToCoeffs adds: each stage's rounding grows by the norms of the stages after it.
    fn lowered(&self, ring: &Ring<'_>, shapes: &[Shape]) -> f64 {
        let (stages, first) = (&self.slots_to_coeffs, self.slots_to_coeffs.levels);
        let after = ring.prime(0) / self.message_ratio;
        let weights = scale_of_weights(ring, stages, first, after / self.input_scale);
        let (mut scale, mut variance) = (self.input_scale, 0.0);
        for (k, shape) in shapes.iter().enumerate() {
            scale = scale_after(ring, stages, first, k, scale * weights);
            let later: u32 = stages.merged[k + 1..].iter().sum();
            variance += (ring.rounding / scale).powi(2) * f64::from(later).exp2();
            let relative = rounding_of_weights(shape) / (weights.powi(2) * f64::from(stages.merged[k]).exp2());
            // Half of the error lies in the imaginary part.
            variance += MESSAGE_SQUARE / 2.0 * relative;
        }
        variance
    }

    /// Returns the variance that ModRaise adds: both switches of the secret and the trace.
    fn raised(&self, ring: &Ring<'_>, ephemeral: u32) -> f64 {
        let (q0, n) = (ring.prime(0), (1usize << ring.params.log_n) as f64);
        let scale = q0 / self.message_ratio;
        let special = |count: usize| -> f64 {
            ring.params.special_bits.iter().take(count).map(|&bits| f64::from(bits).exp2()).product()
        };
        let gadget = |count: usize| ERROR.powi(2) * n / 12.0 * (q0 / special(count)).powi(2);
        let to_sparse = gadget(1) + (1.0 + f64::from(ephemeral)) / 12.0;
        let count = ring.params.key_shape(0).map_or(1, |shape| shape.special);
        let copies = ring.copies as f64;
        let to_dense = (copies * gadget(count) + ring.rounding.powi(2)) / copies.powi(2);
        (to_sparse + to_dense) / scale.powi(2)
    }

    /// Returns the noise of CoeffsToSlots, whose result holds raised coefficients over q₀·`width`.
    fn transformed(&self, ring: &Ring<'_>, shapes: &[Shape], width: f64) -> Transformed {
        let (stages, top) = (&self.coeffs_to_slots, ring.params.main_bits.len() - 1);
        let raised = ring.prime(0) * width * ring.copies as f64;
        let weights = scale_of_weights(ring, stages, top, ring.prime(top - stages.levels) / raised);
        // The factor 1/2n is shared by all stages.
        let share = (0.5 / self.slots as f64).powf(1.0 / shapes.len() as f64);
        let norm = |merged: u32| f64::from(merged).exp2() * share.powi(2);
        let (mut scale, mut sum) = (raised, Transformed { roundings: 0.0, weights: 0.0 });
        for (k, shape) in shapes.iter().enumerate() {
            scale = scale_after(ring, stages, top, k, scale * weights);
            let later: f64 = stages.merged[k + 1..].iter().map(|&merged| norm(merged)).product();
            // The sum with the conjugate doubles the real part of all but the last rounding.
            let doubled = if k + 1 == shapes.len() { 1.0 } else { 4.0 };
            sum.roundings += doubled * (ring.slot / scale).powi(2) * later;
            sum.weights += rounding_of_weights(shape) / (weights.powi(2) * norm(stages.merged[k]));
        }
        sum
    }

    /// Returns the root mean square error of EvalMod's series, its noise, and all errors by integer part. `before` is the
    /// variance of the message, and the deviations `input` and `slot` are those of x and of a rounding at scale 1.
    fn reduced(
        &self,
        ring: &Ring<'_>,
        eval_mod: &EvalMod,
        ephemeral: u32,
        before: f64,
        [input, slot]: [f64; 2],
    ) -> (f64, f64, Vec<Share>) {
        let (ratio, level) = (self.message_ratio, ring.params.main_bits.len() - 1 - self.coeffs_to_slots.levels);
        let wave = matches!(self.eval_mod.kernel, Kernel::Wave { .. });
        let scale = if wave { self.output_scale } else { self.output_scale * ratio / TAU };
        let scales = eval_mod.scales(scale, |below| ring.prime(level - below));
        let (mut approximation, mut noise, mut shares) = (0.0, 0.0, Vec::new());
        for (integer, p) in tail::integers(ephemeral) {
            for message in MESSAGES {
                let x = f64::from(integer) + message / ratio;
                let Some(error) = eval_mod.error(x, message / ratio) else { continue };
                // From the sine to the message.
                let unit = if wave { 1.0 } else { ratio / TAU / (TAU * message / ratio).cos() };
                let own = unit * error.noise(slot, &scales);
                let through = unit * error.input * input / eval_mod.width();
                let bias = unit * error.bias;
                let probability = p / MESSAGES.len() as f64;
                approximation += probability * bias.powi(2);
                noise += probability * own.powi(2);
                let slope = if wave { TAU / ratio } else { 1.0 };
                let deviation = (own.powi(2) + through.powi(2) + before * slope * slope).sqrt();
                shares.push(Share { probability, bias, deviation });
            }
        }
        (f64::sqrt(approximation), f64::sqrt(noise), shares)
    }
}

/// Returns the scale of the weights of stages that start at level `first` and change the scale by `factor` together.
fn scale_of_weights(ring: &Ring<'_>, stages: &Stages, first: usize, factor: f64) -> f64 {
    let whole = (0..stages.levels).fold(factor, |whole, k| whole * ring.prime(first - k));
    whole.powf(1.0 / stages.merged.len() as f64)
}

/// Returns the scale after a stage whose product has the scale `product`.
fn scale_after(ring: &Ring<'_>, stages: &Stages, first: usize, stage: usize, product: f64) -> f64 {
    if stages.rescales_after(stage) { product / ring.prime(first - stages.spent_before(stage)) } else { product }
}

/// Returns the variance that roundings of a stage's weights of scale 1 add to a slot of a vector of mean square 1: each
/// diagonal is a polynomial with two rounded coefficients for each slot of its period.
fn rounding_of_weights(shape: &Shape) -> f64 {
    shape.0.values().map(|&period| 2.0 * period as f64 / 12.0).sum()
}
