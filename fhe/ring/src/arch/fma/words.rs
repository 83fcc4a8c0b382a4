//! Kernels that read and write each residue once.

use aes::Aes128;
use aes::cipher::KeyInit;

use super::field::{Factor, Field, from_word, to_word};
use crate::arch::operands::Counter;
use crate::arch::scalar::{self, WORDS};
use crate::modulus::{Modulus, Shoup};

#[inline(always)]
pub(crate) fn add(modulus: &Modulus, a: &mut [u64], b: &[u64]) {
    let q = modulus.value() as i64;
    for (a, &b) in a.iter_mut().zip(b) {
        *a = positive((*a + b) as i64 - q, q);
    }
}

#[inline(always)]
pub(crate) fn sub(modulus: &Modulus, a: &mut [u64], b: &[u64]) {
    let q = modulus.value() as i64;
    for (a, &b) in a.iter_mut().zip(b) {
        *a = positive(*a as i64 - b as i64, q);
    }
}

/// Reduces from [−q, q) to [0, q). The integers are signed because AVX2 compares signed integers only.
#[inline(always)]
fn positive(r: i64, q: i64) -> u64 {
    (r + if r < 0 { q } else { 0 }) as u64
}

/// Computes `out ← a·w`. Products of words below 2^52 are below q (see [`Field::mul`]).
#[inline(always)]
pub(crate) fn scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let field = Field::new(modulus);
    let w = field.constant(modulus, w.value);
    for (out, &a) in out.iter_mut().zip(a) {
        *out = to_word(field.canonical(field.mul(from_word(a), w)));
    }
}

#[inline(always)]
pub(crate) fn add_scaled(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let field = Field::new(modulus);
    let w = field.constant(modulus, w.value);
    for (out, &a) in out.iter_mut().zip(a) {
        *out = field.to_residue(from_word(*out) - field.half + field.mul(from_word(a), w));
    }
}

#[inline(always)]
pub(crate) fn sub_scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let field = Field::new(modulus);
    let w = field.constant(modulus, w.value);
    for (out, &a) in out.iter_mut().zip(a) {
        *out = to_word(field.canonical(field.mul(from_word(*out) - from_word(a), w)));
    }
}

#[inline(always)]
pub(crate) fn reduce_signed(modulus: &Modulus, out: &mut [u64], a: &[i64]) {
    let (field, radix) = with_radix(modulus);
    for (out, &a) in out.iter_mut().zip(a) {
        // Flipping the sign bit adds 2^31 to the upper half.
        let word = a as u64 ^ 1 << 63;
        *out = reduce(field, radix, from_word(word >> 32) - (1u64 << 31) as f64, word);
    }
}

#[inline(always)]
fn with_radix(modulus: &Modulus) -> (Field, Factor) {
    let field = Field::new(modulus);
    (field, field.constant(modulus, modulus.reduce(1 << 32)))
}

/// Reduces high·2^32 plus the lower half of `word`, for |high| ≤ 2^32. The product is at most q, and the sum is far
/// below 2^52.
#[inline(always)]
fn reduce(field: Field, radix: Factor, high: f64, word: u64) -> u64 {
    field.to_residue(from_word(word & 0xffff_ffff) - field.half + field.mul(high, radix))
}

/// Computes uniform residues by the cipher of the scalar kernel, which itself detects AES instructions.
#[inline(always)]
pub(crate) fn uniform(modulus: &Modulus, out: &mut [u64], counter: Counter<'_>, first: usize, _ahead: &[u8]) {
    let cipher = Aes128::new(counter.key.into());
    uniform_of(modulus, out, counter, first, |first, out| scalar::uniform_words(&cipher, counter, first, out));
}

/// Computes uniform residues. `draw` computes the words of the first attempt for the positions from the first on, at
/// most [`WORDS`] of them.
#[inline(always)]
pub(super) fn uniform_of(
    modulus: &Modulus,
    out: &mut [u64],
    counter: Counter<'_>,
    first: usize,
    mut draw: impl FnMut(usize, &mut [u64]),
) {
    let (field, radix) = with_radix(modulus);
    let ceiling = scalar::ceiling(modulus);
    for (k, out) in out.chunks_mut(WORDS).enumerate() {
        let first = first + WORDS * k;
        draw(first, out);
        let refused = out.iter().fold(0, |refused, &word| refused | (word >= ceiling) as u64);
        let again = if refused == 0 { Vec::new() } else { positions(out, ceiling) };
        for word in out.iter_mut() {
            *word = reduce(field, radix, from_word(*word >> 32), *word);
        }
        for i in again {
            out[i] = scalar::uniform_again(modulus, counter, first + i);
        }
    }
}

#[cold]
fn positions(words: &[u64], ceiling: u64) -> Vec<usize> {
    (0..words.len()).filter(|&i| words[i] >= ceiling).collect()
}
