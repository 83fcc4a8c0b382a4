//! The main primes of a circuit by the step that spends them, and its special primes.

use fhe_circuits::eval_mod::EvalMod;
use fhe_ckks::{CkksError, shape};

use crate::approximation::Approximation;
use crate::encrypted::packing::Packing;
use crate::encrypted::profile::{Masks, Profile};

/// Primes of one size and one purpose that follow each other in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrimeGroup {
    /// The step that spends them.
    pub purpose: &'static str,
    /// Size of each in bits.
    pub bits: u32,
    /// Their number.
    pub count: usize,
}

/// The main primes of a circuit, and the levels that follow from them.
pub(super) struct Chain {
    /// The primes by the step that spends them, from the bottom of the chain to its top.
    pub groups: Vec<PrimeGroup>,
    /// The bits of a convolution's prime that masks spend.
    pub masks: Masks,
    /// Level of a bootstrapped ciphertext.
    pub activation_level: usize,
    /// Level at which a convolution starts that a bootstrap follows.
    pub linear_level: usize,
    /// Number of layers to a bootstrap.
    pub rounds: usize,
}

impl Chain {
    /// Returns the chain of a circuit whose activations have these depths: after a bootstrap, and without one.
    ///
    /// # Errors
    /// Rounds that a wave does not allow, and an EvalMod that cannot be.
    pub(super) fn new(
        approximation: &Approximation,
        packing: Packing,
        profile: &Profile,
        [depth, plain_depth]: [usize; 2],
    ) -> Result<Self, CkksError> {
        let wave = approximation.wave();
        let lowering = profile.slots_to_coeffs.primes;
        let masks = if packing.spreads() { profile.masks } else { Masks::None };
        let convolution = packing.levels() + masks.levels();
        let linear_level = lowering + convolution;
        let rounds = rounds(approximation, profile)?;
        // The levels from the start of a convolution without a bootstrap after it to that of the next convolution.
        let round = convolution + plain_depth;
        let above = linear_level + depth + (rounds - 1) * round;
        // A convolution that starts at the level of a fresh bootstrap may spend more levels than other steps need. A wave
        // leaves no choice of the convolution that a bootstrap follows.
        let last = if wave.is_some() && rounds > 1 { linear_level + plain_depth } else { lowering };
        let downsampling = packing.refreshed_levels().map_or(0, |levels| (last + levels).saturating_sub(above));
        let eval_mod = EvalMod::new(profile.eval_mod_literal(wave), profile.message_ratio)?;

        let group = |purpose, bits, count| PrimeGroup { purpose, bits, count };
        let mut groups = vec![
            group("first prime", profile.base, 1),
            group("SlotsToCoeffs", profile.slots_to_coeffs.bits, lowering),
            group("convolution", profile.linear + masks.bits(), convolution),
        ];
        let names = match wave {
            Some(_) => ["square", "convolution before the square"],
            None => ["activation without bootstrap", "convolution before it"],
        };
        for _ in 1..rounds {
            groups.push(group(names[0], profile.activation, plain_depth));
            groups.push(group(names[1], profile.linear + masks.bits(), convolution));
        }
        groups.extend([
            group("downsampling", profile.activation, downsampling),
            group("activation", profile.activation, depth.saturating_sub(1)),
            // The activation's first product lowers the scale of a bootstrapped value to that of the other products.
            group("activation's first product", profile.eval_mod, depth.min(1)),
            group("EvalMod", profile.eval_mod, eval_mod.depth()),
            group("CoeffsToSlots", profile.coeffs_to_slots.bits, profile.coeffs_to_slots.primes),
        ]);
        groups.retain(|group| group.count > 0);
        Ok(Self { groups, masks, activation_level: above + downsampling, linear_level, rounds })
    }
}

/// The number of layers to a bootstrap: the network's own choice with waves, else that of the profile.
fn rounds(approximation: &Approximation, profile: &Profile) -> Result<usize, CkksError> {
    match approximation.wave() {
        None => Ok(profile.rounds),
        Some(_) if profile.rounds == 1 => Ok(1 + usize::from(approximation.has_squares())),
        Some(_) => {
            let wanted = format!("1 with {approximation}, which says itself where its bootstraps are");
            Err(CkksError::Parameters { what: "profile.rounds", found: profile.rounds.to_string(), wanted })
        }
    }
}

/// Bits by which all primes together may exceed their nominal sizes.
const EXCESS: f64 = 0.01;

/// The number of special primes that a profile asks for, if they fit; else the number with which the tallest key has as
/// few digits, but at least two, as the limit on logQP allows, and no more than the profile is of use with.
pub(super) fn special_primes(log_n: u32, main_bits: &[u32], profile: &Profile, limit: f64) -> Result<usize, CkksError> {
    let (log_q, most) = (main_bits.iter().sum::<u32>(), limit - EXCESS);
    let refused = |wanted| {
        let found = format!("{log_q} bits of main primes at ring dimension 2^{log_n}");
        CkksError::Parameters { what: "modulus of the circuit", found, wanted }
    };
    match profile.special_primes {
        Some(count) if f64::from(log_q + count as u32 * profile.special) <= most => Ok(count),
        Some(count) => Err(refused(format!(
            "room for {count} special primes of {} bits below the 128-bit limit of {limit} bits: fewer or shorter primes, \
             a lower degree or a larger ring",
            profile.special
        ))),
        None => shape::special_primes(main_bits, profile.special, 2..=profile.most_digits.unwrap_or(usize::MAX), most)
            .ok_or_else(|| {
                refused(format!(
                    "room for a special prime below the 128-bit limit of {limit} bits: a lower degree or a larger ring"
                ))
            }),
    }
}
