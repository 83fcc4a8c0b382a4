//! Sums of rotations by Horner's rule, Σ rotate(xᵢ, i·step) = x₀ + rotate(x₁ + rotate(x₂ + …)), with one key.

use fhe_ckks::keyswitch::GaloisProduct;
use fhe_ckks::{Ciphertext, CkksError, Digits, Evaluator, KeyKind, KeyShape};
use fhe_ring::{Ntt, Poly};

/// A partial sum of rotations.
///
/// A step decomposes only the second half. So the first half is divided by P, the product of the special primes, once
/// at the end instead of at every step, which saves a third of a rotation's transforms.
pub struct RotatedSum {
    /// Over main primes, or P times it over main and special primes.
    first: Poly<Ntt>,
    second: Poly<Ntt>,
    scale: f64,
    slots: usize,
}

impl From<Ciphertext> for RotatedSum {
    fn from(x: Ciphertext) -> Self {
        let (scale, slots) = (x.scale(), x.slots());
        let [first, second] = x.into_parts();
        Self { first, second, scale, slots }
    }
}

impl RotatedSum {
    fn level(&self) -> usize {
        self.second.basis().main - 1
    }

    /// Returns `rotate(self, steps) + next`.
    ///
    /// Result: the level and scale of both summands.
    ///
    /// # Errors
    /// [`CkksError::SlotMismatch`], [`CkksError::ScaleMismatch`] or [`CkksError::LevelTooLow`] if the summands differ
    /// in slots, scale or level; [`CkksError::MissingKey`] if the rotation key is missing; [`CkksError::KeyShape`] if
    /// it has another shape than those of the steps before.
    ///
    /// # Panics
    /// If `steps` is a multiple of N/2.
    pub fn step(self, evaluator: &Evaluator, steps: i64, next: Option<Self>) -> Result<Self, CkksError> {
        let galois = evaluator.params().galois_of_rotation(steps);
        assert_ne!(galois, 1, "a rotation by {steps} goes nowhere");
        if let Some(next) = &next {
            let operation = "sum of rotations";
            CkksError::check_slots(operation, self.slots, next.slots)?;
            CkksError::check_scales(operation, self.scale, next.scale)?;
            let (found, wanted) = (self.level().min(next.level()), self.level().max(next.level()));
            if found < wanted {
                return Err(CkksError::LevelTooLow { operation, found, wanted });
            }
        }
        let (kind, level) = (KeyKind::Galois(galois), self.level());
        let key = evaluator.keys().get(kind, level)?;
        let digits = Digits::new(&self.second, key.shape());
        for summand in [Some(&self), next.as_ref()].into_iter().flatten() {
            let found = summand.first.basis();
            if found.special > 0 && found != digits.basis() {
                let wanted = KeyShape { special: found.special, ..key.shape() };
                return Err(CkksError::KeyShape { kind, found: key.shape(), wanted });
            }
        }
        let product = GaloisProduct::new(&digits, key, galois);
        let switched = product.compute(&self.first, next.as_ref().map(|next| &next.first));
        let [first, mut second] = switched.divide_second(level + 1);
        if let Some(next) = &next {
            second.add_assign(&next.second);
        }
        Ok(Self { first, second, scale: self.scale, slots: self.slots })
    }

    /// Returns the sum as a ciphertext.
    ///
    /// Result: the level and scale of the summands.
    pub fn finish(self) -> Ciphertext {
        let main = self.second.basis().main;
        let first = match self.first.basis().special {
            0 => self.first,
            _ => {
                let [first] = Poly::divide_round([self.first], main);
                first
            }
        };
        Ciphertext::from_parts([first, self.second], self.scale, self.slots)
    }
}
