//! Arithmetic modulo one word-sized prime.

/// The largest size of a prime in bits. It leaves two bits of headroom in the 52-bit multiplier of AVX-512 IFMA.
pub const MAX_MODULUS_BITS: u32 = 50;

/// A prime modulus 2 < q < 2^50 with the constants that reduce modulo q.
///
/// A *residue* is a word in [0, q).
///
/// ```
/// use fhe_ring::Modulus;
///
/// let m = Modulus::new(65537);
/// assert_eq!(m.mul(65536, 65536), 1);
/// assert_eq!(m.mul(m.inv(3), 3), 1);
/// // −1 and 65536 are congruent; `center` returns the signed representative.
/// assert_eq!(m.reduce_signed(-1), 65536);
/// assert_eq!(m.center(65536), -1);
/// // A constant factor is prepared once and then multiplied without a division.
/// let five = m.shoup(5);
/// assert_eq!(five.mul(20_000, m.value()), 100_000 % 65537);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modulus {
    q: u64,
    /// 1 in Shoup form. Its product with a word reduces the word.
    one: Shoup,
    /// 2^52 mod q in Shoup form. It folds the high half of a double word.
    radix: Shoup,
}

/// A constant factor w < q with ⌊w·2^64/q⌋, so that products with it need no division (Shoup's trick).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shoup {
    /// The factor itself.
    pub value: u64,
    /// ⌊value·2^64/q⌋. The IFMA kernels use its upper 52 bits, which are ⌊value·2^52/q⌋.
    pub quotient: u64,
}

impl Modulus {
    /// Prepares the modulus `q`. The caller ensures that `q` is prime (see [`crate::primes`]); it is not checked.
    ///
    /// # Panics
    /// If `q` is even, below 3 or at least 2^50.
    pub fn new(q: u64) -> Self {
        assert!(
            q > 2 && q % 2 == 1 && q >> MAX_MODULUS_BITS == 0,
            "modulus {q} must be an odd prime below 2^{MAX_MODULUS_BITS}"
        );
        let shoup = |value: u64| Shoup { value, quotient: (((value as u128) << 64) / q as u128) as u64 };
        Self { q, one: shoup(1), radix: shoup((1u64 << 52) % q) }
    }

    /// Returns q.
    pub fn value(&self) -> u64 {
        self.q
    }

    /// Returns log2 q.
    pub fn log2(&self) -> f64 {
        (self.q as f64).log2()
    }

    /// Returns `a + b mod q` for residues `a`, `b`.
    pub fn add(&self, a: u64, b: u64) -> u64 {
        debug_assert!(a < self.q && b < self.q);
        let sum = a + b;
        sum.min(sum.wrapping_sub(self.q))
    }

    /// Returns `a − b mod q` for residues `a`, `b`.
    pub fn sub(&self, a: u64, b: u64) -> u64 {
        debug_assert!(a < self.q && b < self.q);
        let difference = a.wrapping_sub(b);
        difference.min(difference.wrapping_add(self.q))
    }

    /// Returns `−a mod q` for a residue `a`.
    pub fn neg(&self, a: u64) -> u64 {
        debug_assert!(a < self.q);
        if a == 0 { 0 } else { self.q - a }
    }

    /// Returns `a mod q` for any word.
    pub fn reduce(&self, a: u64) -> u64 {
        let r = self.one.mul_lazy(a, self.q);
        r.min(r.wrapping_sub(self.q))
    }

    /// Returns `a mod q` for `a < 2^114`.
    pub fn reduce_wide(&self, a: u128) -> u64 {
        debug_assert!(a >> 114 == 0);
        let (high, low) = ((a >> 52) as u64, a as u64 & ((1 << 52) - 1));
        // Each summand is below 2q < 2^51.
        let r = self.radix.mul_lazy(high, self.q) + self.one.mul_lazy(low, self.q);
        let r = r.min(r.wrapping_sub(2 * self.q));
        r.min(r.wrapping_sub(self.q))
    }

    /// Returns `a mod q` for a signed word.
    pub fn reduce_signed(&self, a: i64) -> u64 {
        let magnitude = self.reduce(a.unsigned_abs());
        if a < 0 { self.neg(magnitude) } else { magnitude }
    }

    /// Returns `a·b mod q` for residues `a`, `b`.
    pub fn mul(&self, a: u64, b: u64) -> u64 {
        self.reduce_wide(a as u128 * b as u128)
    }

    /// Returns `base^exponent mod q` for any word `base`.
    pub fn pow(&self, base: u64, mut exponent: u64) -> u64 {
        let (mut result, mut square) = (1, self.reduce(base));
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = self.mul(result, square);
            }
            square = self.mul(square, square);
            exponent >>= 1;
        }
        result
    }

    /// Returns `a⁻¹ mod q` for any word `a`.
    ///
    /// # Panics
    /// If q divides `a`.
    pub fn inv(&self, a: u64) -> u64 {
        let a = self.reduce(a);
        assert!(a != 0, "0 has no inverse modulo {}", self.q);
        self.pow(a, self.q - 2)
    }

    /// Returns the residue `w` prepared as a constant factor.
    pub fn shoup(&self, w: u64) -> Shoup {
        debug_assert!(w < self.q);
        Shoup { value: w, quotient: (((w as u128) << 64) / self.q as u128) as u64 }
    }

    /// Returns the integer in (−q/2, q/2) that is congruent to the residue `a`.
    pub fn center(&self, a: u64) -> i64 {
        if a > self.q / 2 { a as i64 - self.q as i64 } else { a as i64 }
    }

    /// Returns 1 in Shoup form.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))] // Only the AVX-512 kernels ask.
    pub(crate) fn one(&self) -> Shoup {
        self.one
    }

    /// Returns 2^52 mod q in Shoup form.
    pub(crate) fn radix(&self) -> Shoup {
        self.radix
    }
}

impl Shoup {
    /// Returns a number in [0, 2q) congruent to `a·w` modulo q, for any word `a`.
    #[inline(always)]
    pub fn mul_lazy(&self, a: u64, q: u64) -> u64 {
        // With ε = w·2^64/q − quotient in [0, 1): a·w − ⌊a·quotient/2^64⌋·q < q + a·ε·q/2^64 < 2q.
        let estimate = ((a as u128 * self.quotient as u128) >> 64) as u64;
        a.wrapping_mul(self.value).wrapping_sub(estimate.wrapping_mul(q))
    }

    /// Returns `a·w mod q` for any word `a`.
    #[inline(always)]
    pub fn mul(&self, a: u64, q: u64) -> u64 {
        let r = self.mul_lazy(a, q);
        r.min(r.wrapping_sub(q))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The smallest and the largest NTT-friendly primes in use, and two between them.
    const PRIMES: [u64; 4] = [65537, 1_099_510_054_913, 35_184_365_273_089, 1_125_899_904_679_937];

    proptest! {
        #[test]
        fn agrees_with_wide_integers(i in 0usize..4, a: u64, b: u64, c in 0u128..1 << 114) {
            let q = PRIMES[i];
            let m = Modulus::new(q);
            let wide = |x: u128| (x % q as u128) as u64;
            let (ra, rb) = (a % q, b % q);
            prop_assert_eq!(m.reduce(a), ra);
            prop_assert_eq!(m.reduce_wide(c), wide(c));
            prop_assert_eq!(m.add(ra, rb), wide(ra as u128 + rb as u128));
            prop_assert_eq!(m.sub(ra, rb), wide(ra as u128 + (q - rb) as u128));
            prop_assert_eq!(m.mul(ra, rb), wide(ra as u128 * rb as u128));
            prop_assert_eq!(m.shoup(rb).mul(a, q), wide(a as u128 * rb as u128));
            prop_assert_eq!(m.reduce_signed(a as i64), (a as i64).rem_euclid(q as i64) as u64);
            prop_assert_eq!(m.reduce_signed(m.center(ra)), ra);
        }
    }

    #[test]
    fn edges() {
        for q in PRIMES {
            let m = Modulus::new(q);
            assert_eq!(m.mul(q - 1, q - 1), 1);
            assert_eq!(m.reduce(u64::MAX), u64::MAX % q);
            assert_eq!(m.neg(0), 0);
            assert_eq!(m.mul(m.inv(q - 2), q - 2), 1);
            assert_eq!(m.reduce_signed(i64::MIN), (i64::MIN as i128).rem_euclid(q as i128) as u64);
        }
    }
}
