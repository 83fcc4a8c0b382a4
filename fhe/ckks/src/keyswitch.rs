//! Hybrid key switching (Han and Ki, ePrint 2019/688): the gadget product, with and without an automorphism.

use std::sync::Arc;

use fhe_ring::automorphism::Permutation;
use fhe_ring::meter::{Primitive, scope};
use fhe_ring::{Basis, Digit, Limb, Ntt, PackedPoly, Poly, Ring, Uniform};

use crate::extended::{Chunk, Extended, compute, update};
use crate::keys::SwitchingKey;
use crate::shape::KeyShape;

/// The gadget digits of a polynomial, raised for keys of one shape. All rotations of a ciphertext share them
/// (hoisting).
pub struct Digits<'a> {
    ring: &'a Arc<Ring>,
    digits: Vec<Digit<'a>>,
    shape: KeyShape,
    /// The main primes of the polynomial and the special primes of the shape.
    basis: Basis,
}

impl<'a> Digits<'a> {
    /// Decomposes and raises a polynomial over main primes.
    ///
    /// # Panics
    /// If the polynomial has more main primes than the shape.
    pub fn new(poly: &'a Poly<Ntt>, shape: KeyShape) -> Self {
        let main = poly.basis().main;
        assert!(main <= shape.main, "{main} main primes for a key of {}", shape.main);
        let digits = poly.mod_up(shape.digit_len, shape.special);
        Self { ring: poly.ring(), digits, shape, basis: Basis { main, special: shape.special } }
    }

    /// The shape of the keys that the digits are for.
    pub fn shape(&self) -> KeyShape {
        self.shape
    }

    /// The primes of products with the digits.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// Returns Σ dⱼ·keyⱼ, which is P times the switched polynomial, plus P times an addend over main primes in each
    /// half that has one.
    ///
    /// # Panics
    /// If the key has another shape.
    pub fn product(&self, key: &SwitchingKey, addends: [Option<&Poly<Ntt>>; 2]) -> Extended {
        GadgetProduct::new(self, key).compute(addends)
    }
}

/// Returns Σ σ(digit)·key over automorphisms σ = X ↦ X^g, each g with its key, plus P times the addend, over main
/// primes, in the first half. The digit, over the primes of the keys, is short enough to need no decomposition, so
/// every key has exactly one digit.
///
/// # Panics
/// If there is no key, or one with more than one digit or over other primes.
pub fn sum_of_images(digit: &Poly<Ntt>, keys: &[(u64, &SwitchingKey)], addend: &Poly<Ntt>) -> Extended {
    let basis = digit.basis();
    let terms = keys.iter().map(|&(galois, key)| {
        assert!(key.digits().len() == 1 && key.shape().basis() == basis, "a key of one digit over {basis:?}");
        let image = (galois != 1).then(|| digit.ring().permutation(galois));
        let a = key.uniform().next().expect("one digit");
        Term {
            digit: digit.limbs().iter().map(|limb| &**limb).collect(),
            image,
            b: &key.digits()[0],
            a,
            words: key.words(0),
        }
    });
    GadgetProduct { ring: digit.ring(), basis, terms: terms.collect() }.compute([Some(addend), None])
}

/// A digit, limb by limb, an automorphism of it if there is one, and the key that it is multiplied by.
struct Term<'a> {
    digit: Vec<&'a [u64]>,
    image: Option<Arc<Permutation>>,
    b: &'a PackedPoly,
    a: Uniform,
    /// Both halves of the key with a word for each residue, if it was expanded: `b` and `a` are not read then.
    words: Option<&'a [Poly<Ntt>; 2]>,
}

/// Σ dⱼ·(bⱼ, aⱼ), to be computed chunk by chunk. When it is dropped, keys in transient files leave the memory.
struct GadgetProduct<'a> {
    ring: &'a Arc<Ring>,
    basis: Basis,
    terms: Vec<Term<'a>>,
}

impl<'a> GadgetProduct<'a> {
    /// # Panics
    /// If the key has another shape than the digits.
    fn new(digits: &'a Digits<'_>, key: &'a SwitchingKey) -> Self {
        let &Digits { ring, basis, shape, .. } = digits;
        assert_eq!(shape, key.shape(), "digits for keys of another shape");
        let keys = key.digits().iter().zip(key.uniform());
        let terms = digits.digits.iter().zip(keys).enumerate().map(|(j, (digit, (b, a)))| {
            let digit = (0..basis.len()).map(|i| digit.limb(i)).collect();
            Term { digit, image: None, b, a, words: key.words(j) }
        });
        Self { ring, basis, terms: terms.collect() }
    }

    /// Says that limb `limb` of the product is about to be computed.
    fn will_need(&self, limb: usize) {
        self.terms.iter().for_each(|term| term.b.limb_of(self.basis, limb).will_need());
    }

    /// Says that limb `limb` of the product has been computed.
    fn let_go(&self, limb: usize) {
        self.terms.iter().for_each(|term| term.b.limb_of(self.basis, limb).let_go(0..self.ring.n()));
    }

    /// Returns both halves, each with P times its addend.
    fn compute(&self, addends: [Option<&Poly<Ntt>>; 2]) -> Extended {
        // Both halves of a chunk are computed while the digits are in cache.
        let step = |chunk: &Chunk<'_>, halves: [&mut [u64]; 2]| {
            for (half, out) in halves.into_iter().enumerate().rev() {
                self.chunk(chunk, half, out);
                if let Some(addend) = addends[half] {
                    chunk.add_lifted(out, addend);
                }
            }
            if chunk.ends_limb() {
                self.let_go(chunk.limb());
            }
        };
        Extended(compute(self.ring, self.basis, |limb| {
            self.will_need(limb.limb());
            step
        }))
    }

    /// Writes one half (0 or 1) of the sum at a chunk to `out`.
    ///
    /// Call it for half 1 first: while the uniform part of its key is generated, the key of half 0 is fetched from
    /// memory.
    fn chunk(&self, chunk: &Chunk<'_>, half: usize, out: &mut [u64]) {
        let (limb, first, size) = (chunk.limb(), chunk.first(), chunk.len());
        let (kernels, modulus) = (chunk.kernels(), chunk.modulus());
        let images = self.terms.iter().filter(|term| term.image.is_some()).count();
        let mut scratch = Limb::recycled(size * (self.terms.len() + images));
        let (keys, images) = scratch.split_at_mut(size * self.terms.len());
        let unpacking = (half == 0).then(|| scope(Primitive::UnpackKeys));
        for (term, key) in self.terms.iter().zip(keys.chunks_exact_mut(size)) {
            if term.words.is_some() {
                continue;
            }
            let b = term.b.limb_of(self.basis, limb);
            match half {
                0 => b.unpack(kernels, first, key),
                _ => term.a.fill(kernels, modulus, first, key, b.chunk(first, size)),
            }
        }
        drop(unpacking);
        let _scope = scope(Primitive::KeyProduct);
        let mut images = images.chunks_exact_mut(size);
        let mut pairs: Vec<(&[u64], &[u64])> = Vec::with_capacity(self.terms.len());
        for (term, key) in self.terms.iter().zip(keys.chunks_exact(size)) {
            let digit = term.digit[limb];
            let digit = match &term.image {
                None => &digit[first..][..size],
                Some(permutation) => {
                    let (image, chunk) = (images.next().expect("room for each"), permutation.chunk(first, size));
                    let _scope = scope(Primitive::Permute);
                    kernels.permute(image, &digit[chunk.source..][..size], chunk);
                    &*image
                }
            };
            let key = term.words.map_or(key, |words| &words[half].limb_of(self.basis, limb)[first..][..size]);
            pairs.push((digit, key));
        }
        kernels.dot_all(modulus, out, &pairs, 0);
    }
}

impl Drop for GadgetProduct<'_> {
    fn drop(&mut self) {
        (0..self.basis.len()).for_each(|limb| self.let_go(limb));
    }
}

/// A product of digits with a Galois key under its automorphism, σ(Σ dⱼ·keyⱼ + addend). It is computed chunk by chunk
/// and need not be written out: a chunk of the result depends on one chunk of each operand.
pub struct GaloisProduct<'a> {
    product: GadgetProduct<'a>,
    permutation: Arc<Permutation>,
}

impl<'a> GaloisProduct<'a> {
    /// Prepares the product of `digits` and `key`, a key for the automorphism X ↦ X^`galois`.
    ///
    /// # Panics
    /// If the key has another shape than the digits.
    pub fn new(digits: &'a Digits<'_>, key: &'a SwitchingKey, galois: u64) -> Self {
        let product = GadgetProduct::new(digits, key);
        let permutation = product.ring.permutation(galois);
        Self { product, permutation }
    }

    /// Says that limb `limb` of the product is about to be computed: this limb of a key in a transient file is asked of the disk.
    pub fn will_need(&self, limb: usize) {
        self.product.will_need(limb);
    }

    /// Says that limb `limb` of the product has been computed: this limb of a key in a transient file leaves the memory
    /// until it is used again.
    pub fn let_go(&self, limb: usize) {
        self.product.let_go(limb);
    }

    /// Returns σ(Σ dⱼ·keyⱼ + (addend, 0)) + (next, 0). Addends are extended polynomials, or count P times if they are
    /// over main primes.
    pub fn compute(&self, addend: &Poly<Ntt>, next: Option<&Poly<Ntt>>) -> Extended {
        let step = |chunk: &Chunk<'_>, [first, second]: [&mut [u64]; 2]| {
            self.chunk(chunk, 1, second, |_, _| {});
            self.chunk(chunk, 0, first, |source, sum| source.add_either(sum, addend));
            if let Some(next) = next {
                chunk.add_either(first, next);
            }
            if chunk.ends_limb() {
                self.let_go(chunk.limb());
            }
        };
        Extended(compute(self.product.ring, self.product.basis, |limb| {
            self.will_need(limb.limb());
            step
        }))
    }

    /// Adds σ(Σ dⱼ·keyⱼ + (addend, 0)) to `total`. The addend is an extended polynomial.
    pub fn add_to(&self, total: &mut Extended, addend: &Poly<Ntt>) {
        let add = |chunk: &Chunk<'_>, out: &mut [u64], rotated: &[u64]| {
            let _scope = scope(Primitive::Arithmetic);
            chunk.kernels().add(chunk.modulus(), out, rotated);
        };
        update(total.0.each_mut(), |whole| {
            self.will_need(whole.limb());
            let mut rotated = Limb::recycled(crate::extended::CHUNK.min(whole.len()));
            move |chunk: &Chunk<'_>, [first, second]: [&mut [u64]; 2]| {
                self.chunk(chunk, 1, &mut rotated, |_, _| {});
                add(chunk, second, &rotated);
                self.chunk(chunk, 0, &mut rotated, |source, sum| source.add(sum, addend));
                add(chunk, first, &rotated);
                if chunk.ends_limb() {
                    self.let_go(chunk.limb());
                }
            }
        });
    }

    /// Writes one half (0 or 1) at a chunk to `out`; call it for half 1 first. The length of the chunk is a power of
    /// two that divides its first position. `addend` gets the sum before the automorphism, and the chunk that it comes
    /// from.
    pub fn chunk(&self, chunk: &Chunk<'_>, half: usize, out: &mut [u64], addend: impl FnOnce(&Chunk<'_>, &mut [u64])) {
        let permuted = self.permutation.chunk(chunk.first(), chunk.len());
        let source = chunk.at(permuted.source, chunk.len());
        let mut sum = Limb::recycled(out.len());
        self.product.chunk(&source, half, &mut sum);
        addend(&source, &mut sum);
        let _scope = scope(Primitive::Permute);
        chunk.kernels().permute(out, &sum, permuted);
    }
}
