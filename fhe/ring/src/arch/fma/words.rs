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
    let (field, w) = (Field::new(modulus), Field::factor(modulus, w.value));
    for (out, &a) in out.iter_mut().zip(a) {
        *out = to_word(field.canonical(field.mul(from_word(a), w)));
    }
}

#[inline(always)]
pub fn add_scaled(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let (field, w) = (Field::new(modulus), Field::factor(modulus, w.value));
    for (out, &a) in out.iter_mut().zip(a) {
        let sum = from_word(*out) + field.mul(from_word(a), w);
        *out = to_word(field.canonical(field.reduce(sum)));
    }
}

#[inline(always)]
pub fn sub_scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let (field, w) = (Field::new(modulus), Field::factor(modulus, w.value));
    for (out, &a) in out.iter_mut().zip(a) {
        *out = to_word(field.canonical(field.mul(from_word(*out) - from_word(a), w)));
    }
}

#[inline(always)]
pub fn permute(out: &mut [u64], a: &[u64], chunk: Chunk<'_>) {
    scalar::permute(out, a, chunk);
}

#[inline(always)]
pub fn reduce_signed(modulus: &Modulus, out: &mut [u64], a: &[i64]) {
    scalar::reduce_signed(modulus, out, a);
}

#[inline(always)]
pub fn uniform(modulus: &Modulus, out: &mut [u64], counter: Counter<'_>, first: usize, ahead: &[u64]) {
    scalar::uniform(modulus, out, counter, first, ahead);
}
