//! Search for NTT-friendly primes: primes q ≡ 1 mod 2N, so that Z_q has a primitive 2N-th root of unity.

use crate::modulus::{MAX_MODULUS_BITS, Modulus};

/// The reason why a search for primes fails.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PrimeError {
    /// The size is too small for q ≡ 1 mod 2N, or too large for the kernels.
    #[error("prime size of {bits} bits: wanted {} to {MAX_MODULUS_BITS} bits at ring dimension 2^{log_n}", log_n + 2)]
    Size {
        /// The requested size in bits.
        bits: u32,
        /// log2 of the ring dimension N.
        log_n: u32,
    },
    /// There are fewer primes of this size than requested.
    #[error("only {found} primes of {bits} bits are 1 modulo 2^{}, {wanted} wanted", log_n + 1)]
    Exhausted {
        /// The requested size in bits.
        bits: u32,
        /// log2 of the ring dimension N.
        log_n: u32,
        /// The number of primes that exist.
        found: usize,
        /// The number of primes requested.
        wanted: usize,
    },
}

/// Finds a prime for each of `sizes` (in bits) at ring dimension 2^`log_n`. All primes are different.
///
/// Each is the unused prime nearest to 2^bits, so that products of many primes stay near a power of two. Primes of 50
/// bits lie below 2^50, all others on either side. Equal arguments always return equal primes.
///
/// # Errors
/// [`PrimeError::Size`] if a size is below `log_n` + 2 or above 50 bits; [`PrimeError::Exhausted`] if there are too few
/// primes of a size.
pub fn search(log_n: u32, sizes: &[u32]) -> Result<Vec<u64>, PrimeError> {
    let mut streams = std::collections::BTreeMap::new();
    let mut found = Vec::with_capacity(sizes.len());
    for &bits in sizes {
        if bits < log_n + 2 || bits > MAX_MODULUS_BITS {
            return Err(PrimeError::Size { bits, log_n });
        }
        let stream = streams.entry(bits).or_insert_with(|| nearest(log_n, bits));
        // Neighbouring sizes may reach one prime from two sides: the earlier request keeps it.
        match stream.find(|q| !found.contains(q)) {
            Some(q) => found.push(q),
            None => {
                let wanted = sizes.iter().filter(|&&b| b == bits).count();
                let have = found.iter().filter(|&&q| is_of_size(q, bits)).count();
                return Err(PrimeError::Exhausted { bits, log_n, found: have, wanted });
            }
        }
    }
    Ok(found)
}

/// Returns whether q lies within a factor √2 of 2^bits.
fn is_of_size(q: u64, bits: u32) -> bool {
    ((q as f64).log2() - bits as f64).abs() <= 0.5
}

/// Iterates over the primes q ≡ 1 mod 2N within a factor √2 of 2^bits, nearest first.
fn nearest(log_n: u32, bits: u32) -> impl Iterator<Item = u64> {
    let step = 1u64 << (log_n + 1);
    let centre = 1u64 << bits;
    (0..=centre / step)
        .flat_map(move |k| [centre + k * step + 1, (centre + 1).saturating_sub((k + 1) * step)])
        .take_while(move |&q| q >> (bits - 1) != 0)
        .filter(move |&q| q >> MAX_MODULUS_BITS == 0 && is_of_size(q, bits) && is_prime(q))
}

/// Returns whether `n` is prime, for n below 2^50, by a deterministic Miller–Rabin test.
pub fn is_prime(n: u64) -> bool {
    // The first nine primes as bases decide every n below 3.8e18 (Jaeschke 1993, extended by Jiang and Deng 2014).
    const BASES: [u64; 9] = [2, 3, 5, 7, 11, 13, 17, 19, 23];
    if n < 3 || n.is_multiple_of(2) {
        return n == 2;
    }
    if let Some(&p) = BASES.iter().find(|&&p| n.is_multiple_of(p)) {
        return n == p;
    }
    let m = Modulus::new(n);
    let twos = (n - 1).trailing_zeros();
    BASES.iter().all(|&base| {
        let mut x = m.pow(base, (n - 1) >> twos);
        if x == 1 || x == n - 1 {
            return true;
        }
        (1..twos).any(|_| {
            x = m.mul(x, x);
            x == n - 1
        })
    })
}

/// Returns a primitive `order`-th root of unity modulo q. Every call returns the same root.
///
/// # Panics
/// If `order` is not a power of two that divides q − 1.
pub fn root_of_unity(modulus: &Modulus, order: u64) -> u64 {
    let q = modulus.value();
    assert!(order.is_power_of_two() && (q - 1).is_multiple_of(order), "no root of order {order} modulo {q}");
    // Half of all candidates are quadratic non-residues. The power of a non-residue has full order.
    (2..q)
        .map(|g| modulus.pow(g, (q - 1) / order))
        .find(|&root| modulus.pow(root, order / 2) == q - 1)
        .expect("a prime modulus has a non-residue")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_distinct_friendly_and_near() {
        let sizes = [50, 42, 42, 42, 49, 49, 50, 50, 41, 43];
        let primes = search(16, &sizes).unwrap();
        for (i, (&q, &bits)) in primes.iter().zip(&sizes).enumerate() {
            assert!(is_prime(q) && q % (1 << 17) == 1 && is_of_size(q, bits), "{q} for {bits} bits");
            assert!(!primes[..i].contains(&q));
        }
        assert!(primes[0] < 1 << 50);
    }

    #[test]
    fn impossible_requests_say_why() {
        assert_eq!(search(16, &[51]), Err(PrimeError::Size { bits: 51, log_n: 16 }));
        assert_eq!(search(16, &[17]), Err(PrimeError::Size { bits: 17, log_n: 16 }));
        assert!(matches!(search(16, &[20; 9]), Err(PrimeError::Exhausted { bits: 20, wanted: 9, .. })));
    }

    #[test]
    fn primality_agrees_with_trial_division() {
        let by_trial = |n: u64| n > 1 && (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d));
        for n in 0..5000 {
            assert_eq!(is_prime(n), by_trial(n), "{n}");
        }
        assert!(!is_prime(341_550_071_728_321)); // the least strong pseudoprime to the bases 2 to 19
    }
}
