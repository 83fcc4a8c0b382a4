//! Profiles: the bits that each step of the circuit spends, for large rings and for small ones.
//!
//! A profile is data. Four are part of the program; others are read from files, and [`Profile::check`] refuses what no
//! circuit could have.

mod check;

use std::f64::consts::TAU;

use fhe_circuits::{EvalModLiteral, Kernel};
use serde::{Deserialize, Serialize};

use crate::form::Sine;
use crate::wave::Wave;

/// The least weight of an ephemeral secret: no table has a bound for less, and the project has no estimate of attacks on
/// sparser secrets.
pub const LEAST_EPHEMERAL_WEIGHT: u32 = 32;

/// The sizes of the primes of a circuit and the shape of its bootstrap.
///
/// The dominant noise comes from CoeffsToSlots and EvalMod: with primes of b bits there, a message of one keeps about b
/// − log2(w·ρ) − log2(√n·v) bits, where w is the width of EvalMod's interval and v the rounding error of a rescaling
/// (see `fhe/circuits/docs/precision.md`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Name.
    pub name: String,
    /// Bits of the first prime.
    pub base: u32,
    /// Bits of the primes that convolutions spend.
    pub linear: u32,
    /// Bits of the scale of a convolution's result.
    pub scale: u32,
    /// The masks of convolutions that share their work among copies.
    pub masks: Masks,
    /// Bits of the primes that activations spend.
    pub activation: u32,
    /// Bits of the primes that EvalMod spends.
    pub eval_mod: u32,
    /// Bits of the special primes.
    pub special: u32,
    /// Number of special primes. `None` for as many as give the tallest key the fewest digits, at least two, that the
    /// security of the ring allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub special_primes: Option<usize>,
    /// The most digits of a key with which the profile is of use: a shorter one is faster with fewer. `None` for any
    /// number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_digits: Option<usize>,
    /// Weight of the ephemeral secret, at least [`LEAST_EPHEMERAL_WEIGHT`].
    pub ephemeral_weight: u32,
    /// SlotsToCoeffs.
    pub slots_to_coeffs: Transform,
    /// CoeffsToSlots.
    pub coeffs_to_slots: Transform,
    /// The first prime over the scale at which values in [−1, 1] are raised.
    pub message_ratio: f64,
    /// The function that EvalMod approximates; with a wave it is always the cosine.
    #[serde(default)]
    pub kernel: Remainder,
    /// The bound of integer parts in EvalMod. A ring refuses a range that is left with a probability above 2^−40.
    pub range: u32,
    /// Degree of the series of EvalMod.
    pub eval_mod_degree: usize,
    /// Number of double-angle steps of EvalMod.
    pub double_angles: u32,
    /// Decimals of a logit that the noise leaves.
    pub logit_digits: usize,
    /// Rounds of a convolution and a polynomial activation for which one bootstrap leaves levels. With waves it is 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub rounds: usize,
}

fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(rounds: &usize) -> bool {
    *rounds == 1
}

/// The function that EvalMod approximates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Remainder {
    /// The shifted cosine. It is cheaper.
    #[default]
    Cosine,
    /// The complex exponential. It is about two bits more precise, and also needs the odd powers and a conjugation.
    Exponential,
}

/// The room for masks before the product of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Masks {
    /// None: convolutions do not share their work.
    None,
    /// Bits of the convolution's own prime.
    Shared {
        /// Their number, beside those of `linear`.
        bits: u32,
    },
    /// A prime of their own.
    Own,
}

impl Masks {
    /// Levels that a convolution spends for masks.
    pub(super) fn levels(self) -> usize {
        usize::from(self == Self::Own)
    }

    /// Bits that masks take of a convolution's prime.
    pub(super) fn bits(self) -> u32 {
        match self {
            Self::Shared { bits } => bits,
            Self::None | Self::Own => 0,
        }
    }
}

/// A transform between slots and coefficients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transform {
    /// Numbers of butterfly levels that its stages merge, smallest strides first. The last stage also takes what is left
    /// over; where there are fewer levels, later stages merge fewer.
    pub stages: Vec<u32>,
    /// Number of primes that the stages spend together.
    pub primes: usize,
    /// Bits of each.
    pub bits: u32,
    /// Baby steps that a giant step counts as, when the rotations of a stage are split: 1, unless given, for the fewest
    /// keys, 3 for the least time.
    #[serde(default = "fewest_keys", skip_serializing_if = "is_fewest_keys")]
    pub giant_step: u32,
}

/// The weight of a giant step with the fewest rotations and keys.
pub const FEWEST_KEYS: u32 = 1;
/// The weight of a giant step that takes the least time, by the count of transforms and products with keys.
pub const LEAST_TIME: u32 = 3;

fn fewest_keys() -> u32 {
    FEWEST_KEYS
}

fn is_fewest_keys(&weight: &u32) -> bool {
    weight == FEWEST_KEYS
}

impl Profile {
    /// The profiles for polynomials, the most precise first. [`Circuit::new`](super::Circuit::new) chooses the first that
    /// fits.
    pub fn polynomial() -> [Self; 2] {
        [Self::wide(), Self::narrow()]
    }

    /// The profiles for waves, the most precise first.
    pub fn wave() -> [Self; 2] {
        [Self::wide_turn(), Self::turn()]
    }

    /// About fifteen bits in the worst slot of a bootstrap, for rings of 2^16 and above. The shortest time with at least
    /// fourteen bits that `plan --search fastest` found for `chebyshev:59` at 2^16.
    pub fn wide() -> Self {
        Self {
            name: "wide".to_owned(),
            base: 37,
            linear: 35,
            scale: 35,
            masks: Masks::Own,
            activation: 38,
            eval_mod: 42,
            special: 48,
            special_primes: None,
            most_digits: Some(3),
            ephemeral_weight: LEAST_EPHEMERAL_WEIGHT,
            slots_to_coeffs: Transform { stages: vec![7, 7], primes: 1, bits: 50, giant_step: FEWEST_KEYS },
            coeffs_to_slots: Transform { stages: vec![3, 3, 4, 4], primes: 3, bits: 46, giant_step: LEAST_TIME },
            message_ratio: 16.0,
            kernel: Remainder::Cosine,
            range: 13,
            eval_mod_degree: 62,
            double_angles: 1,
            logit_digits: 2,
            rounds: 1,
        }
    }

    /// About nine bits in the worst slot of a bootstrap, for a ring of 2^15, whose modulus is half as long. This
    /// suffices for a network, because few slots are as wrong as the worst. With two stages of SlotsToCoeffs there is
    /// room for special primes, which save more time than the rotations of a third stage would. The shortest time with at
    /// least eight bits that `plan --search fastest` found for `chebyshev:7`.
    pub fn narrow() -> Self {
        Self {
            name: "narrow".to_owned(),
            base: 32,
            linear: 29,
            scale: 29,
            masks: Masks::Shared { bits: 21 },
            activation: 32,
            eval_mod: 36,
            special: 49,
            most_digits: None,
            slots_to_coeffs: Transform { stages: vec![7, 7], primes: 1, bits: 38, giant_step: FEWEST_KEYS },
            coeffs_to_slots: Transform { stages: vec![4, 5, 5], primes: 2, bits: 45, giant_step: LEAST_TIME },
            logit_digits: 1,
            ..Self::wide()
        }
    }

    /// For networks whose activation is the cosine of the bootstrap. Messages fill the whole modulus, so the same primes
    /// keep five bits more than with a ratio of 64. Long special primes make digits of many main primes.
    pub fn wide_turn() -> Self {
        Self {
            name: "wide-turn".to_owned(),
            base: 32,
            linear: 30,
            scale: 32,
            activation: 30,
            most_digits: Some(2),
            ..Self::turn()
        }
    }

    /// As [`Profile::wide_turn`], with shorter primes: a ring of 2^15 has room for squares between the bootstraps.
    pub fn turn() -> Self {
        Self {
            name: "turn".to_owned(),
            base: 30,
            linear: 27,
            scale: 29,
            masks: Masks::Shared { bits: 20 },
            activation: 26,
            eval_mod: 38,
            special: 50,
            slots_to_coeffs: Transform { stages: vec![7, 7], primes: 1, bits: 48, giant_step: FEWEST_KEYS },
            coeffs_to_slots: Transform { stages: vec![5, 5, 4], primes: 2, bits: 50, giant_step: FEWEST_KEYS },
            message_ratio: 2.0,
            eval_mod_degree: 30,
            double_angles: 2,
            ..Self::narrow()
        }
    }

    /// The sine that bootstraps leave.
    pub fn sine(&self) -> Sine {
        Sine { ratio: self.message_ratio }
    }

    pub(super) fn eval_mod_literal(&self, wave: Option<Wave>) -> EvalModLiteral {
        // The standard deviation of a raised coefficient over the first prime: a sum of residues, one for each coefficient
        // of the ephemeral secret and one more.
        let deviation = (f64::from(self.ephemeral_weight + 1) / 12.0).sqrt();
        EvalModLiteral {
            kernel: match (wave, self.kernel) {
                (Some(wave), _) => Kernel::Wave { phase: wave.phase / TAU, deviation },
                (None, Remainder::Cosine) => Kernel::Cosine,
                (None, Remainder::Exponential) => Kernel::Exponential,
            },
            range: self.range,
            degree: self.eval_mod_degree,
            double_angles: self.double_angles,
            arcsine_degree: 0,
        }
    }
}
