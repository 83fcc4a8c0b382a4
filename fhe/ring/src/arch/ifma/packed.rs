//! Packing residues into as many bits as their prime has, and unpacking them.

use std::arch::x86_64::*;

use super::registers::{Lanes, lanes, lanes_mut, load, splat, store};

/// Packs eight residues at a time. Each residue is shifted to its position within its first byte. One permutation moves
/// the residues in even lanes to their bytes, another those in odd lanes. The results are joined, because the first
/// bits of a residue share a byte with the last bits of its neighbour.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(crate) fn pack(bits: u32, residues: &[u64], out: &mut [u8]) {
    let bits = bits as usize;
    let shifts: Lanes = std::array::from_fn(|lane| (lane * bits % 8) as u64);
    // For each byte of the result: the index of the byte that moves there.
    let mut orders = [[0u8; 64]; 2];
    let mut masks = [0u64; 2];
    for lane in 0..8 {
        for byte in 0..(lane * bits % 8 + bits).div_ceil(8) {
            let at = lane * bits / 8 + byte;
            orders[lane % 2][at] = (8 * lane + byte) as u8;
            masks[lane % 2] |= 1 << at;
        }
    }
    // SAFETY: each array has 64 bytes, and this load needs no alignment.
    let orders = orders.map(|order| unsafe { _mm512_loadu_si512(order.as_ptr().cast()) });
    let shifts = load(&shifts);
    for (k, residues) in lanes(residues).iter().enumerate() {
        let words = _mm512_sllv_epi64(load(residues), shifts);
        let halves: [__m512i; 2] = std::array::from_fn(|i| _mm512_maskz_permutexvar_epi8(masks[i], orders[i], words));
        let bytes: &mut [u8; 64] = out[k * bits..].first_chunk_mut().expect("padded by 64 bytes");
        // SAFETY: the reference is valid for 64 bytes, and this store needs no alignment.
        unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), _mm512_or_si512(halves[0], halves[1])) };
    }
}

/// Unpacks eight residues of b bits from b bytes at a time. Each lane fetches the eight bytes from the one in which its
/// residue begins, and shifts.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(crate) fn unpack(bits: u32, bytes: &[u8], out: &mut [u64]) {
    let bits = bits as usize;
    let order: [u8; 64] = std::array::from_fn(|k| (k / 8 * bits / 8 + k % 8) as u8);
    let shifts: Lanes = std::array::from_fn(|lane| (lane * bits % 8) as u64);
    // SAFETY: the array has 64 bytes, and this load needs no alignment.
    let order = unsafe { _mm512_loadu_si512(order.as_ptr().cast()) };
    let (shifts, mask) = (load(&shifts), splat((1 << bits) - 1));
    for (k, out) in lanes_mut(out).iter_mut().enumerate() {
        let bytes: &[u8; 64] = bytes[k * bits..].first_chunk().expect("padded by 64 bytes");
        // SAFETY: the reference is valid for 64 bytes, and this load needs no alignment.
        let bytes = unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) };
        let words = _mm512_permutexvar_epi8(order, bytes);
        store(out, _mm512_and_si512(_mm512_srlv_epi64(words, shifts), mask));
    }
}
