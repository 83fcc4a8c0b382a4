//! Names the primes that a polynomial is held modulo.

/// A set of primes of a ring: its first `main` main primes, followed by its first `special` special primes.
///
/// The limbs of a polynomial follow in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Basis {
    /// Number of main primes.
    pub main: usize,
    /// Number of special primes.
    pub special: usize,
}

impl Basis {
    /// Returns the basis of the first `main` main primes, without special primes.
    pub fn main(main: usize) -> Self {
        Self { main, special: 0 }
    }

    /// Returns the number of primes, which is the number of limbs of a polynomial over this basis.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(self) -> usize {
        self.main + self.special
    }

    /// Returns whether every prime of `other` belongs to this basis.
    pub fn contains(self, other: Self) -> bool {
        self.main >= other.main && self.special >= other.special
    }

    /// Returns the index, in a polynomial over this basis, of the prime that limb `i` of a polynomial over `other`
    /// uses.
    ///
    /// # Panics
    /// If a prime of `other` does not belong to this basis.
    pub fn place_of(self, other: Self, i: usize) -> usize {
        assert!(self.contains(other), "an operand over {self:?} where {other:?} is computed");
        if i < other.main { i } else { i - other.main + self.main }
    }
}
