//! Polynomials in a power of X, in the NTT domain, with each repeated value stored once.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::arch::MAX_LAZY_PRODUCTS;
use crate::basis::Basis;
use crate::buffer::Limb;
use crate::meter::{Primitive, scope};
use crate::poly::{Ntt, Poly};
use crate::ring::Ring;

/// A polynomial in X^(N/n) in the NTT domain, with n evaluations in each limb. Each evaluation repeats N/n times in a
/// row in the full transform.
///
/// Encodings of sparse vectors have this form. They are computed at size n and need n/N of the memory.
#[derive(Clone)]
pub struct CompactPoly {
    ring: Arc<Ring>,
    basis: Basis,
    limbs: Vec<Limb>,
}

impl CompactPoly {
    /// Returns the transform of Σ cᵢ·X^(i·N/n) with the n signed `coefficients` cᵢ, modulo the primes of `basis`.
    ///
    /// # Panics
    /// If n is not a power of two from [`MIN_NTT`](crate::arch::MIN_NTT) to N.
    pub fn from_signed(ring: &Arc<Ring>, basis: Basis, coefficients: &[i64]) -> Self {
        let limbs = (0..basis.len())
            .into_par_iter()
            .map(|i| {
                let table = ring.table(basis, i);
                let mut limb = Limb::recycled(coefficients.len());
                let _scope = scope(Primitive::Reduce);
                table.kernels().reduce_signed(table.modulus(), &mut limb, coefficients);
                table.forward(&mut limb);
                limb
            })
            .collect();
        Self { ring: ring.clone(), basis, limbs }
    }

    /// Returns r + r̄ and (r − r̄)/X^(N/2), where r is this polynomial and r̄ is r(1/X).
    pub fn split(&self) -> [Self; 2] {
        let split = |(i, limb): (usize, &Limb)| {
            let [mut sum, mut difference] = [0, 1].map(|_| Limb::recycled(limb.len()));
            self.ring.table(self.basis, i).split(limb, &mut sum, &mut difference);
            (sum, difference)
        };
        let (sums, differences): (Vec<Limb>, Vec<Limb>) = self.limbs.par_iter().enumerate().map(split).unzip();
        [sums, differences].map(|limbs| Self { ring: self.ring.clone(), basis: self.basis, limbs })
    }

    /// Returns the ring.
    pub fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// Returns the limb of this polynomial modulo prime `i` of `basis`.
    ///
    /// # Panics
    /// If `basis` holds primes that this polynomial is not held modulo.
    pub fn limb_of(&self, basis: Basis, i: usize) -> &[u64] {
        &self.limbs[self.basis.place_of(basis, i)]
    }

    /// Returns log2(N/n): an evaluation repeats `1 << stretch` times in the full transform.
    pub fn stretch(&self) -> u32 {
        self.ring.n().trailing_zeros() - self.limbs[0].len().trailing_zeros()
    }

    /// Returns the primes that the polynomial is held modulo.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// Returns the limbs, n residues each, main primes first.
    pub fn limbs(&self) -> &[Limb] {
        &self.limbs
    }

    /// Returns the number of bytes of all limbs.
    pub fn bytes(&self) -> usize {
        self.limbs.iter().map(|limb| 8 * limb.len()).sum()
    }

    /// Returns this polynomial with all N evaluations in each limb.
    pub fn expand(&self) -> Poly<Ntt> {
        let stretch = self.stretch();
        let mut out = Poly::recycled(&self.ring, self.basis);
        out.for_each(|_, i, limb| {
            for (run, &value) in limb.chunks_exact_mut(1 << stretch).zip(self.limbs[i].iter()) {
                run.fill(value);
            }
        });
        out
    }
}

impl Poly<Ntt> {
    /// Returns `self·w` over the primes of `self`. `w` may be held modulo more primes.
    ///
    /// # Panics
    /// If `w` lacks a prime of `self`.
    pub fn mul_compact(&self, w: &CompactPoly) -> Self {
        Self::dot_compact(&self.ring, self.basis, &[(self, w)])
    }

    /// Returns `Σ aᵢ·wᵢ` over the primes of `basis`, which is 0 without terms. The factors may be held modulo more
    /// primes.
    ///
    /// # Panics
    /// If a factor lacks a prime of `basis`.
    pub fn dot_compact(ring: &Arc<Ring>, basis: Basis, terms: &[(&Self, &CompactPoly)]) -> Self {
        let mut by_stretch: BTreeMap<u32, Vec<(&Self, &CompactPoly)>> = BTreeMap::new();
        for &(a, w) in terms {
            by_stretch.entry(w.stretch()).or_default().push((a, w));
        }
        let chunks: Vec<_> = by_stretch
            .iter()
            .flat_map(|(&stretch, terms)| terms.chunks(MAX_LAZY_PRODUCTS).map(move |c| (stretch, c)))
            .collect();
        let mut out = if chunks.is_empty() { Self::zero(ring, basis) } else { Self::recycled(ring, basis) };
        out.for_each_as(Primitive::DiagonalProduct, |t, i, limb| {
            for (k, (stretch, chunk)) in chunks.iter().enumerate() {
                let products: Vec<(&[u64], &[u64])> =
                    chunk.iter().map(|(a, w)| (a.limb_of(basis, i), w.limb_of(basis, i))).collect();
                t.kernels().dot(t.modulus(), limb, k > 0, &products, *stretch);
            }
        });
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Kernels;
    use crate::primes;
    use crate::uniform::Uniform;

    fn rings() -> Vec<Arc<Ring>> {
        let primes = primes::search(7, &[50, 40, 50, 49]).unwrap();
        Kernels::available().into_iter().map(|b| Ring::new(128, &primes[..2], &primes[2..], b)).collect()
    }

    #[test]
    fn split_polynomials_are_fixed_by_conjugation_and_add_up() {
        for ring in rings() {
            let conjugation = ring.permutation(2 * ring.n() as u64 - 1);
            let mut half_turn = vec![0; ring.n()];
            half_turn[ring.n() / 2] = 1;
            let half_turn = Poly::from_signed(&ring, ring.basis(), &half_turn).into_ntt();
            for size in [32, 64, 128] {
                let coefficients: Vec<i64> = (0..size).map(|i| (i * i * i - 70_000) << 10).collect();
                let compact = CompactPoly::from_signed(&ring, ring.basis(), &coefficients);
                let [sum, difference] = compact.split().map(|half| half.expand());
                assert!(sum == sum.automorphism(&conjugation) && difference == difference.automorphism(&conjugation));
                let mut twice = compact.expand();
                twice.add_assign(&compact.expand());
                let mut found = difference.mul(&half_turn);
                found.add_assign(&sum);
                assert!(found == twice, "r + r̄ and r − r̄ make 2r, at size {size}");
            }
        }
    }

    #[test]
    fn compact_products_equal_expanded_ones() {
        for ring in rings() {
            for size in [32, 64, 128] {
                let coefficients: Vec<i64> = (0..size).map(|i| (i * i - 700) << 20).collect();
                let compact = CompactPoly::from_signed(&ring, ring.basis(), &coefficients);
                let gap = ring.n() / size as usize;
                let mut full = vec![0; ring.n()];
                full.iter_mut().step_by(gap).zip(&coefficients).for_each(|(f, &c)| *f = c);
                let expanded = Poly::from_signed(&ring, ring.basis(), &full).into_ntt();
                assert!(compact.expand() == expanded);
                let a = Uniform::new(&[1; 32], 0).poly(&ring, Basis { main: 1, special: 1 });
                assert!(a.mul_compact(&compact) == a.mul(&expanded), "size {size}");
            }
        }
    }
}
