//! What every circuit asks of a profile, before anything is computed from it.

use std::fmt::Display;
use std::ops::RangeInclusive;

use fhe_ckks::CkksError;

use super::{LEAST_EPHEMERAL_WEIGHT, Masks, Profile, Transform};

/// Sizes of primes: rings of 2^15 and above have primes of at least 17 bits, kernels take at most 50.
const PRIME_BITS: RangeInclusive<u32> = 20..=50;
/// The most special primes: a division drops a main prime with them.
const SPECIAL_PRIMES: RangeInclusive<usize> = 1..=13;
/// The most stages of a transform, and the most butterfly levels of one: 2^11 rotations.
const STAGES: RangeInclusive<usize> = 1..=8;
const MERGED: RangeInclusive<u32> = 1..=10;
/// The weights of giant steps. All greater ones leave no giant step.
const GIANT_STEPS: RangeInclusive<u32> = 1..=16;
/// The fewest bits of a transform's weights: with fewer they would be zero, and the message lost.
const LEAST_WEIGHT_BITS: f64 = 12.0;
/// Rounds to a bootstrap: no secure modulus has room for more.
const ROUNDS: RangeInclusive<usize> = 1..=16;
/// The longest name.
const LONGEST_NAME: usize = 40;

fn refused<T>(what: &'static str, found: impl Display, wanted: impl Into<String>) -> Result<T, CkksError> {
    Err(CkksError::Parameters { what, found: found.to_string(), wanted: wanted.into() })
}

fn within<N: PartialOrd + Display>(what: &'static str, found: N, wanted: RangeInclusive<N>) -> Result<(), CkksError> {
    if wanted.contains(&found) {
        return Ok(());
    }
    refused(what, found, format!("{} to {}", wanted.start(), wanted.end()))
}

impl Profile {
    /// Fails for a profile that no circuit could have. A circuit checks levels, EvalMod's error and the probability that
    /// its range is left, and parameters check security.
    ///
    /// # Errors
    /// [`CkksError::Parameters`] with the key, the value found and the values wanted.
    pub fn check(&self) -> Result<(), CkksError> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if self.name.is_empty() || self.name.len() > LONGEST_NAME || !self.name.chars().all(fits) {
            let wanted = format!("1 to {LONGEST_NAME} lower-case letters, digits, - and _");
            return refused("profile.name", format!("'{}'", self.name.escape_debug()), wanted);
        }
        self.check_primes()?;
        within("profile.ephemeral_weight", self.ephemeral_weight, LEAST_EPHEMERAL_WEIGHT..=1 << 12)?;
        if !(self.message_ratio >= 2.0 && self.message_ratio <= f64::from(1 << 16)) {
            return refused("profile.message_ratio", self.message_ratio, "2 to 65536");
        }
        within("profile.range", self.range, 1..=1 << 11)?;
        within("profile.eval_mod_degree", self.eval_mod_degree, 2..=254)?;
        within("profile.double_angles", self.double_angles, 0..=12)?;
        within("profile.logit_digits", self.logit_digits, 0..=6)?;
        within("profile.rounds", self.rounds, ROUNDS)?;
        self.check_transforms()
    }

    fn check_primes(&self) -> Result<(), CkksError> {
        within("profile.base", self.base, PRIME_BITS)?;
        within("profile.linear", self.linear, PRIME_BITS)?;
        within("profile.scale", self.scale, PRIME_BITS)?;
        if let Masks::Shared { bits } = self.masks {
            within("profile.masks.shared.bits", bits, 1..=PRIME_BITS.end() - PRIME_BITS.start())?;
            within("profile.linear and masks", self.linear + bits, PRIME_BITS)?;
        }
        within("profile.activation", self.activation, PRIME_BITS)?;
        within("profile.eval_mod", self.eval_mod, PRIME_BITS)?;
        within("profile.special", self.special, PRIME_BITS)?;
        // The key to the ephemeral secret adds noise of about q₀/p₀ times an error.
        if self.base > self.special + 1 {
            let wanted = format!("at most {}, a bit more than profile.special", self.special + 1);
            return refused("profile.base", self.base, wanted);
        }
        self.special_primes.map_or(Ok(()), |count| within("profile.special_primes", count, SPECIAL_PRIMES))?;
        self.most_digits.map_or(Ok(()), |most| within("profile.most_digits", most, 2..=64))
    }

    fn check_transforms(&self) -> Result<(), CkksError> {
        let transforms = [
            ("profile.slots_to_coeffs", &self.slots_to_coeffs, self.bits_of_slots_to_coeffs()),
            ("profile.coeffs_to_slots", &self.coeffs_to_slots, self.bits_of_coeffs_to_slots()),
        ];
        for (key, Transform { stages, primes, bits, giant_step }, weights) in transforms {
            let listed = || format!("stages = {stages:?}, primes = {primes}, bits = {bits}");
            if !STAGES.contains(&stages.len()) || !stages.iter().all(|merged| MERGED.contains(merged)) {
                return refused(key, listed(), "one to eight stages, each of 1 to 10 butterfly levels");
            }
            if !(1..=stages.len()).contains(primes) || !PRIME_BITS.contains(bits) {
                return refused(key, listed(), format!("1 to {} primes of 20 to 50 bits each", stages.len()));
            }
            if !GIANT_STEPS.contains(giant_step) {
                let wanted = "1 for the fewest keys, 3 for the least time, or another number up to 16";
                return refused(key, format!("giant_step = {giant_step}"), wanted);
            }
            if weights < LEAST_WEIGHT_BITS {
                let found = format!("{}: weights of {weights:.1} bits", listed());
                let wanted =
                    format!("weights of at least {LEAST_WEIGHT_BITS} bits: more or longer primes, or fewer stages");
                return refused(key, found, wanted);
            }
        }
        Ok(())
    }

    /// Bits of a weight of SlotsToCoeffs: its stages share their primes and the change of scale.
    pub fn bits_of_slots_to_coeffs(&self) -> f64 {
        let Transform { stages, primes, bits, .. } = &self.slots_to_coeffs;
        let change = f64::from(self.base) - self.message_ratio.log2() - f64::from(self.scale);
        (*primes as f64 * f64::from(*bits) + change) / stages.len() as f64
    }

    /// Bits of a weight of CoeffsToSlots for all slots of the ring; for fewer, a bit less for each halving, shared by all
    /// stages.
    pub fn bits_of_coeffs_to_slots(&self) -> f64 {
        let Transform { stages, primes, bits, .. } = &self.coeffs_to_slots;
        let change = f64::from(self.eval_mod) - f64::from(self.base) - f64::from(self.range).log2();
        (*primes as f64 * f64::from(*bits) + change) / stages.len() as f64
    }

    /// Fails for a ratio at which the sine of a message does not determine it.
    ///
    /// # Errors
    /// [`CkksError::Parameters`].
    pub(in crate::encrypted) fn check_sine(&self) -> Result<(), CkksError> {
        if self.message_ratio > 4.0 {
            return Ok(());
        }
        refused("profile.message_ratio", self.message_ratio, "more than 4: the activation undoes the sine of a message")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_profiles_pass() {
        for profile in Profile::polynomial().iter().chain(&Profile::wave()) {
            profile.check().unwrap_or_else(|error| panic!("{}: {error}", profile.name));
        }
    }

    /// One row for each check: the change that breaks it, and the words that the message must have.
    #[test]
    fn a_broken_profile_is_refused_with_key_value_and_wanted() {
        type Change = fn(&mut Profile);
        let rows: [(Change, &str, &str); 20] = [
            (|p| p.name = String::new(), "profile.name", "lower-case"),
            (|p| p.name = "a b".to_owned(), "profile.name", "'a b'"),
            (|p| p.base = 51, "profile.base", "20 to 50"),
            (|p| p.special = 30, "profile.base", "at most 31"),
            (|p| p.linear = 0, "profile.linear", "20 to 50"),
            (|p| p.masks = Masks::Shared { bits: 23 }, "profile.linear and masks", "52"),
            (|p| p.masks = Masks::Shared { bits: 0 }, "profile.masks.shared.bits", "1 to 30"),
            (|p| p.scale = u32::MAX, "profile.scale", "4294967295"),
            (|p| p.special_primes = Some(14), "profile.special_primes", "1 to 13"),
            (|p| p.most_digits = Some(1), "profile.most_digits", "2 to 64"),
            (|p| p.ephemeral_weight = 31, "profile.ephemeral_weight", "32 to"),
            (|p| p.message_ratio = f64::NAN, "profile.message_ratio", "NaN"),
            (|p| p.eval_mod_degree = 0, "profile.eval_mod_degree", "2 to 254"),
            (|p| p.rounds = 0, "profile.rounds", "1 to 16"),
            (|p| p.rounds = 17, "profile.rounds", "1 to 16"),
            (|p| p.coeffs_to_slots.stages = Vec::new(), "profile.coeffs_to_slots", "one to eight stages"),
            (|p| p.slots_to_coeffs.stages = vec![14], "profile.slots_to_coeffs", "1 to 10"),
            (|p| p.coeffs_to_slots.primes = 4, "profile.coeffs_to_slots", "1 to 3 primes"),
            (|p| p.coeffs_to_slots.giant_step = 0, "profile.coeffs_to_slots", "giant_step = 0"),
            (|p| p.slots_to_coeffs.bits = 20, "profile.slots_to_coeffs", "weights of 9.5 bits"),
        ];
        for (change, key, words) in rows {
            let mut profile = Profile::narrow();
            change(&mut profile);
            let error = profile.check().expect_err(key).to_string();
            assert!(error.contains(key) && error.contains(words), "{error}");
        }
        let four = Profile { message_ratio: 4.0, ..Profile::narrow() };
        assert!(four.check().is_ok() && four.check_sine().is_err());
    }
}
