//! The key schedule of AES-128 by the processor's AES instructions.

use std::arch::x86_64::*;

/// Returns the round keys (FIPS-197, section 5.2).
#[target_feature(enable = "aes")]
pub(super) fn round_keys(key: &[u8; 16]) -> [__m128i; 11] {
    let words = u128::from_le_bytes(*key);
    let mut key = _mm_set_epi64x((words >> 64) as i64, words as i64);
    let mut keys = [key; 11];
    macro_rules! expand {
        ($($round:literal: $constant:literal),*) => {$(
            let rotated = _mm_shuffle_epi32::<0xff>(_mm_aeskeygenassist_si128::<$constant>(key));
            // Each word is the sum of all words before it, formed by adding shifted copies three times.
            for _ in 0..3 {
                key = _mm_xor_si128(key, _mm_slli_si128::<4>(key));
            }
            key = _mm_xor_si128(key, rotated);
            keys[$round] = key;
        )*};
    }
    expand!(1: 0x01, 2: 0x02, 3: 0x04, 4: 0x08, 5: 0x10, 6: 0x20, 7: 0x40, 8: 0x80, 9: 0x1b, 10: 0x36);
    keys
}
