//! Kernels that read and write each residue once.

use std::arch::x86_64::*;

use super::registers::{Fold, Q, W, Wide, lanes, lanes_mut, load, splat, store};
use crate::automorphism::Chunk;
use crate::modulus::{Modulus, Shoup};

#[target_feature(enable = "avx512f")]
pub(crate) fn add(modulus: &Modulus, a: &mut [u64], b: &[u64]) {
    let q = splat(modulus.value());
    for (a, b) in lanes_mut(a).iter_mut().zip(lanes(b)) {
        let sum = _mm512_add_epi64(load(a), load(b));
        store(a, _mm512_min_epu64(sum, _mm512_sub_epi64(sum, q)));
    }
}

#[target_feature(enable = "avx512f")]
pub(crate) fn sub(modulus: &Modulus, a: &mut [u64], b: &[u64]) {
    let q = splat(modulus.value());
    for (a, b) in lanes_mut(a).iter_mut().zip(lanes(b)) {
        let difference = _mm512_sub_epi64(load(a), load(b));
        store(a, _mm512_min_epu64(difference, _mm512_add_epi64(difference, q)));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let (q, w) = (Q::new(modulus), W::splat(w));
    for (out, a) in lanes_mut(out).iter_mut().zip(lanes(a)) {
        store(out, q.canonical(q.mul_lazy(load(a), w)));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn add_scaled(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let (q, w) = (Q::new(modulus), W::splat(w));
    for (out, a) in lanes_mut(out).iter_mut().zip(lanes(a)) {
        let sum = _mm512_add_epi64(load(out), q.mul_lazy(load(a), w));
        store(out, q.canonical(q.halve(sum)));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn sub_scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let (q, w) = (Q::new(modulus), W::splat(w));
    for (out, a) in lanes_mut(out).iter_mut().zip(lanes(a)) {
        let difference = _mm512_sub_epi64(_mm512_add_epi64(load(out), q.q), load(a));
        store(out, q.canonical(q.mul_lazy(difference, w)));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn reduce_signed(modulus: &Modulus, out: &mut [u64], a: &[i64]) {
    let fold = Fold::new(modulus);
    let q = fold.q;
    for (out, a) in lanes_mut(out).iter_mut().zip(lanes(bytemuck::cast_slice(a))) {
        let a = load(a);
        let magnitude = fold.reduce(Wide::new(_mm512_abs_epi64(a)));
        // q − 0 = q is not canonical yet.
        let negated = q.canonical(_mm512_sub_epi64(q.q, magnitude));
        let negative = _mm512_cmplt_epi64_mask(a, _mm512_setzero_si512());
        store(out, _mm512_mask_mov_epi64(magnitude, negative, negated));
    }
}

#[target_feature(enable = "avx512f")]
pub(crate) fn permute(out: &mut [u64], a: &[u64], chunk: Chunk<'_>) {
    let a = lanes(a);
    for (out, &(block, shuffle)) in lanes_mut(out).iter_mut().zip(chunk.blocks) {
        let order = load(&chunk.shuffles[shuffle as usize]);
        store(out, _mm512_permutexvar_epi64(order, load(&a[block as usize - chunk.source / 8])));
    }
}
