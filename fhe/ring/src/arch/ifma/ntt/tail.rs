//! Constants and shuffles of the four levels within blocks of sixteen residues.

use std::arch::x86_64::*;

use crate::arch::ifma::registers::W;

/// Two registers: sixteen residues.
pub(super) type Pair = (__m512i, __m512i);

/// The shuffles of sixteen residues in two registers between the last levels, and the roots of these levels in lanes.
#[derive(Clone, Copy)]
pub(super) struct Tail {
    /// Brings lanes four apart to face each other, from halves of eight.
    pub(super) fours: Pair,
    /// Brings lanes two apart to face each other.
    pub(super) twos: Pair,
    /// Restores the natural order from facing neighbours.
    pub(super) natural: Pair,
    /// Brings neighbours to face each other, from the natural order.
    pub(super) neighbours: Pair,
    /// The first 2, 4 and 8 roots in the lanes that they serve.
    pub(super) w4: W,
    pub(super) w2: W,
    pub(super) w1: W,
}

impl Tail {
    /// Builds the constants, with the first eight roots in the given order.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn new(heads: &[[u64; 2]], order: [usize; 8]) -> Self {
        // Index 8 + l selects lane l of the second operand.
        let spread = |step: usize| W::gather(heads, std::array::from_fn(|lane| order[lane] / step));
        Self {
            fours: (_mm512_setr_epi64(0, 1, 2, 3, 8, 9, 10, 11), _mm512_setr_epi64(4, 5, 6, 7, 12, 13, 14, 15)),
            twos: (_mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15)),
            natural: (_mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15)),
            neighbours: (_mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15)),
            w4: spread(4),
            w2: spread(2),
            w1: spread(1),
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn shuffle((x, y): Pair, order: Pair) -> Pair {
    (_mm512_permutex2var_epi64(x, order.0, y), _mm512_permutex2var_epi64(x, order.1, y))
}

/// Exchanges between lanes two apart and neighbours that face each other, in either direction.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn unpack((x, y): Pair) -> Pair {
    (_mm512_unpacklo_epi64(x, y), _mm512_unpackhi_epi64(x, y))
}
