//! The kernels in portable Rust, which specify the results of all other kernels.

use aes::Aes128;
use aes::cipher::{BlockEncrypt, KeyInit};

use super::operands::{Counter, Twiddles};
use crate::automorphism::Chunk;
use crate::modulus::{Modulus, Shoup};

/// Transforms by Cooley–Tukey with Harvey's lazy butterflies (arXiv 1205.2926). Values stay in [0, 4q) between levels.
pub(crate) fn ntt_forward(modulus: &Modulus, twiddles: Twiddles<'_>, data: &mut [u64]) {
    let q = modulus.value();
    let mut groups = 1;
    let mut half = data.len() / 2;
    while half > 0 {
        let factors = &twiddles.heads[groups..2 * groups];
        for (block, &[value, quotient]) in data.chunks_exact_mut(2 * half).zip(factors) {
            let w = Shoup { value, quotient };
            let (upper, lower) = block.split_at_mut(half);
            for (x, y) in upper.iter_mut().zip(lower) {
                let a = (*x).min(x.wrapping_sub(2 * q));
                let b = w.mul_lazy(*y, q);
                *x = a + b;
                *y = a + 2 * q - b;
            }
        }
        groups *= 2;
        half /= 2;
    }
    for x in data {
        let r = (*x).min(x.wrapping_sub(2 * q));
        *x = r.min(r.wrapping_sub(q));
    }
}

/// Transforms back by Gentleman–Sande. Values stay in [0, 2q) between levels.
///
/// The inverse twiddles are not stored. The two bit-reversed exponents in ψ^(−brv(m + i)) = −ψ^(brv(2m − 1 − i)) add up
/// to N, so each level reads the forward table backwards and swaps the operands of the difference.
pub(crate) fn ntt_inverse(modulus: &Modulus, twiddles: Twiddles<'_>, scale: Shoup, last: Shoup, data: &mut [u64]) {
    let q = modulus.value();
    let mut groups = data.len() / 2;
    let mut half = 1;
    while groups > 1 {
        let factors = twiddles.heads[groups..2 * groups].iter().rev();
        for (block, &[value, quotient]) in data.chunks_exact_mut(2 * half).zip(factors) {
            let w = Shoup { value, quotient };
            let (upper, lower) = block.split_at_mut(half);
            for (x, y) in upper.iter_mut().zip(lower) {
                let sum = *x + *y;
                *y = w.mul_lazy(*y + 2 * q - *x, q);
                *x = sum.min(sum.wrapping_sub(2 * q));
            }
        }
        groups /= 2;
        half *= 2;
    }
    let (upper, lower) = data.split_at_mut(half);
    for (x, y) in upper.iter_mut().zip(lower) {
        let (sum, difference) = (*x + *y, *x + 2 * q - *y);
        *x = scale.mul(sum, q);
        *y = last.mul(difference, q);
    }
}

pub(crate) fn add(modulus: &Modulus, a: &mut [u64], b: &[u64]) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a = modulus.add(*a, b);
    }
}

pub(crate) fn sub(modulus: &Modulus, a: &mut [u64], b: &[u64]) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a = modulus.sub(*a, b);
    }
}

pub(crate) fn scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    for (out, &a) in out.iter_mut().zip(a) {
        *out = w.mul(a, modulus.value());
    }
}

pub(crate) fn add_scaled(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    for (out, &a) in out.iter_mut().zip(a) {
        *out = modulus.add(*out, w.mul(a, modulus.value()));
    }
}

pub(crate) fn sub_scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
    for (out, &a) in out.iter_mut().zip(a) {
        *out = w.mul(modulus.sub(*out, a), modulus.value());
    }
}

pub(crate) fn dot(modulus: &Modulus, out: &mut [u64], accumulate: bool, terms: &[(&[u64], &[u64])], stretch: u32) {
    for (i, out) in out.iter_mut().enumerate() {
        let start = if accumulate { *out as u128 } else { 0 };
        let sum = terms.iter().fold(start, |sum, (a, b)| sum + a[i] as u128 * b[i >> stretch] as u128);
        *out = modulus.reduce_wide(sum);
    }
}

pub(crate) fn permute(out: &mut [u64], a: &[u64], chunk: Chunk<'_>) {
    for (out, &(block, shuffle)) in out.chunks_exact_mut(8).zip(chunk.blocks) {
        let from = &a[8 * block as usize - chunk.source..][..8];
        for (out, &lane) in out.iter_mut().zip(&chunk.shuffles[shuffle as usize]) {
            *out = from[lane as usize];
        }
    }
}

pub(crate) fn pack(bits: u32, residues: &[u64], out: &mut [u8]) {
    let (mut word, mut filled, mut at) = (0, 0, 0);
    for &x in residues {
        word |= x << filled;
        filled += bits;
        if filled >= u64::BITS {
            out[at..][..8].copy_from_slice(&word.to_le_bytes());
            at += 8;
            filled -= u64::BITS;
            word = x >> (bits - filled);
        }
    }
    out[at..][..8].copy_from_slice(&word.to_le_bytes());
}

pub(crate) fn unpack(bits: u32, bytes: &[u8], out: &mut [u64]) {
    let (bits, mask) = (bits as usize, (1 << bits) - 1);
    for (i, out) in out.iter_mut().enumerate() {
        let at = i * bits;
        let word: [u8; 8] = bytes[at / 8..][..8].try_into().expect("eight bytes");
        *out = u64::from_le_bytes(word) >> (at % 8) & mask;
    }
}

pub(crate) fn reduce_signed(modulus: &Modulus, out: &mut [u64], a: &[i64]) {
    for (out, &a) in out.iter_mut().zip(a) {
        *out = modulus.reduce_signed(a);
    }
}

/// Number of words that the cipher computes at a time, so that processors with AES instructions overlap its blocks.
pub(crate) const WORDS: usize = 64;

pub(crate) fn uniform(modulus: &Modulus, out: &mut [u64], counter: Counter<'_>, first: usize, _ahead: &[u8]) {
    let cipher = Aes128::new(counter.key.into());
    for (k, out) in out.chunks_mut(WORDS).enumerate() {
        let first = first + WORDS * k;
        uniform_words(&cipher, counter, first, out);
        for (i, out) in out.iter_mut().enumerate() {
            *out = match *out {
                word if word < ceiling(modulus) => modulus.reduce(word),
                _ => uniform_again(modulus, counter, first + i),
            };
        }
    }
}

/// Computes the words of the first attempt for the positions from `first` on, at most [`WORDS`] of them.
pub(crate) fn uniform_words(cipher: &Aes128, counter: Counter<'_>, first: usize, out: &mut [u64]) {
    let mut blocks = [aes::Block::default(); WORDS / 2];
    let blocks = &mut blocks[..out.len() / 2];
    for (i, block) in blocks.iter_mut().enumerate() {
        *block = block_of(counter, (first / 2 + i) as u64);
    }
    cipher.encrypt_blocks(blocks);
    for (out, block) in out.chunks_exact_mut(2).zip(blocks) {
        out.copy_from_slice(&[word_of(block, 0), word_of(block, 1)]);
    }
}

/// Returns the largest multiple of q that fits a word.
pub(crate) fn ceiling(modulus: &Modulus) -> u64 {
    u64::MAX / modulus.value() * modulus.value()
}

/// Returns the residue at a position whose first word was rejected.
pub(crate) fn uniform_again(modulus: &Modulus, counter: Counter<'_>, position: usize) -> u64 {
    let cipher = Aes128::new(counter.key.into());
    let words = (1u64..).map(|attempt| {
        let mut block = block_of(counter, (attempt << 32) | (position as u64 / 2));
        cipher.encrypt_block(&mut block);
        word_of(&block, position % 2)
    });
    let accepted = words.into_iter().find(|&word| word < ceiling(modulus));
    modulus.reduce(accepted.expect("attempts do not end"))
}

fn block_of(counter: Counter<'_>, count: u64) -> aes::Block {
    let mut block = aes::Block::default();
    block[..8].copy_from_slice(&(count ^ counter.mask[0]).to_le_bytes());
    block[8..].copy_from_slice(&counter.mask[1].to_le_bytes());
    block
}

fn word_of(block: &aes::Block, half: usize) -> u64 {
    u64::from_le_bytes(block[8 * half..][..8].try_into().expect("eight bytes"))
}

pub(crate) fn quotient_sum(overflow: &mut [u64], digits: &[&[u64]], reciprocals: &[f64]) {
    for (j, overflow) in overflow.iter_mut().enumerate() {
        // Product and sum are rounded separately, not fused, so that all kernels return the same bits.
        let sum = digits.iter().zip(reciprocals).fold(0.5, |sum, (y, r)| sum + y[j] as f64 * r);
        *overflow = sum as u64;
    }
}

pub(crate) fn convert(
    modulus: &Modulus,
    out: &mut [u64],
    digits: &[&[u64]],
    factors: &[u64],
    overflow: &[u64],
    correction: u64,
) {
    for (j, out) in out.iter_mut().enumerate() {
        let start = overflow[j] as u128 * correction as u128;
        let sum = digits.iter().zip(factors).fold(start, |sum, (y, &f)| sum + y[j] as u128 * f as u128);
        *out = modulus.reduce_wide(sum);
    }
}
