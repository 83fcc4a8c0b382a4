//! Kernels that need instructions of x86-64 by name: shuffles of bytes, and AES.

use std::arch::x86_64::*;

use aes::Aes128;
use aes::cipher::KeyInit;

use super::words;
use crate::arch::operands::Counter;
use crate::arch::round_keys::round_keys;
use crate::arch::scalar::{self, WORDS};
use crate::modulus::Modulus;

/// Registers of blocks that the cipher computes side by side, so that no round waits for the one before it.
const SIDE: usize = 8;

/// Unpacks eight residues of b bits from b bytes at a time. A half of a register loads the sixteen bytes from the one in
/// which the first of its two residues begins: two residues of at most 57 bits end within them. A shuffle moves the
/// eight bytes of each residue to its lane, which shifts.
#[target_feature(enable = "avx2")]
pub(crate) fn unpack(bits: u32, bytes: &[u8], out: &mut [u64]) {
    let bits = bits as usize;
    let starts: [usize; 4] = std::array::from_fn(|pair| 2 * pair * bits / 8);
    let halves: [(__m256i, __m256i); 2] = std::array::from_fn(|half| {
        let residue = |lane: usize| 4 * half + lane;
        let order: [u8; 32] = std::array::from_fn(|k| {
            let residue = residue(k / 8);
            (residue * bits / 8 - starts[residue / 2] + k % 8) as u8
        });
        let shifts: [u64; 4] = std::array::from_fn(|lane| (residue(lane) * bits % 8) as u64);
        // SAFETY: each array has 32 bytes, and these loads need no alignment.
        unsafe { (_mm256_loadu_si256(order.as_ptr().cast()), _mm256_loadu_si256(shifts.as_ptr().cast())) }
    });
    let mask = _mm256_set1_epi64x((1 << bits) - 1);
    let (eights, _) = out.as_chunks_mut::<8>();
    for (k, out) in eights.iter_mut().enumerate() {
        // The last start is at most 42, so the padding of 64 bytes has the sixteen bytes from there.
        let bytes: &[u8; 64] = bytes[k * bits..].first_chunk().expect("padded by 64 bytes");
        let (fours, _) = out.as_chunks_mut::<4>();
        for (half, (out, (order, shifts))) in fours.iter_mut().zip(halves).enumerate() {
            let [low, high] = [0, 1].map(|pair| {
                let bytes: &[u8; 16] = bytes[starts[2 * half + pair]..].first_chunk().expect("a start of at most 48");
                // SAFETY: the reference is valid for 16 bytes, and this load needs no alignment.
                unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
            });
            let words = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), order);
            let residues = _mm256_and_si256(_mm256_srlv_epi64(words, shifts), mask);
            // SAFETY: the reference is valid for 32 bytes, and this store needs no alignment.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), residues) };
        }
    }
}

/// Returns whether the processor has AES on two blocks in a register.
pub(crate) fn cipher_is_wide() -> bool {
    is_x86_feature_detected!("vaes") && is_x86_feature_detected!("aes")
}

/// Computes uniform residues, by AES on two blocks in a register where the processor has that, or on one.
#[target_feature(enable = "avx2,fma")]
pub(crate) fn uniform(modulus: &Modulus, out: &mut [u64], counter: Counter<'_>, first: usize, ahead: &[u8]) {
    if cipher_is_wide() {
        // SAFETY: the processor has reported both features.
        unsafe { uniform_by_vaes(modulus, out, counter, first, ahead) }
    } else if is_x86_feature_detected!("aes") {
        // SAFETY: the processor has reported the feature.
        unsafe { uniform_by_aes(modulus, out, counter, first, ahead) }
    } else {
        words::uniform(modulus, out, counter, first, ahead);
    }
}

#[target_feature(enable = "avx2,fma,vaes,aes")]
fn uniform_by_vaes(modulus: &Modulus, out: &mut [u64], counter: Counter<'_>, first: usize, ahead: &[u8]) {
    let keys = round_keys(counter.key).map(|key| _mm256_broadcastsi128_si256(key));
    uniform_by(modulus, out, counter, first, ahead, |first, out| words_by_vaes(&keys, counter, first, out));
}

#[target_feature(enable = "avx2,fma,aes")]
fn uniform_by_aes(modulus: &Modulus, out: &mut [u64], counter: Counter<'_>, first: usize, ahead: &[u8]) {
    let keys = round_keys(counter.key);
    uniform_by(modulus, out, counter, first, ahead, |first, out| words_by_aes(&keys, counter, first, out));
}

/// Computes uniform residues, and prefetches `ahead` meanwhile. `cipher` computes the words of the first attempt for the
/// positions from the first on.
#[inline(always)]
fn uniform_by(
    modulus: &Modulus,
    out: &mut [u64],
    counter: Counter<'_>,
    first: usize,
    ahead: &[u8],
    cipher: impl Fn(usize, &mut [u64; WORDS]),
) {
    let mut ahead = ahead.chunks(64);
    words::uniform_of(modulus, out, counter, first, |first, out| {
        for line in ahead.by_ref().take(WORDS / 8) {
            // SAFETY: a prefetch reads nothing, so any address is allowed. (Newer compilers declare it safe.)
            #[allow(unused_unsafe)]
            unsafe {
                _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast())
            };
        }
        match out.first_chunk_mut() {
            Some(out) => cipher(first, out),
            None => scalar::uniform_words(&Aes128::new(counter.key.into()), counter, first, out),
        }
    });
}

#[target_feature(enable = "avx2,vaes,aes")]
fn words_by_vaes(keys: &[__m256i; 11], counter: Counter<'_>, first: usize, out: &mut [u64; WORDS]) {
    let [low, high] = counter.mask.map(|mask| mask as i64);
    let mask = _mm256_setr_epi64x(low, high, low, high);
    let (parts, _) = out.as_chunks_mut::<{ 4 * SIDE }>();
    for (k, out) in parts.iter_mut().enumerate() {
        let count = (first / 2 + 2 * SIDE * k) as i64;
        let count = _mm256_setr_epi64x(count, 0, count + 1, 0);
        let mut blocks: [__m256i; SIDE] = std::array::from_fn(|i| {
            let count = _mm256_add_epi64(count, _mm256_setr_epi64x(2 * i as i64, 0, 2 * i as i64, 0));
            _mm256_xor_si256(_mm256_xor_si256(count, mask), keys[0])
        });
        for key in &keys[1..10] {
            blocks = blocks.map(|block| _mm256_aesenc_epi128(block, *key));
        }
        let (fours, _) = out.as_chunks_mut::<4>();
        for (out, block) in fours.iter_mut().zip(blocks) {
            let words = _mm256_aesenclast_epi128(block, keys[10]);
            // SAFETY: the reference is valid for 32 bytes, and this store needs no alignment.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), words) };
        }
    }
}

#[target_feature(enable = "avx2,aes")]
fn words_by_aes(keys: &[__m128i; 11], counter: Counter<'_>, first: usize, out: &mut [u64; WORDS]) {
    let [low, high] = counter.mask.map(|mask| mask as i64);
    let start = _mm_xor_si128(_mm_set_epi64x(high, low), keys[0]);
    let (parts, _) = out.as_chunks_mut::<{ 2 * SIDE }>();
    for (k, out) in parts.iter_mut().enumerate() {
        let count = (first / 2 + SIDE * k) as i64;
        let mut blocks: [__m128i; SIDE] =
            std::array::from_fn(|i| _mm_xor_si128(start, _mm_set_epi64x(0, count + i as i64)));
        for key in &keys[1..10] {
            blocks = blocks.map(|block| _mm_aesenc_si128(block, *key));
        }
        let (pairs, _) = out.as_chunks_mut::<2>();
        for (out, block) in pairs.iter_mut().zip(blocks) {
            let words = _mm_aesenclast_si128(block, keys[10]);
            // SAFETY: the reference is valid for 16 bytes, and this store needs no alignment.
            unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), words) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primes;

    /// The kernel set takes the widest cipher that the processor has, so other tests do not see the others.
    #[test]
    fn every_cipher_gives_the_residues_of_the_scalar_kernel() {
        let counter = Counter { key: &[5; 16], mask: [17, 1 << 60] };
        // A word is refused with a probability near 2^−14 by the longest primes, so some of 2^17 are.
        for q in primes::search(5, &[30, 50]).unwrap() {
            let m = Modulus::new(q);
            let residues = |kernel: &dyn Fn(&mut [u64])| {
                let mut out = vec![0; (1 << 17) + 6];
                kernel(&mut out);
                out
            };
            let wanted = residues(&|out| scalar::uniform(&m, out, counter, 10, &[]));
            assert!(residues(&|out| words::uniform(&m, out, counter, 10, &[])) == wanted, "portable, modulo {q}");
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("aes") {
                // SAFETY: the processor has reported the features.
                let by_aes = |out: &mut [u64]| unsafe { uniform_by_aes(&m, out, counter, 10, &[]) };
                assert!(residues(&by_aes) == wanted, "a block in a register, modulo {q}");
            }
        }
    }
}
