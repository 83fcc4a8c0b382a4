//! Hybrid key switching (Han and Ki, ePrint 2019/688): the gadget product, with and without an automorphism.

use std::sync::Arc;

use fhe_ring::automorphism::Permutation;
use fhe_ring::{Basis, Digit, Limb, Ntt, PackedPoly, Poly, Ring, Shoup, Uniform};
use rayon::prelude::*;

use crate::keys::SwitchingKey;
use crate::shape::KeyShape;

/// The gadget digits of a polynomial, raised for keys of one shape: what all rotations of a ciphertext share (hoisting).
pub struct Digits<'a> {
    ring: &'a Arc<Ring>,
    digits: Vec<Digit<'a>>,
    shape: KeyShape,
    /// Of the digits: the main primes of the polynomial and the special primes of the shape.
    basis: Basis,
}

impl<'a> Digits<'a> {
    /// Decomposes and raises a polynomial over main primes that the shape reaches.
    pub fn new(poly: &'a Poly<Ntt>, shape: KeyShape) -> Self {
        let main = poly.basis().main;
        assert!(main <= shape.main, "{main} main primes for a key of {}", shape.main);
        let digits = poly.mod_up(shape.digit_len, shape.special);
        Self { ring: poly.ring(), digits, shape, basis: Basis { main, special: shape.special } }
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
        GadgetProduct::new(self, key).compute(addends)
    }
}

/// Σ σ(digit)·key over automorphisms σ = X ↦ X^g, each g with its key, and P times the addend, over main primes, in the
/// first half. The digit, over the primes of the keys, is so small that it takes no decomposition: each key has but one.
///
/// # Panics
/// If there is no key, or one of more digits than one or over other primes.
pub fn sum_of_images(digit: &Poly<Ntt>, keys: &[(u64, &SwitchingKey)], addend: &Poly<Ntt>) -> [Poly<Ntt>; 2] {
    let basis = digit.basis();
    let terms = keys.iter().map(|&(galois, key)| {
        assert!(key.digits().len() == 1 && key.shape().basis() == basis, "a key of one digit over {basis:?}");
        let image = (galois != 1).then(|| digit.ring().permutation(galois));
        let a = key.uniform().next().expect("one digit");
        Term { digit: digit.limbs().iter().map(|limb| &**limb).collect(), image, b: &key.digits()[0], a }
    });
    GadgetProduct { ring: digit.ring(), basis, terms: terms.collect() }.compute([Some(addend), None])
}

/// Positions that one pass works on: a few operands of this many fit the second-level cache.
pub(crate) const CHUNK: usize = 4096;

/// P, the product of the special primes, modulo main prime `i`; `None` for a special prime, modulo which it is 0.
pub fn lift(ring: &Ring, basis: Basis, i: usize) -> Option<Shoup> {
    let m = ring.table(basis, i).modulus();
    let special = &ring.special()[..basis.special];
    (i < basis.main).then(|| m.shoup(special.iter().fold(1, |p, t| m.mul(p, m.reduce(t.modulus().value())))))
}

/// A digit, limb by limb, under an automorphism if there is one, and what it is multiplied by.
struct Term<'a> {
    digit: Vec<&'a [u64]>,
    image: Option<Arc<Permutation>>,
    b: &'a PackedPoly,
    a: Uniform,
}

/// Σ dⱼ·(bⱼ, aⱼ), to be computed chunk by chunk.
struct GadgetProduct<'a> {
    ring: &'a Arc<Ring>,
    basis: Basis,
    terms: Vec<Term<'a>>,
}

impl<'a> GadgetProduct<'a> {
    /// # Panics
    /// If the key is of another shape than the digits.
    fn new(digits: &'a Digits<'_>, key: &'a SwitchingKey) -> Self {
        let &Digits { ring, basis, shape, .. } = digits;
        assert_eq!(shape, key.shape(), "digits for keys of another shape");
        let keys = key.digits().iter().zip(key.uniform());
        let terms = digits.digits.iter().zip(keys).map(|(digit, (b, a))| {
            let digit = (0..basis.len()).map(|i| digit.limb(i)).collect();
            Term { digit, image: None, b, a }
        });
        Self { ring, basis, terms: terms.collect() }
    }

    /// Both halves, each with P times its addend.
    fn compute(&self, addends: [Option<&Poly<Ntt>>; 2]) -> [Poly<Ntt>; 2] {
        let (ring, n) = (self.ring, self.ring.n());
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
                        self.chunk(i, half, first, out);
                        if let (Some(addend), Some(lift)) = (addends[half], lift) {
                            let addend = &addend.limbs()[i][first..][..size];
                            table.kernels().add_scaled(table.modulus(), out, addend, lift);
                        }
                    }
                }
                let [first, second] = halves;
                (first, second)
            })
            .unzip();
        [first, second].map(|limbs| Poly::from_limbs(ring, self.basis, limbs))
    }

    /// The sum at the positions from `first` on of limb `limb` of one half (0 or 1) into `out`.
    ///
    /// The second half comes first, best: while its uniform part of the key is computed, that of the first half arrives.
    fn chunk(&self, limb: usize, half: usize, first: usize, out: &mut [u64]) {
        let (table, size) = (self.ring.table(self.basis, limb), out.len());
        let (kernels, modulus) = (table.kernels(), table.modulus());
        let images = self.terms.iter().filter(|term| term.image.is_some()).count();
        let mut scratch = Limb::recycled(size * (self.terms.len() + images));
        let (keys, images) = scratch.split_at_mut(size * self.terms.len());
        for (term, key) in self.terms.iter().zip(keys.chunks_exact_mut(size)) {
            let b = term.b.limb_of(self.basis, limb);
            match half {
                0 => b.unpack(kernels, first, key),
                _ => term.a.fill(kernels, modulus, first, key, b.chunk(first, size)),
            }
        }
        let mut images = images.chunks_exact_mut(size);
        let mut pairs: Vec<(&[u64], &[u64])> = Vec::with_capacity(self.terms.len());
        for (term, key) in self.terms.iter().zip(keys.chunks_exact(size)) {
            let digit = term.digit[limb];
            let digit = match &term.image {
                None => &digit[first..][..size],
                Some(permutation) => {
                    let (image, chunk) = (images.next().expect("room for each"), permutation.chunk(first, size));
                    kernels.permute(image, &digit[chunk.source..][..size], chunk);
                    &*image
                }
            };
            pairs.push((digit, key));
        }
        kernels.dot_all(modulus, out, &pairs, 0);
    }
}

/// A product of digits with a Galois key under its automorphism, σ(Σ dⱼ·keyⱼ + addend), computed chunk by chunk so that
/// it need not be written out: a chunk of the result depends on one chunk of each operand.
pub struct GaloisProduct<'a> {
    product: GadgetProduct<'a>,
    permutation: Arc<Permutation>,
}

impl<'a> GaloisProduct<'a> {
    /// The product of `digits` and `key`, a key for the automorphism X ↦ X^`galois`.
    ///
    /// # Panics
    /// If the key is of another shape.
    pub fn new(digits: &'a Digits<'_>, key: &'a SwitchingKey, galois: u64) -> Self {
        let product = GadgetProduct::new(digits, key);
        let permutation = product.ring.permutation(galois);
        Self { product, permutation }
    }

    /// σ(Σ dⱼ·keyⱼ + P·(addend, 0)), the addend over main primes.
    pub fn compute(&self, addend: &Poly<Ntt>) -> [Poly<Ntt>; 2] {
        let GadgetProduct { ring, basis, .. } = self.product;
        let size = CHUNK.min(ring.n());
        let (first, second) = (0..basis.len())
            .into_par_iter()
            .map(|i| {
                let (table, lift) = (ring.table(basis, i), lift(ring, basis, i));
                let [mut first, mut second] = [0, 1].map(|_| Limb::recycled(ring.n()));
                for at in (0..ring.n()).step_by(size) {
                    self.chunk(i, 1, at, &mut second[at..][..size], |_, _| {});
                    self.chunk(i, 0, at, &mut first[at..][..size], |sum, from| {
                        if let Some(lift) = lift {
                            table.kernels().add_scaled(table.modulus(), sum, &addend.limbs()[i][from..][..size], lift);
                        }
                    });
                }
                (first, second)
            })
            .unzip();
        [first, second].map(|limbs| Poly::from_limbs(ring, basis, limbs))
    }

    /// The values at positions `first..` of limb `limb` of one half (0 or 1) into `out`, whose length is a power of two
    /// that divides `first`; the second half best comes before the first. `addend` gets the sum before the automorphism
    /// and the first of its positions, to add to it.
    pub fn chunk(
        &self,
        limb: usize,
        half: usize,
        first: usize,
        out: &mut [u64],
        addend: impl FnOnce(&mut [u64], usize),
    ) {
        let table = self.product.ring.table(self.product.basis, limb);
        let chunk = self.permutation.chunk(first, out.len());
        let mut sum = Limb::recycled(out.len());
        self.product.chunk(limb, half, chunk.source, &mut sum);
        addend(&mut sum, chunk.source);
        table.kernels().permute(out, &sum, chunk);
    }
}
