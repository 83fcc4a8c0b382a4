//! Uniform polynomials, regenerated from a public seed wherever they are needed.
//!
//! The uniform half of a key is public and random. Computing it is faster than reading it from memory, so it is not
//! stored. AES-128 in counter mode yields the residues (FrodoKEM generates its matrix in this way), so any part of a
//! polynomial can be computed without the rest.

use std::sync::Arc;

use crate::arch::{Counter, Kernels};
use crate::basis::Basis;
use crate::meter::{Primitive, scope};
use crate::modulus::Modulus;
use crate::poly::{Ntt, Poly};
use crate::ring::Ring;

/// The seed of uniform polynomials or of a generator.
pub type Seed = [u8; 32];

/// A uniform polynomial, given by a seed and an index.
///
/// Residue i modulo q depends on (seed, index, q, i) only. The polynomial over some primes is therefore the restriction
/// of the polynomial over more primes.
#[derive(Clone, Copy, Debug)]
pub struct Uniform {
    key: [u8; 16],
    mask: [u64; 2],
}

impl Uniform {
    /// Returns the polynomial of a seed and an index.
    ///
    /// # Panics
    /// If `index` is 2^14 or more.
    pub fn new(seed: &Seed, index: u64) -> Self {
        assert!(index < 1 << 14, "stream {index} is out of range");
        let (key, mask) = seed.split_at(16);
        let mask = [0, 8].map(|at| u64::from_le_bytes(mask[at..at + 8].try_into().expect("eight bytes")));
        // The index lies above the primes, which are below 2^50 and are mixed in for each limb.
        Self { key: key.try_into().expect("sixteen bytes"), mask: [mask[0], mask[1] ^ index << 50] }
    }

    /// Computes the residues modulo one prime at the positions from `first` on.
    ///
    /// This keeps the processor busy and the memory idle. Kernels that can prefetch meanwhile bring `ahead`, which the
    /// caller reads next, to the second-level cache.
    ///
    /// # Panics
    /// If `first` or the length of `out` is odd.
    pub fn fill(&self, kernels: Kernels, modulus: &Modulus, first: usize, out: &mut [u64], ahead: &[u8]) {
        let _scope = scope(Primitive::UniformHalves);
        let counter = Counter { key: &self.key, mask: [self.mask[0], self.mask[1] ^ modulus.value()] };
        kernels.uniform(modulus, out, counter, first, ahead);
    }

    /// Returns the whole polynomial over a basis.
    pub fn poly(&self, ring: &Arc<Ring>, basis: Basis) -> Poly<Ntt> {
        let mut poly = Poly::recycled(ring, basis);
        poly.for_each(|table, _, limb| self.fill(table.kernels(), table.modulus(), 0, limb, &[]));
        poly
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primes;

    #[test]
    fn any_part_is_had_without_the_rest_on_every_kernel_set() {
        for bits in [14, 42, 49, 50] {
            for q in primes::search(5, &[bits; 2]).unwrap() {
                let m = Modulus::new(q);
                let uniform = Uniform::new(&[7; 32], 11);
                let mut all = vec![0; 1 << 12];
                uniform.fill(Kernels::SCALAR, &m, 0, &mut all, &[]);
                assert!(all.iter().all(|&x| x < q));
                for kernels in Kernels::available() {
                    for (first, len) in [(0, 1 << 12), (64, 64), (1024, 32), (4000, 96)] {
                        let mut part = vec![0; len];
                        uniform.fill(kernels, &m, first, &mut part, bytemuck::cast_slice(&all[first..]));
                        assert_eq!(part, all[first..first + len], "{} modulo {q} from {first}", kernels.name());
                    }
                }
            }
        }
    }

    #[test]
    fn seeds_indices_and_primes_give_other_residues_and_smaller_bases_the_same() {
        let primes = primes::search(12, &[42, 43, 50]).unwrap();
        let ring = Ring::new(1 << 12, &primes[..2], &primes[2..], Kernels::detect());
        let poly = |seed: u8, index, basis| Uniform::new(&[seed; 32], index).poly(&ring, basis);
        let all = poly(9, 3, ring.basis());
        let few = Basis { main: 1, special: 1 };
        assert!(all.restricted(few) == poly(9, 3, few));
        assert!(all != poly(9, 4, ring.basis()) && all != poly(8, 3, ring.basis()));
        let halves = |at: usize| {
            let mut seed = [9; 32];
            seed[at] ^= 1;
            Uniform::new(&seed, 3).poly(&ring, ring.basis())
        };
        assert!(all != halves(0) && all != halves(31), "both halves of the seed count");
    }

    /// Uses the test vector of FIPS-197, appendix C.1.
    #[test]
    fn the_cipher_is_aes_128() {
        let key = std::array::from_fn(|i| i as u8);
        let plaintext: [u8; 16] = std::array::from_fn(|i| 0x11 * i as u8);
        let words = |block: [u8; 16]| [0, 8].map(|at| u64::from_le_bytes(block[at..at + 8].try_into().unwrap()));
        let expected = 0x69c4_e0d8_6a7b_0430_d8cd_b780_70b4_c55a_u128.to_be_bytes();
        let q = primes::search(5, &[50]).unwrap()[0];
        let m = Modulus::new(q);
        let counter = Counter { key: &key, mask: words(plaintext) };
        for kernels in Kernels::available() {
            let mut out = [0; 32];
            kernels.uniform(&m, &mut out, counter, 0, &[]);
            assert_eq!(out[..2], words(expected).map(|word| m.reduce(word)), "{}", kernels.name());
        }
    }

    #[test]
    fn residues_are_spread_evenly() {
        for q in primes::search(12, &[30, 42, 50]).unwrap() {
            let mut residues = vec![0; 1 << 14];
            Uniform::new(&[1; 32], 0).fill(Kernels::detect(), &Modulus::new(q), 0, &mut residues, &[]);
            let mut counts = [0.0; 16];
            residues.iter().for_each(|&x| counts[(x as u128 * 16 / q as u128) as usize] += 1.0);
            let expected = residues.len() as f64 / 16.0;
            let statistic: f64 = counts.iter().map(|c| (c - expected).powi(2) / expected).sum();
            assert!(statistic < 37.7, "15 degrees of freedom, p = 0.001: {statistic}");
        }
    }
}
