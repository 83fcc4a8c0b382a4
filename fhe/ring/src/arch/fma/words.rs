//! Kernels that read and write each residue once.

use super::{Field, from_word, to_word};
use crate::arch::scalar;
use crate::automorphism::Chunk;
use crate::modulus::{Modulus, Shoup};
use crate::uniform::Counter;

#[inline(always)]
pub fn add(modulus: &Modulus, a: &mut [u64], b: &[u64]) {
    let q = modulus.value() as i64;
    for (a, &b) in a.iter_mut().zip(b) {
        *a = positive((*a + b) as i64 - q, q);
    }
}

#[inline(always)]
pub fn sub(modulus: &Modulus, a: &mut [u64], b: &[u64]) {
    let q = modulus.value() as i64;
    for (a, &b) in a.iter_mut().zip(b) {
        *a = positive(*a as i64 - b as i64, q);
    }
}

/// [−q, q) to [0, q). Signed, for AVX2 compares no others.
#[inline(always)]
fn positive(r: i64, q: i64) -> u64 {
    (r + if r < 0 { q } else { 0 }) as u64
}

/// Products of words below 2^52 are below q; see [`Field::mul`].
#[inline(always)]
pub fn scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let field = Field::new(modulus);
    let w = field.constant(modulus, w.value);
    for (out, &a) in out.iter_mut().zip(a) {
        *out = to_word(field.canonical(field.mul(from_word(a), w)));
    }
}

#[inline(always)]
pub fn add_scaled(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let field = Field::new(modulus);
    let w = field.constant(modulus, w.value);
    for (out, &a) in out.iter_mut().zip(a) {
        *out = field.to_residue(from_word(*out) - field.half + field.mul(from_word(a), w));
    }
}

#[inline(always)]
pub fn sub_scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let field = Field::new(modulus);
    let w = field.constant(modulus, w.value);
    for (out, &a) in out.iter_mut().zip(a) {
        *out = to_word(field.canonical(field.mul(from_word(*out) - from_word(a), w)));
    }
}

/// The scalar kernel without its bounds checks: AVX2 has no permutation of eight words.
#[inline(always)]
pub fn permute(out: &mut [u64], a: &[u64], chunk: Chunk<'_>) {
    let a = a.as_chunks::<8>().0;
    for (out, &(block, shuffle)) in out.as_chunks_mut::<8>().0.iter_mut().zip(chunk.blocks) {
        let from = &a[block as usize - chunk.source / 8];
        *out = chunk.shuffles[shuffle as usize].map(|lane| from[lane as usize % 8]);
    }
}

/// With a = high·2^32 + low, |high| ≤ 2^31: the product is at most q, and with `low` far below 2^52.
#[inline(always)]
pub fn reduce_signed(modulus: &Modulus, out: &mut [u64], a: &[i64]) {
    let field = Field::new(modulus);
    let radix = field.constant(modulus, modulus.reduce(1 << 32));
    for (out, &a) in out.iter_mut().zip(a) {
        // The sign bit flipped adds 2^31.
        let high = from_word((a as u64 ^ 1 << 63) >> 32) - (1u64 << 31) as f64;
        let low = from_word(a as u64 & 0xffff_ffff);
        *out = field.to_residue(low - field.half + field.mul(high, radix));
    }
}

/// The `aes` crate finds out itself what the processor has for AES.
#[inline(always)]
pub fn uniform(modulus: &Modulus, out: &mut [u64], counter: Counter<'_>, first: usize, ahead: &[u64]) {
    scalar::uniform(modulus, out, counter, first, ahead);
}
