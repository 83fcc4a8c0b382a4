//! Key switching: from one secret to another, rotations and conjugation.

use rayon::prelude::*;

use super::Evaluator;
use crate::ciphertext::Ciphertext;
use crate::error::CkksError;
use crate::keys::SwitchingKey;
use crate::keyswitch::{Digits, GaloisProduct};
use crate::shape::{KeyKind, MOST_CONVERTED};

impl Evaluator {
    /// Takes `a`, encrypted under the key's source secret, to its target secret.
    ///
    /// Result: the level and scale of `a`.
    ///
    /// # Errors
    /// [`CkksError::ShortKey`] if the key reaches only lower levels, [`CkksError::Parameters`] if its digits are wider
    /// than a base conversion takes.
    pub fn switch(&self, a: &Ciphertext, key: &SwitchingKey) -> Result<Ciphertext, CkksError> {
        let (shape, wanted) = (key.shape(), a.level());
        if shape.main <= wanted {
            return Err(CkksError::ShortKey { found: shape.main - 1, wanted });
        }
        let widest = shape.digit_len.min(wanted + 1);
        if widest > MOST_CONVERTED {
            return Err(CkksError::Parameters {
                what: "main primes in a digit of a switching key",
                found: widest.to_string(),
                wanted: format!("at most {MOST_CONVERTED}"),
            });
        }
        let switched = Digits::new(&a.parts[1], shape).product(key, [Some(&a.parts[0]), None]);
        let parts = switched.divide(wanted + 1);
        Ok(Ciphertext { parts, scale: a.scale, slots: a.slots })
    }

    /// Rotates the slots to the left by `steps`, to the right if negative.
    ///
    /// Result: the level and scale of `a`.
    ///
    /// # Errors
    /// [`CkksError::MissingKey`] if there is no key for this rotation and level.
    pub fn rotate(&self, a: &Ciphertext, steps: i64) -> Result<Ciphertext, CkksError> {
        self.apply_galois(a, self.params.galois_of_rotation(steps))
    }

    /// Returns the complex conjugate of every slot.
    ///
    /// Result: the level and scale of `a`.
    ///
    /// # Errors
    /// [`CkksError::MissingKey`] if there is no key for the conjugation and this level.
    pub fn conjugate(&self, a: &Ciphertext) -> Result<Ciphertext, CkksError> {
        self.apply_galois(a, self.params.galois_of_conjugation())
    }

    fn apply_galois(&self, a: &Ciphertext, galois: u64) -> Result<Ciphertext, CkksError> {
        if galois == 1 {
            return Ok(a.clone());
        }
        let key = self.keys.get(KeyKind::Galois(galois), a.level())?;
        Ok(self.galois_from_digits(a, galois, key, &Digits::new(&a.parts[1], key.shape())))
    }

    fn galois_from_digits(&self, a: &Ciphertext, galois: u64, key: &SwitchingKey, digits: &Digits<'_>) -> Ciphertext {
        let switched = GaloisProduct::new(digits, key, galois).compute(&a.parts[0], None);
        let parts = switched.divide(a.level() + 1);
        Ciphertext { parts, scale: a.scale, slots: a.slots }
    }

    /// Returns the rotations of one ciphertext by each of `steps`. Its digits are raised once for all keys of one shape
    /// (hoisting); keys requested for one level have one shape.
    ///
    /// Result: the level and scale of `a`, for every rotation.
    ///
    /// # Errors
    /// [`CkksError::MissingKey`] if there is no key for one of the rotations and this level.
    pub fn rotate_hoisted(&self, a: &Ciphertext, steps: &[i64]) -> Result<Vec<Ciphertext>, CkksError> {
        let rotations = steps
            .iter()
            .map(|&steps| match self.params.galois_of_rotation(steps) {
                1 => Ok(None),
                galois => Ok(Some((galois, self.keys.get(KeyKind::Galois(galois), a.level())?))),
            })
            .collect::<Result<Vec<_>, CkksError>>()?;
        let mut shared: Vec<Digits<'_>> = Vec::new();
        for (_, key) in rotations.iter().flatten() {
            if shared.iter().all(|digits| digits.shape() != key.shape()) {
                shared.push(Digits::new(&a.parts[1], key.shape()));
            }
        }
        let rotated = rotations.into_par_iter().map(|rotation| match rotation {
            None => a.clone(),
            Some((galois, key)) => {
                let digits = shared.iter().find(|digits| digits.shape() == key.shape()).expect("one for each shape");
                self.galois_from_digits(a, galois, key, digits)
            }
        });
        Ok(rotated.collect())
    }

    /// Replaces every slot by the sum of `count` slots that are `stride` apart. It takes log2(`count`) rotations, by
    /// stride·2^k.
    ///
    /// Result: the level and scale of `a`.
    ///
    /// # Errors
    /// [`CkksError::MissingKey`] if there is no key for one of the rotations and this level.
    ///
    /// # Panics
    /// If `count` is not a power of two.
    pub fn inner_sum(&self, a: &Ciphertext, stride: i64, count: usize) -> Result<Ciphertext, CkksError> {
        assert!(count.is_power_of_two(), "inner sum of {count} slots");
        let mut sum = a.clone();
        for k in 0..count.trailing_zeros() {
            let rotated = self.rotate(&sum, stride << k)?;
            self.add_assign(&mut sum, &rotated)?;
        }
        Ok(sum)
    }
}
