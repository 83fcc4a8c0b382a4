//! Hybrid key switching (Han and Ki, ePrint 2019/688): the gadget product, with and without an automorphism.

use std::sync::Arc;

use fhe_ring::automorphism::Permutation;
use fhe_ring::{Basis, Limb, Ntt, Poly, Ring, Shoup};
use rayon::prelude::*;

use crate::keys::SwitchingKey;
use crate::params::KeyShape;

/// The gadget digits of a polynomial, raised for keys of one shape: what all rotations of a ciphertext share (hoisting).
pub struct Digits {
    digits: Vec<Poly<Ntt>>,
    shape: KeyShape,
    /// Of the digits: the main primes of the polynomial and the special primes of the shape.
    basis: Basis,
}

impl Digits {
    /// Decomposes and raises a polynomial over main primes that the shape reaches.
    pub fn new(poly: &Poly<Ntt>, shape: KeyShape) -> Self {
        let main = poly.basis().main;
        assert!(main <= shape.main, "{main} main primes for a key of {}", shape.main);
        let digits = poly.mod_up(shape.digit, shape.special);
        Self { digits, shape, basis: Basis { main, special: shape.special } }
    }

    /// Which keys the digits are for.
    pub fn shape(&self) -> KeyShape {
        self.shape
    }

    /// The primes of products with the digits.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// Σ dⱼ·keyⱼ, P times the switched polynomial over main and special primes, with P times an addend over main primes
    /// for each half that has one.
    ///
    /// # Panics
    /// If the key is of another shape.
    pub fn product(&self, key: &SwitchingKey, addends: [Option<&Poly<Ntt>>; 2]) -> [Poly<Ntt>; 2] {
        assert_eq!(self.shape, key.shape(), "digits for keys of another shape");
        let (ring, n) = (self.ring(), self.ring().n());
        let (first, second) = (0..self.basis.len())
            .into_par_iter()
            .map(|i| {
                let table = ring.table(self.basis, i);
                let lift = lift(ring, self.basis, i);
                let size = CHUNK.min(n);
                let mut halves = [0, 1].map(|_| Limb::recycled(n));
                // Both halves of a chunk while the digits are in cache.
                for first in (0..n).step_by(size) {
                    for (half, out) in halves.iter_mut().enumerate().rev() {
                        let out = &mut out[first..][..size];
                        self.dot(key, i, half, first, out);
                        if let (Some(addend), Some(lift)) = (addends[half], lift) {
                            let addend = &addend.limbs()[i][first..][..size];
                            table.backend().add_scaled(table.modulus(), out, addend, lift);
                        }
                    }
                }
                let [first, second] = halves;
                (first, second)
            })
            .unzip();
        [first, second].map(|limbs| Poly::from_limbs(ring, self.basis, limbs))
    }

    fn ring(&self) -> &Arc<Ring> {
        self.digits[0].ring()
    }

    /// Σ dⱼ·keyⱼ at the positions from `first` on of limb `limb` of one half (0 or 1) into `out`.
    ///
    /// The second half comes first, best: while its uniform part of the key is computed, that of the first half arrives.
    fn dot(&self, key: &SwitchingKey, limb: usize, half: usize, first: usize, out: &mut [u64]) {
        let (table, size) = (self.ring().table(self.basis, limb), out.len());
        let (backend, modulus) = (table.backend(), table.modulus());
        let kept = key.digits().iter().map(|b| b.limb_of(self.basis, limb));
        let mut keys = Limb::recycled(size * self.digits.len());
        let chunks = keys.chunks_exact_mut(size).zip(kept);
        match half {
            0 => chunks.for_each(|(chunk, b)| b.unpack(backend, first, chunk)),
            _ => chunks
                .zip(key.uniform())
                .for_each(|((chunk, b), a)| a.fill(backend, modulus, first, chunk, b.chunk(first, size))),
        }
        let digits = self.digits.iter().map(|digit| &digit.limbs()[limb][first..][..size]);
        let terms: Vec<(&[u64], &[u64])> = digits.zip(keys.chunks_exact(size)).collect();
        backend.dot_all(modulus, out, &terms, 0);
    }
}

/// Positions that one pass works on: a few operands of this many fit the second-level cache.
const CHUNK: usize = 4096;

/// P, the product of the special primes, modulo main prime `i`; `None` for a special prime, modulo which it is 0.
pub fn lift(ring: &Ring, basis: Basis, i: usize) -> Option<Shoup> {
    let m = ring.table(basis, i).modulus();
    let special = &ring.special()[..basis.special];
    (i < basis.main).then(|| m.shoup(special.iter().fold(1, |p, t| m.mul(p, m.reduce(t.modulus().value())))))
}

/// A product of digits with a Galois key under its automorphism, σ(Σ dⱼ·keyⱼ + addend), computed chunk by chunk so that
/// it need not be written out: a chunk of the result depends on one chunk of each operand.
pub struct GaloisProduct<'a> {
    digits: &'a Digits,
    key: &'a SwitchingKey,
    permutation: Arc<Permutation>,
}

impl<'a> GaloisProduct<'a> {
    /// The product of `digits` and `key`, a key for the automorphism X ↦ X^`galois`.
    ///
    /// # Panics
    /// If the key is of another shape.
    pub fn new(digits: &'a Digits, key: &'a SwitchingKey, galois: u64) -> Self {
        assert_eq!(digits.shape, key.shape(), "digits for keys of another shape");
        let permutation = digits.ring().permutation(galois);
        Self { digits, key, permutation }
    }

    /// The values at positions `first..` of limb `limb` of one half (0 or 1) into `out`, whose length is a power of two
    /// that divides `first`; the second half best comes before the first. `addend` gets the sum before the automorphism and the first of its positions, to add to it.
    pub fn chunk(
        &self,
        limb: usize,
        half: usize,
        first: usize,
        out: &mut [u64],
        addend: impl FnOnce(&mut [u64], usize),
    ) {
        let table = self.digits.ring().table(self.digits.basis, limb);
        let chunk = self.permutation.chunk(first, out.len());
        let mut sum = Limb::recycled(out.len());
        self.digits.dot(self.key, limb, half, chunk.source, &mut sum);
        addend(&mut sum, chunk.source);
        table.backend().permute(out, &sum, chunk);
    }
}
