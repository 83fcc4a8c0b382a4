//! Profiles: the bits that each step of the circuit spends, for large rings and for small ones.

use std::f64::consts::TAU;

use fhe_circuits::{EvalModLiteral, Kernel};

use crate::form::Sine;
use crate::wave::Wave;

/// Weight of the ephemeral secret.
pub(super) const EPHEMERAL_WEIGHT: u32 = 32;

/// The sizes of the primes of a circuit and the shape of its bootstrap.
///
/// The dominant noise comes from CoeffsToSlots and EvalMod: with primes of b bits there, a message of one keeps about b
/// − log2(w·ρ) − log2(√n·v) bits, where w is the width of EvalMod's interval and v the rounding error of a rescaling
/// (see `fhe/circuits/docs/precision.md`).
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Name.
    pub name: &'static str,
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
    /// The most digits of a key with which the profile is of use: a shorter one is faster with fewer.
    pub most_digits: usize,
    /// SlotsToCoeffs.
    pub slots_to_coeffs: Transform,
    /// CoeffsToSlots.
    pub coeffs_to_slots: Transform,
    /// The first prime over the scale at which values in [−1, 1] are raised.
    pub message_ratio: f64,
    /// The bound of integer parts in EvalMod.
    pub range: u32,
    /// Degree of the series of EvalMod.
    pub eval_mod_degree: usize,
    /// Number of double-angle steps of EvalMod.
    pub double_angles: u32,
    /// Decimals of a logit that the noise leaves: in published runs the largest error of a logit was 0.024 in the narrow
    /// profile and 8.4e-5 in the wide one.
    pub logit_digits: usize,
}

/// The room for masks before the product of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transform {
    /// Numbers of butterfly levels that its stages merge, smallest strides first.
    pub stages: &'static [u32],
    /// Number of primes that the stages spend together.
    pub primes: usize,
    /// Bits of each.
    pub bits: u32,
}

/// The standard deviation of a raised coefficient over the first prime: a sum of residues, one for each coefficient of
/// the ephemeral secret and one more.
fn deviation() -> f64 {
    (f64::from(EPHEMERAL_WEIGHT + 1) / 12.0).sqrt()
}

impl Profile {
    /// The profiles for polynomials, the most precise first. [`Circuit::new`](super::Circuit::new) chooses the first that
    /// fits.
    pub const POLYNOMIAL: [Self; 2] = [Self::WIDE, Self::NARROW];

    /// The profiles for waves, the most precise first.
    pub const WAVE: [Self; 2] = [Self::WIDE_TURN, Self::TURN];

    /// At least nineteen bits in the worst slot of a bootstrap, for rings of 2^16 and above.
    pub const WIDE: Self = Self {
        name: "wide",
        base: 50,
        linear: 42,
        scale: 42,
        masks: Masks::Own,
        activation: 45,
        eval_mod: 50,
        special: 49,
        most_digits: usize::MAX,
        slots_to_coeffs: Transform { stages: &[5, 5, 4], primes: 2, bits: 50 },
        coeffs_to_slots: Transform { stages: &[3, 3, 4, 4], primes: 4, bits: 50 },
        message_ratio: 128.0,
        range: EPHEMERAL_WEIGHT / 2,
        eval_mod_degree: 30,
        double_angles: 3,
        logit_digits: 3,
    };

    /// About eight bits in the worst slot of a bootstrap, for a ring of 2^15, whose modulus is half as long. This
    /// suffices for a network, because few slots are as wrong as the worst. With two stages of SlotsToCoeffs there is
    /// room for special primes, which save more time than the rotations of a third stage would.
    pub const NARROW: Self = Self {
        name: "narrow",
        base: 38,
        linear: 32,
        scale: 32,
        masks: Masks::None,
        activation: 34,
        eval_mod: 38,
        special: 48,
        most_digits: usize::MAX,
        slots_to_coeffs: Transform { stages: &[7, 7], primes: 1, bits: 48 },
        coeffs_to_slots: Transform { stages: &[5, 5, 4], primes: 2, bits: 48 },
        message_ratio: 64.0,
        range: EPHEMERAL_WEIGHT / 2,
        eval_mod_degree: 30,
        double_angles: 3,
        logit_digits: 1,
    };

    /// For networks whose activation is the cosine of the bootstrap. Messages fill the whole modulus, so the same primes
    /// keep five bits more than with a ratio of 64. Long special primes make digits of many main primes.
    pub const WIDE_TURN: Self =
        Self { name: "wide-turn", base: 32, linear: 30, scale: 32, activation: 30, most_digits: 2, ..Self::TURN };

    /// As [`Profile::WIDE_TURN`], with shorter primes: a ring of 2^15 has room for squares between the bootstraps.
    pub const TURN: Self = Self {
        name: "turn",
        base: 30,
        linear: 27,
        scale: 29,
        masks: Masks::Shared { bits: 20 },
        activation: 26,
        eval_mod: 38,
        special: 50,
        most_digits: usize::MAX,
        slots_to_coeffs: Transform { stages: &[7, 7], primes: 1, bits: 48 },
        coeffs_to_slots: Transform { stages: &[5, 5, 4], primes: 2, bits: 50 },
        message_ratio: 2.0,
        range: 13,
        eval_mod_degree: 30,
        double_angles: 2,
        logit_digits: 1,
    };

    /// The sine that bootstraps leave.
    pub fn sine(&self) -> Sine {
        Sine { ratio: self.message_ratio }
    }

    pub(super) fn eval_mod_literal(&self, wave: Option<Wave>) -> EvalModLiteral {
        EvalModLiteral {
            kernel: wave
                .map_or(Kernel::Cosine, |wave| Kernel::Wave { phase: wave.phase / TAU, deviation: deviation() }),
            range: self.range,
            degree: self.eval_mod_degree,
            double_angles: self.double_angles,
            arcsine_degree: 0,
        }
    }
}
