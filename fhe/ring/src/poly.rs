//! Polynomials in residue number system form, with their domain in the type.

use std::marker::PhantomData;
use std::sync::Arc;

use rayon::prelude::*;
use zeroize::Zeroize;

use crate::automorphism::{Permutation, permute_coefficients};
use crate::basis::Basis;
use crate::buffer::Limb;
use crate::meter::{Primitive, scope};
use crate::modulus::Modulus;
use crate::ntt::NttTable;
use crate::ring::Ring;

/// The coefficient domain: limbs hold coefficients, lowest degree first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coefficients;

/// The NTT domain: limbs hold evaluations in the order of [`NttTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ntt;

/// A polynomial of degree below N modulo the primes of a [`Basis`], with one [`Limb`] of residues in [0, q) for each
/// prime q. `D` is its domain, [`Coefficients`] or [`Ntt`].
///
/// Operations panic if an operand lacks a prime of the result: the basis of a value is an invariant of the caller and
/// never depends on its input data.
///
/// ```
/// use fhe_ring::{Coefficients, Kernels, Poly, Ring, primes};
///
/// let primes = primes::search(6, &[50, 40])?;
/// let ring = Ring::new(64, &primes, &[], Kernels::detect());
/// // (1 + X)·(1 − X) = 1 − X².
/// let poly = |low: [i64; 3]| {
///     let mut coefficients = [0; 64];
///     coefficients[..3].copy_from_slice(&low);
///     Poly::<Coefficients>::from_signed(&ring, ring.basis(), &coefficients)
/// };
/// let product = poly([1, 1, 0]).into_ntt().mul(&poly([1, -1, 0]).into_ntt());
/// assert_eq!(product.into_coefficients(), poly([1, 0, -1]));
/// # Ok::<(), fhe_ring::primes::PrimeError>(())
/// ```
pub struct Poly<D> {
    pub(crate) ring: Arc<Ring>,
    pub(crate) basis: Basis,
    pub(crate) limbs: Vec<Limb>,
    pub(crate) domain: PhantomData<fn() -> D>,
}

impl<D> Poly<D> {
    /// Returns the zero polynomial.
    ///
    /// # Panics
    /// If `basis` exceeds the ring's.
    pub fn zero(ring: &Arc<Ring>, basis: Basis) -> Self {
        Self::from_limbs(ring, basis, (0..basis.len()).map(|_| Limb::zeroed(ring.n())).collect())
    }

    /// Returns a polynomial with arbitrary contents, for a caller that overwrites every limb.
    pub(crate) fn recycled(ring: &Arc<Ring>, basis: Basis) -> Self {
        Self::from_limbs(ring, basis, (0..basis.len()).map(|_| Limb::recycled(ring.n())).collect())
    }

    /// Builds a polynomial from one limb of N residues for each prime of `basis`, main primes first. The caller ensures
    /// that the residues are canonical.
    ///
    /// # Panics
    /// If the number or the length of the limbs is wrong, or `basis` exceeds the ring's.
    pub fn from_limbs(ring: &Arc<Ring>, basis: Basis, limbs: Vec<Limb>) -> Self {
        assert!(ring.basis().contains(basis), "{basis:?} exceeds {ring:?}");
        assert_eq!(limbs.len(), basis.len(), "limbs for {basis:?}");
        assert!(limbs.iter().all(|limb| limb.len() == ring.n()), "every limb holds {} residues", ring.n());
        Self { ring: ring.clone(), basis, limbs, domain: PhantomData }
    }

    /// Returns the ring.
    pub fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// Returns the primes that the polynomial is held modulo.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// Returns the limbs, N residues each, main primes first.
    pub fn limbs(&self) -> &[Limb] {
        &self.limbs
    }

    /// Returns the limbs for writing, N residues each, main primes first. The caller keeps the residues canonical.
    pub fn limbs_mut(&mut self) -> &mut [Limb] {
        &mut self.limbs
    }

    /// Returns the number of bytes of all limbs.
    pub fn bytes(&self) -> usize {
        8 * self.ring.n() * self.limbs.len()
    }

    /// Changes the domain in the type only, after a transform has changed the residues.
    fn relabel<E>(self) -> Poly<E> {
        Poly { ring: self.ring, basis: self.basis, limbs: self.limbs, domain: PhantomData }
    }

    /// Drops the limbs of all primes outside `basis`. The integer that the residues represent may change with that.
    ///
    /// # Panics
    /// If `basis` holds primes that this polynomial is not held modulo.
    pub fn restrict(&mut self, basis: Basis) {
        assert!(self.basis.contains(basis), "{basis:?} is not within {:?}", self.basis);
        self.limbs.truncate(self.basis.main + basis.special);
        self.limbs.drain(basis.main..self.basis.main);
        self.basis = basis;
    }

    /// Returns a copy that is held modulo the primes of `basis` only.
    ///
    /// # Panics
    /// If `basis` holds primes that this polynomial is not held modulo.
    pub fn restricted(&self, basis: Basis) -> Self {
        assert!(self.basis.contains(basis), "{basis:?} is not within {:?}", self.basis);
        let special = &self.limbs[self.basis.main..][..basis.special];
        let limbs = self.limbs[..basis.main].par_iter().chain(special).cloned().collect();
        Self::from_limbs(&self.ring, basis, limbs)
    }

    /// Runs `f` on each limb with its transform and its index, in parallel. Its time counts as arithmetic.
    pub(crate) fn for_each(&mut self, f: impl Fn(&NttTable, usize, &mut [u64]) + Sync) {
        self.for_each_as(Primitive::Arithmetic, f);
    }

    /// Runs `f` as [`Poly::for_each`] does. Its time counts as `primitive`.
    pub(crate) fn for_each_as(&mut self, primitive: Primitive, f: impl Fn(&NttTable, usize, &mut [u64]) + Sync) {
        let (ring, basis) = (&self.ring, self.basis);
        self.limbs.par_iter_mut().enumerate().for_each(|(i, limb)| {
            let _scope = scope(primitive);
            f(ring.table(basis, i), i, limb);
        });
    }

    /// Computes `self ← self + other`. `other` may be held modulo more primes.
    ///
    /// # Panics
    /// If `other` lacks a prime of `self`.
    pub fn add_assign(&mut self, other: &Self) {
        let basis = self.basis;
        self.for_each(|t, i, limb| t.kernels().add(t.modulus(), limb, other.limb_of(basis, i)));
    }

    /// Computes `self ← self − other`. `other` may be held modulo more primes.
    ///
    /// # Panics
    /// If `other` lacks a prime of `self`.
    pub fn sub_assign(&mut self, other: &Self) {
        let basis = self.basis;
        self.for_each(|t, i, limb| t.kernels().sub(t.modulus(), limb, other.limb_of(basis, i)));
    }

    /// Returns the limb of this polynomial modulo prime `i` of `basis`.
    ///
    /// # Panics
    /// If `basis` holds primes that this polynomial is not held modulo.
    pub fn limb_of(&self, basis: Basis, i: usize) -> &[u64] {
        &self.limbs[self.basis.place_of(basis, i)]
    }

    /// Computes `self ← −self`.
    pub fn negate(&mut self) {
        self.for_each(|t, _, limb| limb.iter_mut().for_each(|x| *x = t.modulus().neg(*x)));
    }

    /// Computes `self ← self·w` for an integer `w`, which the function `w` returns modulo each prime.
    pub fn scale(&mut self, w: impl Fn(&Modulus) -> u64 + Sync) {
        self.for_each(|t, _, limb| {
            let m = t.modulus();
            let factor = m.shoup(w(m));
            limb.iter_mut().for_each(|x| *x = factor.mul(*x, m.value()));
        });
    }

    /// Returns `self·w` for an integer `w`, which the function `w` returns modulo each prime.
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
    /// Reduces signed coefficients modulo each prime of `basis`.
    ///
    /// # Panics
    /// If there are not N coefficients, or `basis` exceeds the ring's.
    pub fn from_signed(ring: &Arc<Ring>, basis: Basis, coefficients: &[i64]) -> Self {
        assert_eq!(coefficients.len(), ring.n(), "one coefficient for each power of X");
        let mut poly = Self::recycled(ring, basis);
        poly.for_each_as(Primitive::Reduce, |t, _, limb| t.kernels().reduce_signed(t.modulus(), limb, coefficients));
        poly
    }

    /// Transforms every limb to the NTT domain.
    pub fn into_ntt(mut self) -> Poly<Ntt> {
        self.for_each_as(Primitive::ForwardTransform, |t, _, limb| t.forward(limb));
        self.relabel()
    }

    /// Returns `self(X^galois)`, for odd `galois`.
    pub fn automorphism(&self, galois: u64) -> Self {
        let mut out = Self::recycled(&self.ring, self.basis);
        out.for_each_as(Primitive::Permute, |t, i, limb| {
            permute_coefficients(t.modulus(), limb, &self.limbs[i], galois)
        });
        out
    }
}

impl Poly<Ntt> {
    /// Transforms every limb to the coefficient domain.
    pub fn into_coefficients(mut self) -> Poly<Coefficients> {
        self.for_each_as(Primitive::InverseTransform, |t, _, limb| t.inverse(limb));
        self.relabel()
    }

    /// Returns `self(X^galois)` for the exponent of `permutation`.
    pub fn automorphism(&self, permutation: &Permutation) -> Self {
        let mut out = Self::recycled(&self.ring, self.basis);
        let n = self.ring.n();
        out.for_each_as(Primitive::Permute, |t, i, limb| {
            t.kernels().permute(limb, &self.limbs[i], permutation.chunk(0, n))
        });
        out
    }

    /// Returns `Σ aᵢ·bᵢ` over the primes of `basis`, which is 0 without terms. The factors may be held modulo more
    /// primes.
    ///
    /// # Panics
    /// If a factor lacks a prime of `basis`.
    pub fn dot(ring: &Arc<Ring>, basis: Basis, terms: &[(&Self, &Self)]) -> Self {
        let mut out = Self::recycled(ring, basis);
        out.for_each(|t, i, limb| {
            let products: Vec<(&[u64], &[u64])> =
                terms.iter().map(|&(a, b)| (a.limb_of(basis, i), b.limb_of(basis, i))).collect();
            t.kernels().dot_all(t.modulus(), limb, &products, 0);
        });
        out
    }

    /// Returns `self·other` over the primes of `self`. `other` may be held modulo more primes.
    ///
    /// # Panics
    /// If `other` lacks a prime of `self`.
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

/// Overwrites the residues with zeros. A secret polynomial is wrapped in `Zeroizing`, because a dropped limb returns to
/// the pool unchanged.
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

    /// Compares each operation with arithmetic modulo one prime, on all kernels. Operands have more primes where
    /// allowed.
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
