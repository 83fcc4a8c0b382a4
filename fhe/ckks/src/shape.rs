//! Kinds of evaluation keys, and how a key decomposes what it switches.

use std::ops::RangeInclusive;

use fhe_ring::Basis;
use fhe_ring::arch::MAX_LAZY_PRODUCTS;
use fhe_ring::meter::Holder;

/// The most primes that one base conversion starts from: those of a digit, or all that one division drops.
pub(crate) const MOST_CONVERTED: usize = MAX_LAZY_PRODUCTS - 1;

/// The most special primes of a key: rescaling drops one main prime more in the same division.
pub(crate) const MOST_SPECIAL: usize = MOST_CONVERTED - 1;

/// The purpose of an evaluation key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyKind {
    /// From s² to s, for multiplication.
    Relinearization,
    /// From s(X^g) to s, for the automorphism X ↦ X^g: a rotation or the conjugation.
    Galois(u64),
    /// From the main secret to the ephemeral sparse one, over q₀·p₀.
    DenseToSparse,
    /// From the image of the ephemeral secret under X ↦ X^g to the main one. The key is over all main primes and the
    /// special primes that cover q₀. It has one digit: the polynomial that it switches has just been raised, and its
    /// coefficients are below q₀/2.
    SparseToDense(u64),
    /// From the secret of a client's ring to the main one, see [`Parameters::client_ring`](crate::Parameters::client_ring).
    FromClient,
    /// From the main secret to that of a client's ring, over q₀ and the special primes that cover it.
    ToClient,
}

impl KeyKind {
    /// Returns what the key counts as where bytes are counted.
    pub fn holder(self) -> Holder {
        match self {
            Self::Relinearization => Holder::RelinearizationKeys,
            Self::Galois(_) => Holder::RotationKeys,
            Self::DenseToSparse | Self::SparseToDense(_) => Holder::EncapsulationKeys,
            Self::FromClient | Self::ToClient => Holder::ClientKeys,
        }
    }
}

impl std::fmt::Display for KeyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Relinearization => f.write_str("relinearization"),
            Self::Galois(g) => write!(f, "Galois (X ↦ X^{g})"),
            Self::DenseToSparse => f.write_str("dense-to-sparse"),
            Self::SparseToDense(g) => write!(f, "sparse-to-dense (X ↦ X^{g})"),
            Self::FromClient => f.write_str("client-to-main"),
            Self::ToClient => f.write_str("main-to-client"),
        }
    }
}

/// The primes of a key-switching key, and the length of the digits that it decomposes its input into.
///
/// A key for few levels needs few special primes. Its size and the time of every switch shrink with both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyShape {
    /// Number of main primes: one more than the highest level that the key serves.
    pub main: usize,
    /// Number of special primes.
    pub special: usize,
    /// Number of main primes in a digit of the gadget decomposition.
    pub digit_len: usize,
}

impl KeyShape {
    /// The shape of the key to the ephemeral secret. The security of that secret is checked for these primes only.
    pub(crate) const DENSE_TO_SPARSE: Self = Self { main: 1, special: 1, digit_len: 1 };

    /// The primes of the key.
    pub fn basis(self) -> Basis {
        Basis { main: self.main, special: self.special }
    }

    /// Number of digits of a polynomial over all of the key's main primes.
    pub fn digits(self) -> usize {
        self.main.div_ceil(self.digit_len)
    }

    /// Returns the shape with the fewest digits whose widest is covered by the special primes, and of these shapes the
    /// one with the fewest special primes. Sizes of primes are in bits. `None` if the widest main prime exceeds the
    /// product of all special primes.
    pub(crate) fn cheapest(main: &[f64], special: &[f64]) -> Option<Self> {
        let mut sum = 0.0;
        let covered: Vec<f64> = special
            .iter()
            .take(MOST_SPECIAL)
            .map(|bits| {
                sum += bits;
                sum
            })
            .collect();
        let lengths = (1..=main.len()).map(|digits| main.len().div_ceil(digits)).filter(|&len| len <= MOST_CONVERTED);
        lengths.into_iter().find_map(|digit_len| {
            let widest = main.chunks(digit_len).map(|group| group.iter().sum::<f64>()).fold(0.0, f64::max);
            // A digit half a bit wider than the special modulus costs 1.4 times the noise of a switch, and saves a
            // prime.
            let special = covered.iter().position(|&covered| covered + 0.5 >= widest)? + 1;
            Some(Self { main: main.len(), special, digit_len })
        })
    }
}

/// Returns how many special primes of `bits` bits give the tallest key the fewest of a range of digits, while logQP stays
/// within `limit`. `None` if no number of digits fits.
///
/// Sizes are nominal: a prime may exceed its size by a fraction of a bit, so subtract that from a strict limit.
pub fn special_primes(main_bits: &[u32], bits: u32, digits: RangeInclusive<usize>, limit: f64) -> Option<usize> {
    let log_q: u32 = main_bits.iter().sum();
    ((*digits.start()).max(1)..=(*digits.end()).min(main_bits.len())).find_map(|digits| {
        let digit_len = main_bits.len().div_ceil(digits);
        let widest = main_bits.chunks(digit_len).map(|digit| digit.iter().sum::<u32>()).max()?;
        let special = widest.div_ceil(bits);
        (f64::from(log_q + special * bits) <= limit).then_some(special as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_primes_cover_the_widest_digit_within_the_limit() {
        let main = [50, 40, 40, 40, 40, 40];
        // One digit of 250 bits, two of 130 and 120, three of at most 90, six of at most 50.
        for (limit, wanted) in [(550.0, Some(5)), (499.0, Some(3)), (399.0, Some(2)), (349.0, Some(1)), (299.0, None)] {
            assert_eq!(special_primes(&main, 50, 1..=6, limit), wanted, "limit {limit}");
        }
        assert_eq!(special_primes(&main, 50, 2..=6, 550.0), Some(3), "two digits at least");
        assert_eq!(special_primes(&main, 50, 1..=2, 399.0), None, "two digits at most");
    }
}
