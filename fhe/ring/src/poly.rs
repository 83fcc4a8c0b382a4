//! Polynomials in residue number system form, their domain in the type.

use std::marker::PhantomData;
use std::sync::Arc;

use rayon::prelude::*;
use zeroize::Zeroize;

use crate::automorphism::{Permutation, permute_coefficients};
use crate::basis::Basis;
use crate::buffer::Limb;
use crate::modulus::Modulus;
use crate::ntt::NttTable;
use crate::ring::Ring;

/// Limbs hold coefficients, lowest degree first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coefficients;

/// Limbs hold evaluations in the order of [`NttTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ntt;

/// A polynomial of degree below N modulo the primes of a [`Basis`], one [`Limb`] of canonical residues each.
///
/// Binary operations panic on operands that lack a prime of the result: which primes a value is held modulo is an
/// invariant of the caller, never of its input data.
pub struct Poly<D> {
    pub(crate) ring: Arc<Ring>,
    pub(crate) basis: Basis,
    pub(crate) limbs: Vec<Limb>,
    pub(crate) domain: PhantomData<fn() -> D>,
}

impl<D> Poly<D> {
    /// The zero polynomial.
    pub fn zero(ring: &Arc<Ring>, basis: Basis) -> Self {
        Self::from_limbs(ring, basis, (0..basis.len()).map(|_| Limb::zeroed(ring.n())).collect())
    }

    /// A polynomial with arbitrary contents, for a caller that overwrites every limb.
    pub(crate) fn recycled(ring: &Arc<Ring>, basis: Basis) -> Self {
        Self::from_limbs(ring, basis, (0..basis.len()).map(|_| Limb::recycled(ring.n())).collect())
    }

    /// A polynomial from its limbs: canonical residues, one limb of N for each prime of `basis`.
    ///
    /// # Panics
    /// If the number or length of the limbs is off, or the basis exceeds the ring's.
    pub fn from_limbs(ring: &Arc<Ring>, basis: Basis, limbs: Vec<Limb>) -> Self {
        assert!(ring.basis().contains(basis), "{basis:?} exceeds {ring:?}");
        assert_eq!(limbs.len(), basis.len(), "limbs for {basis:?}");
        assert!(limbs.iter().all(|limb| limb.len() == ring.n()), "every limb holds {} residues", ring.n());
        Self { ring: ring.clone(), basis, limbs, domain: PhantomData }
    }

    /// The ring.
    pub fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// The primes this polynomial is held modulo.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// The limbs, main primes first.
    pub fn limbs(&self) -> &[Limb] {
        &self.limbs
    }

    /// The limbs, main primes first. Residues must stay canonical.
    pub fn limbs_mut(&mut self) -> &mut [Limb] {
        &mut self.limbs
    }

    /// Bytes of all limbs.
    pub fn bytes(&self) -> usize {
        8 * self.ring.n() * self.limbs.len()
    }

    /// The same residues under another domain: for the transforms, which have just made it true.
    fn relabel<E>(self) -> Poly<E> {
        Poly { ring: self.ring, basis: self.basis, limbs: self.limbs, domain: PhantomData }
    }

    /// Forgets the primes outside `basis`.
    ///
    /// # Panics
    /// If `basis` holds primes that this polynomial is not held modulo.
    pub fn restrict(&mut self, basis: Basis) {
        assert!(self.basis.contains(basis), "{basis:?} is not within {:?}", self.basis);
        self.limbs.truncate(self.basis.main + basis.special);
        self.limbs.drain(basis.main..self.basis.main);
        self.basis = basis;
    }

    /// A copy modulo fewer primes.
    pub fn restricted(&self, basis: Basis) -> Self {
        assert!(self.basis.contains(basis), "{basis:?} is not within {:?}", self.basis);
        let special = &self.limbs[self.basis.main..][..basis.special];
        let limbs = self.limbs[..basis.main].par_iter().chain(special).cloned().collect();
        Self::from_limbs(&self.ring, basis, limbs)
    }

    /// Runs `f` on each limb with its transform, in parallel.
    pub(crate) fn for_each(&mut self, f: impl Fn(&NttTable, usize, &mut [u64]) + Sync) {
        let (ring, basis) = (&self.ring, self.basis);
        self.limbs.par_iter_mut().enumerate().for_each(|(i, limb)| f(ring.table(basis, i), i, limb));
    }

    /// `self + other`; `other` may be held modulo more primes.
    pub fn add_assign(&mut self, other: &Self) {
        let basis = self.basis;
        self.for_each(|t, i, limb| t.kernels().add(t.modulus(), limb, other.limb_of(basis, i)));
    }

    /// `self − other`; `other` may be held modulo more primes.
    pub fn sub_assign(&mut self, other: &Self) {
        let basis = self.basis;
        self.for_each(|t, i, limb| t.kernels().sub(t.modulus(), limb, other.limb_of(basis, i)));
    }

    /// The limb of this polynomial for limb `i` of one over `basis`.
    ///
    /// # Panics
    /// If `basis` holds primes that this polynomial is not held modulo.
    pub fn limb_of(&self, basis: Basis, i: usize) -> &[u64] {
        &self.limbs[self.basis.place_of(basis, i)]
    }

    /// `−self`.
    pub fn negate(&mut self) {
        self.for_each(|t, _, limb| limb.iter_mut().for_each(|x| *x = t.modulus().neg(*x)));
    }

    /// `self·w`, the integer `w` given modulo each prime.
    pub fn scale(&mut self, w: impl Fn(&Modulus) -> u64 + Sync) {
        self.for_each(|t, _, limb| {
            let m = t.modulus();
            let factor = m.shoup(w(m));
            limb.iter_mut().for_each(|x| *x = factor.mul(*x, m.value()));
        });
    }

    /// `self·w` into a new polynomial, the integer `w` given modulo each prime.
    pub fn scaled(&self, w: impl Fn(&Modulus) -> u64 + Sync) -> Self {
        let mut out = Self::recycled(&self.ring, self.basis);
        out.for_each(|t, i, limb| {
            let m = t.modulus();
            t.kernels().scale(m, limb, &self.limbs[i], m.shoup(w(m)));
        });
        out
    }
}

impl Poly<Coefficients> {
    /// Signed coefficients, reduced modulo each prime.
    ///
    /// # Panics
    /// If there are not N of them.
    pub fn from_signed(ring: &Arc<Ring>, basis: Basis, coefficients: &[i64]) -> Self {
        assert_eq!(coefficients.len(), ring.n(), "one coefficient for each power of X");
        let mut poly = Self::recycled(ring, basis);
        poly.for_each(|t, _, limb| t.kernels().reduce_signed(t.modulus(), limb, coefficients));
        poly
    }

    /// Transforms every limb.
    pub fn into_ntt(mut self) -> Poly<Ntt> {
        self.for_each(|t, _, limb| t.forward(limb));
        self.relabel()
    }

    /// `self(X^galois)`.
    pub fn automorphism(&self, galois: u64) -> Self {
        let mut out = Self::recycled(&self.ring, self.basis);
        out.for_each(|t, i, limb| permute_coefficients(t.modulus(), limb, &self.limbs[i], galois));
        out
    }
}

impl Poly<Ntt> {
    /// Transforms every limb back.
    pub fn into_coefficients(mut self) -> Poly<Coefficients> {
        self.for_each(|t, _, limb| t.inverse(limb));
        self.relabel()
    }

    /// `self(X^galois)` for the permutation's exponent.
    pub fn automorphism(&self, permutation: &Permutation) -> Self {
        let mut out = Self::recycled(&self.ring, self.basis);
        let n = self.ring.n();
        out.for_each(|t, i, limb| t.kernels().permute(limb, &self.limbs[i], permutation.chunk(0, n)));
        out
    }

    /// `Σ aᵢ·bᵢ` over the primes of `basis`; the factors may be held modulo more.
    pub fn dot(ring: &Arc<Ring>, basis: Basis, terms: &[(&Self, &Self)]) -> Self {
        let mut out = Self::recycled(ring, basis);
        out.for_each(|t, i, limb| {
            let products: Vec<(&[u64], &[u64])> =
                terms.iter().map(|&(a, b)| (a.limb_of(basis, i), b.limb_of(basis, i))).collect();
            t.kernels().dot_all(t.modulus(), limb, &products, 0);
        });
        out
    }

    /// `self·other`; `other` may be held modulo more primes.
    pub fn mul(&self, other: &Self) -> Self {
        Self::dot(&self.ring, self.basis, &[(self, other)])
    }
}

impl<D> Clone for Poly<D> {
    fn clone(&self) -> Self {
        let limbs = self.limbs.par_iter().cloned().collect();
        Self { ring: self.ring.clone(), basis: self.basis, limbs, domain: PhantomData }
    }
}

impl<D> PartialEq for Poly<D> {
    fn eq(&self, other: &Self) -> bool {
        self.basis == other.basis && self.limbs == other.limbs
    }
}

/// For secrets: wrap them in `Zeroizing`, or their limbs return to the pool as they are.
impl<D> Zeroize for Poly<D> {
    fn zeroize(&mut self) {
        self.limbs.iter_mut().for_each(|limb| (**limb).zeroize());
    }
}

impl<D> std::fmt::Debug for Poly<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Poly({}, {:?})", std::any::type_name::<D>(), self.basis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Kernels;
    use crate::{Uniform, primes};

    fn rings() -> Vec<Arc<Ring>> {
        let primes = primes::search(7, &[50, 40, 50, 49]).unwrap();
        Kernels::available().into_iter().map(|b| Ring::new(128, &primes[..2], &primes[2..], b)).collect()
    }

    fn random(ring: &Arc<Ring>, basis: Basis, index: u64) -> Poly<Ntt> {
        Uniform::new(&[1; 32], index).poly(ring, basis)
    }

    #[test]
    fn automorphisms_agree_in_both_domains_and_kernel_sets() {
        for galois in [3, 5, 25, 255, 127, 77] {
            let results: Vec<_> = rings()
                .iter()
                .map(|ring| {
                    let a = random(ring, ring.basis(), 0);
                    let in_ntt = a.automorphism(&ring.permutation(galois));
                    assert!(in_ntt == a.into_coefficients().automorphism(galois).into_ntt(), "X ↦ X^{galois}");
                    in_ntt
                })
                .collect();
            assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
        }
    }

    /// Each operation against one-prime arithmetic, on every kernels, with operands over more primes where allowed.
    #[test]
    fn arithmetic_agrees_with_single_residues() {
        for ring in rings() {
            let basis = Basis { main: 1, special: 2 };
            let (a, b) = (random(&ring, basis, 0), random(&ring, basis, 1));
            let wide = random(&ring, ring.basis(), 2);
            let check = |what: &str, result: &Poly<Ntt>, expected: &dyn Fn(&Modulus, u64, u64, u64) -> u64| {
                let tall = wide.restricted(basis);
                for (i, m) in ring.moduli(basis).enumerate() {
                    for j in 0..ring.n() {
                        let [x, y, z] = [&a, &b, &tall].map(|p| p.limbs()[i][j]);
                        assert_eq!(result.limbs()[i][j], expected(m, x, y, z), "{what}, limb {i}");
                    }
                }
            };
            let edit = |f: &dyn Fn(&mut Poly<Ntt>)| {
                let mut out = a.clone();
                f(&mut out);
                out
            };
            check("add", &edit(&|p| p.add_assign(&b)), &|m, x, y, _| m.add(x, y));
            check("sub", &edit(&|p| p.sub_assign(&b)), &|m, x, y, _| m.sub(x, y));
            check("negate", &edit(&|p| p.negate()), &|m, x, _, _| m.neg(x));
            check("scale", &edit(&|p| p.scale(|m| m.value() - 2)), &|m, x, _, _| m.neg(m.add(x, x)));
            check("scaled", &a.scaled(|m| m.value() - 1), &|m, x, _, _| m.neg(x));
            check("mul", &a.mul(&wide), &|m, x, _, z| m.mul(x, z));
            let many = vec![(&a, &wide); 40];
            check("dot", &Poly::dot(&ring, basis, &many), &|m, x, _, z| m.mul(40, m.mul(x, z)));
        }
    }
}
