//! Sums of rotations by Horner's rule, Σ rotate(xᵢ, i·step) = x₀ + rotate(x₁ + rotate(x₂ + …)), with one key.

use fhe_ckks::keyswitch::{self, GaloisProduct};
use fhe_ckks::{Ciphertext, CkksError, Digits, Evaluator, KeyKind, KeyShape};
use fhe_ring::{Limb, Ntt, Poly};
use rayon::prelude::*;

use crate::products::CHUNK;

/// A sum on its way: a step decomposes the second half alone, so the first is divided by P, the product of the special
/// primes, once at the end instead of at every step. Of the transforms of a rotation two thirds are left.
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

fn minmax(a: usize, b: usize) -> [usize; 2] {
    [a.min(b), a.max(b)]
}

impl RotatedSum {
    /// `rotate(self, steps) + next`, both at one level and scale.
    ///
    /// # Errors
    /// A summand of other slots or another scale; a missing rotation key, or one of another shape than those of the steps
    /// before it.
    ///
    /// # Panics
    /// If the rotation goes nowhere, or the summand is at another level.
    pub fn step(self, evaluator: &Evaluator, steps: i64, next: Option<Self>) -> Result<Self, CkksError> {
        let params = evaluator.params();
        let galois = params.galois_of_rotation(steps);
        assert_ne!(galois, 1, "a rotation by {steps} goes nowhere");
        let (kind, main) = (KeyKind::Galois(galois), self.second.basis().main);
        if let Some(next) = &next {
            let operation = "sum of rotations";
            CkksError::check_slots(operation, self.slots, next.slots)?;
            CkksError::check_scales(operation, self.scale, next.scale)?;
            let [found, wanted] = minmax(next.second.basis().main - 1, main - 1);
            if found < wanted {
                return Err(CkksError::LevelTooLow { operation, found, wanted });
            }
        }
        let key = evaluator.keys().get(kind, main - 1)?;
        let digits = Digits::new(&self.second, key.shape());
        let basis = digits.basis();
        let lifted = |half: &Poly<Ntt>| half.basis().special > 0;
        if [Some(&self), next.as_ref()]
            .into_iter()
            .flatten()
            .any(|sum| lifted(&sum.first) && sum.first.basis() != basis)
        {
            let special = if lifted(&self.first) { self.first.basis().special } else { 0 };
            return Err(CkksError::KeyShape { kind, found: key.shape(), wanted: KeyShape { special, ..key.shape() } });
        }
        let product = GaloisProduct::new(&digits, key, galois);
        let (ring, size) = (params.ring(), CHUNK.min(params.n()));
        // What the first half gets from a summand at some positions of a limb.
        let add_first = |i: usize, out: &mut [u64], summand: &Poly<Ntt>, from: usize| {
            let table = ring.table(basis, i);
            let (kernels, m) = (table.kernels(), table.modulus());
            if lifted(summand) {
                kernels.add(m, out, &summand.limbs()[i][from..][..out.len()]);
            } else if let Some(lift) = keyswitch::lift(ring, basis, i) {
                kernels.add_scaled(m, out, &summand.limbs()[i][from..][..out.len()], lift);
            }
        };
        let (first, second) = (0..basis.len())
            .into_par_iter()
            .map(|i| {
                let [mut first, mut second] = [0, 1].map(|_| Limb::recycled(ring.n()));
                for at in (0..ring.n()).step_by(size) {
                    product.chunk(i, 1, at, &mut second[at..][..size], |_, _| {});
                    let out = &mut first[at..][..size];
                    product.chunk(i, 0, at, out, |sum, from| add_first(i, sum, &self.first, from));
                    if let Some(next) = &next {
                        add_first(i, out, &next.first, at);
                    }
                }
                (first, second)
            })
            .unzip();
        let [first, second] = [first, second].map(|limbs| Poly::from_limbs(ring, basis, limbs));
        let [mut second] = Poly::divide_round([second], main);
        if let Some(next) = &next {
            second.add_assign(&next.second);
        }
        Ok(Self { first, second, scale: self.scale, slots: self.slots })
    }

    /// The ciphertext.
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
