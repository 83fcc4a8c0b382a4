//! The kernels for AVX-512 with IFMA: eight residues a register, products from the 52-bit multiplier.
//!
//! Bounds, with q < 2^50: a lazy residue in [0, 4q) fits 52 bits, and the multiplier reads just the low 52 bits of
//! each lane, so every operand of a product here is below 2^52. `fhe/ring/docs/floor.md` counts the instructions.
#![allow(unsafe_code)]

mod ntt;
mod uniform;

pub use ntt::{forward as ntt_forward, inverse as ntt_inverse};
pub use uniform::uniform;

use std::arch::x86_64::*;

use crate::automorphism::Chunk;
use crate::modulus::{Modulus, Shoup};

const MASK52: u64 = (1 << 52) - 1;

/// One register of lanes in memory.
type Lanes = [u64; 8];

#[inline]
#[target_feature(enable = "avx512f")]
fn load(lanes: &Lanes) -> __m512i {
    // SAFETY: the reference is valid for 64 bytes, and this load asks for no alignment.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(lanes: &mut Lanes, value: __m512i) {
    // SAFETY: the reference is valid for 64 bytes, and this store asks for no alignment.
    unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), value) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(value: u64) -> __m512i {
    _mm512_set1_epi64(value as i64)
}

/// The whole registers of a slice; every limb is a multiple of eight long.
#[inline]
fn lanes(data: &[u64]) -> &[Lanes] {
    let (lanes, rest) = data.as_chunks();
    debug_assert!(rest.is_empty());
    lanes
}

#[inline]
fn lanes_mut(data: &mut [u64]) -> &mut [Lanes] {
    let (lanes, rest) = data.as_chunks_mut();
    debug_assert!(rest.is_empty());
    lanes
}

/// Registers of a result that advance together: one sum of products alone would wait for its own last multiply-add.
const SIDE: usize = 4;

/// `N` independent computations step by step side by side, so that the processor finds the next one's instructions
/// without having to look past a long dependent chain.
#[inline(always)]
fn side_by_side<T, const N: usize>(step: impl FnMut(usize) -> T) -> [T; N] {
    std::array::from_fn(step)
}

/// The `i`-th run of [`SIDE`] registers.
#[inline]
fn side(data: &[u64], i: usize) -> &[Lanes; SIDE] {
    &lanes(data).as_chunks().0[i]
}

/// The runs of [`SIDE`] registers; every limb is of a power of two of residues, at least [`MIN_NTT`](crate::ntt::MIN_NTT).
#[inline]
fn sides_mut(data: &mut [u64]) -> &mut [[Lanes; SIDE]] {
    let (sides, rest) = lanes_mut(data).as_chunks_mut();
    assert!(rest.is_empty(), "limbs hold whole runs of {SIDE} registers");
    sides
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_all(out: &mut [Lanes; SIDE], values: [__m512i; SIDE]) {
    for (out, value) in out.iter_mut().zip(values) {
        store(out, value);
    }
}

/// A prime spread over the lanes.
#[derive(Clone, Copy)]
struct Q {
    q: __m512i,
    q2: __m512i,
    /// 2^52 − q: adding its low product subtracts that of q modulo 2^52.
    minus_q: __m512i,
    mask: __m512i,
}

/// A constant factor or a register of them, with ⌊value·2^52/q⌋.
#[derive(Clone, Copy)]
struct W {
    value: __m512i,
    quotient: __m512i,
}

impl Q {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(modulus: &Modulus) -> Self {
        let q = modulus.value();
        Self { q: splat(q), q2: splat(2 * q), minus_q: splat((1 << 52) - q), mask: splat(MASK52) }
    }

    /// [0, 2q) to [0, q).
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn canonical(self, a: __m512i) -> __m512i {
        _mm512_min_epu64(a, _mm512_sub_epi64(a, self.q))
    }

    /// [0, 4q) to [0, 2q).
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn halve(self, a: __m512i) -> __m512i {
        _mm512_min_epu64(a, _mm512_sub_epi64(a, self.q2))
    }

    /// a·w in [0, 2q), for any a < 2^52.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn mul_lazy(self, a: __m512i, w: W) -> __m512i {
        let zero = _mm512_setzero_si512();
        let estimate = _mm512_madd52hi_epu64(zero, a, w.quotient);
        let product = _mm512_madd52lo_epu64(zero, a, w.value);
        _mm512_and_si512(_mm512_madd52lo_epu64(product, estimate, self.minus_q), self.mask)
    }
}

impl W {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn splat(w: Shoup) -> Self {
        Self { value: splat(w.value), quotient: splat(w.quotient >> 12) }
    }
}

#[target_feature(enable = "avx512f")]
pub fn add(modulus: &Modulus, a: &mut [u64], b: &[u64]) {
    let q = splat(modulus.value());
    for (a, b) in lanes_mut(a).iter_mut().zip(lanes(b)) {
        let sum = _mm512_add_epi64(load(a), load(b));
        store(a, _mm512_min_epu64(sum, _mm512_sub_epi64(sum, q)));
    }
}

#[target_feature(enable = "avx512f")]
pub fn sub(modulus: &Modulus, a: &mut [u64], b: &[u64]) {
    let q = splat(modulus.value());
    for (a, b) in lanes_mut(a).iter_mut().zip(lanes(b)) {
        let difference = _mm512_sub_epi64(load(a), load(b));
        store(a, _mm512_min_epu64(difference, _mm512_add_epi64(difference, q)));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub fn scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let (q, w) = (Q::new(modulus), W::splat(w));
    for (out, a) in lanes_mut(out).iter_mut().zip(lanes(a)) {
        store(out, q.canonical(q.mul_lazy(load(a), w)));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub fn add_scaled(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let (q, w) = (Q::new(modulus), W::splat(w));
    for (out, a) in lanes_mut(out).iter_mut().zip(lanes(a)) {
        let sum = _mm512_add_epi64(load(out), q.mul_lazy(load(a), w));
        store(out, q.canonical(q.halve(sum)));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub fn sub_scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    let (q, w) = (Q::new(modulus), W::splat(w));
    for (out, a) in lanes_mut(out).iter_mut().zip(lanes(a)) {
        let difference = _mm512_sub_epi64(_mm512_add_epi64(load(out), q.q), load(a));
        store(out, q.canonical(q.mul_lazy(difference, w)));
    }
}

/// Sums of double words, kept as their low and high 52-bit halves.
#[derive(Clone, Copy)]
struct Wide {
    low: __m512i,
    high: __m512i,
}

impl Wide {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(low: __m512i) -> Self {
        Self { low, high: _mm512_setzero_si512() }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn add_product(&mut self, a: __m512i, b: __m512i) {
        self.low = _mm512_madd52lo_epu64(self.low, a, b);
        self.high = _mm512_madd52hi_epu64(self.high, a, b);
    }
}

/// The constants that reduce a [`Wide`].
#[derive(Clone, Copy)]
struct Fold {
    q: Q,
    radix: W,
    one: __m512i,
}

impl Fold {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(modulus: &Modulus) -> Self {
        Self { q: Q::new(modulus), radix: W::splat(modulus.radix()), one: splat(modulus.one().quotient >> 12) }
    }

    /// To [0, q), for a high half that with the carry of the low one stays below 2^52.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn reduce(self, sum: Wide) -> __m512i {
        let high = _mm512_add_epi64(sum.high, _mm512_srli_epi64::<52>(sum.low));
        // What has just been carried stays above the 52 bits that the multiplier and the last mask see.
        let low = sum.low;
        let zero = _mm512_setzero_si512();
        // high·2^52 + low, less the multiples of q that Shoup's estimates find: each part in [0, 2q).
        let estimate = _mm512_madd52hi_epu64(_mm512_madd52hi_epu64(zero, high, self.radix.quotient), low, self.one);
        let rest = _mm512_madd52lo_epu64(low, high, self.radix.value);
        let rest = _mm512_and_si512(_mm512_madd52lo_epu64(rest, estimate, self.q.minus_q), self.q.mask);
        self.q.canonical(self.q.halve(rest))
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub fn dot(modulus: &Modulus, out: &mut [u64], accumulate: bool, terms: &[(&[u64], &[u64])], stretch: u32) {
    match stretch {
        0 => dot_with(modulus, out, accumulate, terms, |b, i| {
            let b = side(b, i);
            side_by_side(|k| load(&b[k]))
        }),
        1 => {
            let pattern = |k: i64| {
                let l = 4 * (k % 2);
                _mm512_setr_epi64(l, l, l + 1, l + 1, l + 2, l + 2, l + 3, l + 3)
            };
            let patterns = [pattern(0), pattern(1)];
            dot_with(modulus, out, accumulate, terms, |b, i| {
                let b: &[Lanes; SIDE / 2] = &lanes(b).as_chunks().0[i];
                side_by_side(|k| _mm512_permutexvar_epi64(patterns[k % 2], load(&b[k / 2])))
            })
        }
        2 => {
            let pattern = |k: i64| {
                let l = 2 * (k % 4);
                _mm512_setr_epi64(l, l, l, l, l + 1, l + 1, l + 1, l + 1)
            };
            let patterns = [pattern(0), pattern(1), pattern(2), pattern(3)];
            dot_with(modulus, out, accumulate, terms, |b, i| {
                let b: &[Lanes; SIDE / 4] = &lanes(b).as_chunks().0[i];
                side_by_side(|k| _mm512_permutexvar_epi64(patterns[k % 4], load(&b[k / 4])))
            })
        }
        _ => dot_with(modulus, out, accumulate, terms, |b, i| {
            side_by_side(|k| splat(b[(8 * (SIDE * i + k)) >> stretch]))
        }),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn dot_with(
    modulus: &Modulus,
    out: &mut [u64],
    accumulate: bool,
    terms: &[(&[u64], &[u64])],
    second: impl Fn(&[u64], usize) -> [__m512i; SIDE],
) {
    let fold = Fold::new(modulus);
    let zero = _mm512_setzero_si512();
    for (i, out) in sides_mut(out).iter_mut().enumerate() {
        let start = if accumulate { side_by_side(|k| load(&out[k])) } else { [zero; SIDE] };
        let sums = terms.iter().fold(start.map(|low| Wide::new(low)), |mut sums, (a, b)| {
            let (a, b) = (side(a, i), second(b, i));
            for (k, sum) in sums.iter_mut().enumerate() {
                sum.add_product(load(&a[k]), b[k]);
            }
            sums
        });
        store_all(out, sums.map(|sum| fold.reduce(sum)));
    }
}

#[target_feature(enable = "avx512f")]
pub fn permute(out: &mut [u64], a: &[u64], chunk: Chunk<'_>) {
    let a = lanes(a);
    for (out, &(block, shuffle)) in lanes_mut(out).iter_mut().zip(chunk.blocks) {
        let order = load(&chunk.shuffles[shuffle as usize]);
        store(out, _mm512_permutexvar_epi64(order, load(&a[block as usize - chunk.source / 8])));
    }
}

/// The inverse of [`unpack`]: shifted to where its first byte has it, every other residue goes to its bytes, and the ones
/// between, whose first bits share a byte with the last of their neighbour, are joined to them.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub fn pack(bits: u32, residues: &[u64], out: &mut [u8]) {
    let bits = bits as usize;
    let shifts: Lanes = std::array::from_fn(|lane| (lane * bits % 8) as u64);
    // For each byte of the result: the byte of a residue that goes there.
    let mut orders = [[0u8; 64]; 2];
    let mut masks = [0u64; 2];
    for lane in 0..8 {
        for byte in 0..(lane * bits % 8 + bits).div_ceil(8) {
            let at = lane * bits / 8 + byte;
            orders[lane % 2][at] = (8 * lane + byte) as u8;
            masks[lane % 2] |= 1 << at;
        }
    }
    // SAFETY: 64 bytes that the arrays have, with no alignment asked for.
    let orders = orders.map(|order| unsafe { _mm512_loadu_si512(order.as_ptr().cast()) });
    let shifts = load(&shifts);
    for (k, residues) in lanes(residues).iter().enumerate() {
        let words = _mm512_sllv_epi64(load(residues), shifts);
        let halves: [__m512i; 2] = std::array::from_fn(|i| _mm512_maskz_permutexvar_epi8(masks[i], orders[i], words));
        let bytes: &mut [u8; 64] = out[k * bits..].first_chunk_mut().expect("padded by 64 bytes");
        // SAFETY: the reference is valid for 64 bytes, and this store asks for no alignment.
        unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), _mm512_or_si512(halves[0], halves[1])) };
    }
}

/// Eight residues of b bits are b bytes: each lane fetches the eight that its residue begins in, and shifts.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub fn unpack(bits: u32, bytes: &[u8], out: &mut [u64]) {
    let bits = bits as usize;
    let order: [u8; 64] = std::array::from_fn(|k| (k / 8 * bits / 8 + k % 8) as u8);
    let shifts: Lanes = std::array::from_fn(|lane| (lane * bits % 8) as u64);
    // SAFETY: 64 bytes that the array has, with no alignment asked for.
    let order = unsafe { _mm512_loadu_si512(order.as_ptr().cast()) };
    let (shifts, mask) = (load(&shifts), splat((1 << bits) - 1));
    for (k, out) in lanes_mut(out).iter_mut().enumerate() {
        let bytes: &[u8; 64] = bytes[k * bits..].first_chunk().expect("padded by 64 bytes");
        // SAFETY: the reference is valid for 64 bytes, and this load asks for no alignment.
        let bytes = unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) };
        let words = _mm512_permutexvar_epi8(order, bytes);
        store(out, _mm512_and_si512(_mm512_srlv_epi64(words, shifts), mask));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub fn reduce_signed(modulus: &Modulus, out: &mut [u64], a: &[i64]) {
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

#[target_feature(enable = "avx512f,avx512dq")]
pub fn quotient_sum(overflow: &mut [u64], digits: &[&[u64]], reciprocals: &[f64]) {
    let term = |y: &Lanes, r: f64| _mm512_mul_pd(_mm512_cvtepu64_pd(load(y)), _mm512_set1_pd(r));
    let half = _mm512_set1_pd(0.5);
    for (j, overflow) in sides_mut(overflow).iter_mut().enumerate() {
        let sums = digits.iter().zip(reciprocals).fold([half; SIDE], |mut sums, (y, &r)| {
            let y = side(y, j);
            for (k, sum) in sums.iter_mut().enumerate() {
                *sum = _mm512_add_pd(*sum, term(&y[k], r));
            }
            sums
        });
        store_all(overflow, sums.map(|sum| _mm512_cvttpd_epu64(sum)));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub fn convert(
    modulus: &Modulus,
    out: &mut [u64],
    digits: &[&[u64]],
    factors: &[u64],
    overflow: &[u64],
    correction: u64,
) {
    let fold = Fold::new(modulus);
    let zero = Wide::new(_mm512_setzero_si512());
    let terms = || digits.iter().zip(factors).chain([(&overflow, &correction)]);
    for (j, out) in sides_mut(out).iter_mut().enumerate() {
        let sums = terms().fold([zero; SIDE], |mut sums, (y, &factor)| {
            let (y, factor) = (side(y, j), splat(factor));
            for (k, sum) in sums.iter_mut().enumerate() {
                sum.add_product(load(&y[k]), factor);
            }
            sums
        });
        store_all(out, sums.map(|sum| fold.reduce(sum)));
    }
}
