//! The kernels of the ring: one limb of 2^16 residues modulo a prime of 48 bits, except for `mod_up`.

use std::hint::black_box;
use std::sync::Arc;

use fhe_ring::automorphism::Permutation;
use fhe_ring::packed::PackedLimb;
use fhe_ring::{Basis, Kernels, Limb, Modulus, Ntt, Poly, Ring, Uniform, ntt::NttTable, primes};

const LOG_N: u32 = 16;
const BITS: u32 = 48;
const SEED: [u8; 32] = [7; 32];

/// The one prime of these workloads.
fn modulus() -> Modulus {
    Modulus::new(primes::search(LOG_N, &[BITS]).expect("a prime of this size exists")[0])
}

/// Returns random residues. They differ with `index`.
fn limb(kernels: Kernels, modulus: &Modulus, index: u64) -> Limb {
    let mut limb = Limb::zeroed(1 << LOG_N);
    Uniform::new(&SEED, index).fill(kernels, modulus, 0, &mut limb, &[]);
    limb
}

pub(crate) fn ntt_forward(kernels: Kernels) -> Box<dyn FnMut()> {
    let m = modulus();
    let (table, mut data) = (NttTable::new(1 << LOG_N, m.value(), kernels), limb(kernels, &m, 0));
    Box::new(move || table.forward(black_box(&mut data)))
}

pub(crate) fn ntt_inverse(kernels: Kernels) -> Box<dyn FnMut()> {
    let m = modulus();
    let (table, mut data) = (NttTable::new(1 << LOG_N, m.value(), kernels), limb(kernels, &m, 0));
    Box::new(move || table.inverse(black_box(&mut data)))
}

/// Base conversion with its transforms: a digit of twelve primes, raised to twenty-four more. The ring is small, so that
/// the conversion outweighs the transforms.
pub(crate) fn mod_up(kernels: Kernels) -> Box<dyn FnMut()> {
    const LOG_N: u32 = 8;
    const DIGIT: usize = 12;
    const SPECIAL: usize = 24;
    let primes = primes::search(LOG_N, &[BITS; DIGIT + SPECIAL]).expect("primes of this size exist");
    let ring: Arc<Ring> = Ring::new(1 << LOG_N, &primes[..DIGIT], &primes[DIGIT..], kernels);
    let poly: Poly<Ntt> = Uniform::new(&SEED, 0).poly(&ring, Basis::main(DIGIT));
    Box::new(move || drop(black_box(poly.mod_up(DIGIT, SPECIAL))))
}

/// A sum of eight products.
pub(crate) fn dot(kernels: Kernels) -> Box<dyn FnMut()> {
    let m = modulus();
    let factors: [Limb; 16] = std::array::from_fn(|i| limb(kernels, &m, i as u64));
    let mut out = Limb::zeroed(1 << LOG_N);
    Box::new(move || {
        let terms: [(&[u64], &[u64]); 8] = std::array::from_fn(|i| (&*factors[i], &*factors[15 - i]));
        kernels.dot(&m, black_box(&mut out), false, &terms, 0);
    })
}

pub(crate) fn unpack(kernels: Kernels) -> Box<dyn FnMut()> {
    let packed = PackedLimb::new(kernels, &limb(kernels, &modulus(), 0), BITS);
    let mut out = Limb::zeroed(1 << LOG_N);
    Box::new(move || packed.unpack(kernels, 0, black_box(&mut out)))
}

pub(crate) fn uniform(kernels: Kernels) -> Box<dyn FnMut()> {
    let (m, mut out) = (modulus(), Limb::zeroed(1 << LOG_N));
    Box::new(move || Uniform::new(&SEED, 0).fill(kernels, &m, 0, black_box(&mut out), &[]))
}

pub(crate) fn permute(kernels: Kernels) -> Box<dyn FnMut()> {
    let (permutation, source) = (Permutation::new(1 << LOG_N, 5), limb(kernels, &modulus(), 0));
    let mut out = Limb::zeroed(1 << LOG_N);
    Box::new(move || {
        let chunk = permutation.chunk(0, 1 << LOG_N);
        kernels.permute(black_box(&mut out), &source, chunk);
    })
}
