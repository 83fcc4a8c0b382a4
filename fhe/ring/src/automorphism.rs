//! The automorphisms X ↦ X^g of Z\[X\]/(X^N + 1), in both domains.
//!
//! In the NTT domain position i holds the evaluation at ψ^(2·brv(i) + 1), so an automorphism permutes the positions.
//! The exponents of eight neighbours share their low bits and differ in the top three. Multiplying by an odd g
//! preserves this property, so aligned blocks of eight move to aligned blocks of eight. A permutation is therefore
//! stored as one block index and one of eight shuffles for each block. SIMD applies it with a load and a register
//! shuffle.

use crate::modulus::Modulus;

/// The permutation of NTT-domain positions by X ↦ X^g.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permutation {
    /// For each block of eight destinations: the source block, and the index of its shuffle in `shuffles`.
    blocks: Vec<(u32, u32)>,
    /// For each shuffle: the source lane of each destination lane.
    shuffles: Vec<[u64; 8]>,
}

impl Permutation {
    /// Returns the permutation for X ↦ X^`galois` at ring dimension `n`.
    ///
    /// # Panics
    /// If `galois` is even, or `n` is not a power of two of at least 8.
    pub fn new(n: usize, galois: u64) -> Self {
        assert!(n.is_power_of_two() && n >= 8, "ring dimension {n} must be a power of two of at least 8");
        assert!(galois % 2 == 1, "X ↦ X^{galois} is not an automorphism: the exponent must be odd");
        let bits = n.trailing_zeros();
        let mask = 2 * n as u64 - 1;
        let reverse = |i: u64| i.reverse_bits() >> (64 - bits);
        let source = |i: usize| {
            let exponent = ((2 * reverse(i as u64) + 1) * (galois & mask)) & mask;
            reverse(exponent / 2) as usize
        };
        let mut shuffles: Vec<[u64; 8]> = Vec::new();
        let blocks = (0..n / 8)
            .map(|block| {
                let first = source(8 * block) / 8;
                let lanes = std::array::from_fn(|lane| {
                    let from = source(8 * block + lane);
                    debug_assert_eq!(from / 8, first, "blocks of eight stay together");
                    (from % 8) as u64
                });
                let shuffle = shuffles.iter().position(|known| *known == lanes).unwrap_or_else(|| {
                    shuffles.push(lanes);
                    shuffles.len() - 1
                });
                (first as u32, shuffle as u32)
            })
            .collect();
        Self { blocks, shuffles }
    }

    /// Returns the number of bytes in memory.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.blocks) + size_of_val(&*self.shuffles)
    }

    /// Returns the position whose value moves to position `i`.
    pub fn source(&self, i: usize) -> usize {
        let (block, shuffle) = self.blocks[i / 8];
        8 * block as usize + self.shuffles[shuffle as usize][i % 8] as usize
    }

    /// Returns the part of the permutation that fills the `len` positions from `first` on. `len` is a power of two of
    /// at least 8 that divides `first`.
    ///
    /// The top bits of a position are the low bits of its exponent. The low bits of a product depend on the low bits of
    /// its factors only, so aligned chunks of any size come from aligned chunks, as blocks of eight do.
    pub fn chunk(&self, first: usize, len: usize) -> Chunk<'_> {
        debug_assert!(len.is_power_of_two() && len >= 8 && first.is_multiple_of(len));
        let blocks = &self.blocks[first / 8..(first + len) / 8];
        let source = 8 * blocks[0].0 as usize / len * len;
        Chunk { source, blocks, shuffles: &self.shuffles }
    }
}

/// The part of a [`Permutation`] that fills an aligned chunk.
#[derive(Clone, Copy)]
pub struct Chunk<'a> {
    /// The first position of the chunk that the values come from.
    pub source: usize,
    pub(crate) blocks: &'a [(u32, u32)],
    pub(crate) shuffles: &'a [[u64; 8]],
}

/// Computes `out ← a(X^galois)` for coefficients. Coefficients that move past X^N change their sign.
pub(crate) fn permute_coefficients(modulus: &Modulus, out: &mut [u64], a: &[u64], galois: u64) {
    let n = a.len();
    for (i, &a) in a.iter().enumerate() {
        let exponent = (i as u64).wrapping_mul(galois) as usize & (2 * n - 1);
        out[exponent & (n - 1)] = if exponent < n { a } else { modulus.neg(a) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kernels;

    #[test]
    fn chunks_of_any_size_make_up_the_whole_on_every_kernel_set() {
        let n = 1 << 13;
        let values: Vec<u64> = (0..n as u64).collect();
        for galois in [3, 5, 25, 4097, 2 * n as u64 - 1] {
            let permutation = Permutation::new(n, galois);
            let expected: Vec<u64> = (0..n).map(|i| permutation.source(i) as u64).collect();
            for kernels in Kernels::available() {
                for len in [8, 256, 4096, n] {
                    let mut out = vec![0; n];
                    for (k, out) in out.chunks_exact_mut(len).enumerate() {
                        let chunk = permutation.chunk(k * len, len);
                        kernels.permute(out, &values[chunk.source..][..len], chunk);
                    }
                    assert!(out == expected, "X^{galois}, {len} at a time, {}", kernels.name());
                }
            }
        }
    }
}
