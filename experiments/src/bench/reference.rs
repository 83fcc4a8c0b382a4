//! The reference transform: the unit that makes times of different machines and versions comparable.
//!
//! FROZEN. It is plain Rust for one thread, without SIMD, and no faster version may ever replace it: every `ntts` of
//! `bench` and every `reference_ntt_us` of a run is a multiple of it. Tests hold it to known answers.

/// The largest prime of 50 bits that is 1 modulo 2^18.
const PRIME: u64 = 1_125_899_902_124_033;
/// A primitive root of unity of order 2^18 modulo [`PRIME`].
const ROOT: u64 = 604_294_214_411_568;
const LOG_ORDER: u32 = 18;
/// Bits of the prime.
pub(super) const BITS: u32 = 50;

/// A forward number-theoretic transform of N coefficients modulo X^N + 1, results in bit-reversed order.
pub(super) struct Reference {
    /// Powers of the root in bit-reversed order, each with its Shoup quotient.
    roots: Vec<[u64; 2]>,
    data: Vec<u64>,
}

impl Reference {
    /// Prepares the transform of 2^`log_n` coefficients.
    ///
    /// # Panics
    /// If 2^(`log_n` + 1) exceeds the order of the root.
    pub(super) fn new(log_n: u32) -> Self {
        assert!(log_n < LOG_ORDER, "no root of unity for 2^{log_n} coefficients");
        let n = 1u64 << log_n;
        let psi = power(ROOT, 1 << (LOG_ORDER - 1 - log_n));
        let mut powers = vec![1; n as usize];
        (1..n as usize).for_each(|k| powers[k] = multiply(powers[k - 1], psi));
        let reversed = |k: u64| if log_n == 0 { 0 } else { (k.reverse_bits() >> (64 - log_n)) as usize };
        let with_quotient = |root: u64| [root, ((u128::from(root) << 64) / u128::from(PRIME)) as u64];
        let roots = (0..n).map(|k| with_quotient(powers[reversed(k)])).collect();
        let data = (0..n).map(|k| (k * k * 2_654_435_761 + 12_345) % PRIME).collect();
        Self { roots, data }
    }

    /// Transforms the data in place.
    pub(super) fn forward(&mut self) {
        let (mut half, mut groups) = (self.data.len() / 2, 1);
        while half > 0 {
            for (block, &[root, quotient]) in self.data.chunks_exact_mut(2 * half).zip(&self.roots[groups..2 * groups])
            {
                let (low, high) = block.split_at_mut(half);
                for (x, y) in low.iter_mut().zip(high) {
                    let product = multiply_shoup(*y, root, quotient);
                    (*x, *y) = (reduce(*x + product), reduce(*x + PRIME - product));
                }
            }
            (half, groups) = (half / 2, groups * 2);
        }
    }
}

/// Takes a number below 2·[`PRIME`] to its residue.
fn reduce(x: u64) -> u64 {
    if x >= PRIME { x - PRIME } else { x }
}

/// Returns `x`·`root` modulo the prime, with the root's quotient ⌊root·2^64/q⌋ (Shoup).
fn multiply_shoup(x: u64, root: u64, quotient: u64) -> u64 {
    let estimate = ((u128::from(x) * u128::from(quotient)) >> 64) as u64;
    reduce(x.wrapping_mul(root).wrapping_sub(estimate.wrapping_mul(PRIME)))
}

fn multiply(x: u64, y: u64) -> u64 {
    (u128::from(x) * u128::from(y) % u128::from(PRIME)) as u64
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, base);
        }
        (base, exponent) = (multiply(base, base), exponent / 2);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_evaluates_the_polynomial_at_the_odd_powers_of_the_root() {
        let log_n = 5;
        let mut transform = Reference::new(log_n);
        let coefficients = transform.data.clone();
        let psi = power(ROOT, 1 << (LOG_ORDER - 1 - log_n));
        let value = |k: u64| {
            let x = power(psi, 2 * (k.reverse_bits() >> (64 - log_n)) + 1);
            coefficients.iter().rev().fold(0, |sum, &c| (multiply(sum, x) + c) % PRIME)
        };
        transform.forward();
        assert_eq!(transform.data, (0..1 << log_n).map(value).collect::<Vec<_>>());
    }

    /// The answers of an independent program with integers of any size.
    #[test]
    fn the_answers_are_those_of_the_first_version() {
        let mut small = Reference { data: (0..8).collect(), ..Reference::new(3) };
        small.forward();
        let known = [
            155_828_804_149_077,
            526_186_907_213_203,
            922_747_945_750_877,
            966_357_884_272_111,
            972_430_024_727_261,
            739_582_868_348_736,
            761_359_904_744_474,
            585_005_171_414_426,
        ];
        assert_eq!(small.data, known);
        let mut large = Reference::new(16);
        large.forward();
        let digest = large.data.iter().fold(0u64, |sum, &x| sum.wrapping_mul(1_000_003).wrapping_add(x));
        assert_eq!(digest, 2_034_766_546_192_502_293);
    }

    /// Prints the factor between this unit and the one of runs before it, a transform by the `tfhe-ntt` crate:
    /// `cargo test --release --lib conversion -- --ignored --nocapture`.
    #[test]
    #[ignore = "measures; wants a quiet machine"]
    fn conversion_from_the_transform_of_tfhe_ntt() {
        for log_n in [15, 16] {
            let mut reference = Reference::new(log_n);
            let plan = tfhe_ntt::prime64::Plan::try_new(1 << log_n, PRIME).expect("the prime is 1 modulo 2N");
            let mut data = reference.data.clone();
            let least = |transform: &mut dyn FnMut()| {
                let time = |_| crate::bench::meter::once(&mut *transform).0.min;
                (0..300).map(time).fold(f64::INFINITY, f64::min) * 1e6
            };
            let [new, old] = [least(&mut || reference.forward()), least(&mut || plan.fwd(&mut data))];
            println!("N = {}: reference {new:.1} µs, tfhe-ntt {old:.1} µs, factor {:.2}", 1 << log_n, new / old);
            assert!(new > old, "the reference is plain Rust, tfhe-ntt has SIMD");
        }
    }
}
