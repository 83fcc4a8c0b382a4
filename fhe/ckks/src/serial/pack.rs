//! Numbers in as many bits as they need.

use zeroize::Zeroizing;

use super::SerialError;

/// Bytes behind a packed limb that [`unpack`] may read.
pub(super) const PADDING: usize = 8;

/// Residues of `bits` bits each, one behind the other, the lowest bits first.
pub(super) fn pack(residues: &[u64], bits: u32, out: &mut Vec<u8>) {
    out.clear();
    let (mut word, mut filled) = (0, 0);
    for &x in residues {
        word |= x << filled;
        filled += bits;
        if filled >= u64::BITS {
            out.extend_from_slice(&word.to_le_bytes());
            filled -= u64::BITS;
            word = x >> (bits - filled);
        }
    }
    out.extend_from_slice(&word.to_le_bytes()[..filled as usize / 8]);
}

/// The inverse of [`pack`]; `bytes` has [`PADDING`] more.
pub(super) fn unpack(bytes: &[u8], bits: u32, out: &mut [u64]) {
    // At most 7 + 50 bits of the eight bytes from where a residue starts.
    debug_assert!(bits <= 57 && bytes.len() == out.len() * bits as usize / 8 + PADDING);
    for (i, x) in out.iter_mut().enumerate() {
        let at = i * bits as usize;
        let word: [u8; 8] = std::array::from_fn(|k| bytes[at / 8 + k]);
        *x = u64::from_le_bytes(word) >> (at % 8) & ((1 << bits) - 1);
    }
}

/// Two bits a coefficient, for [`super::secret`].
pub(super) fn pack_ternary(coefficients: &[i64]) -> Zeroizing<Vec<u8>> {
    let code = |c: i64| (c & 3) as u8;
    Zeroizing::new(
        coefficients.chunks(4).map(|four| four.iter().rev().fold(0, |byte, &c| byte << 2 | code(c))).collect(),
    )
}

/// The inverse of [`pack_ternary`].
pub(super) fn unpack_ternary(bytes: &[u8]) -> Result<Zeroizing<Vec<i64>>, SerialError> {
    let mut coefficients = Zeroizing::new(Vec::with_capacity(4 * bytes.len()));
    for index in 0..4 * bytes.len() {
        coefficients.push(match bytes[index / 4] >> (2 * (index % 4)) & 3 {
            0 => 0,
            1 => 1,
            3 => -1,
            _ => return Err(SerialError::Coefficient { index }),
        });
    }
    Ok(coefficients)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn residues_of_every_width_come_back() {
        for bits in 7..=50 {
            let residues: Vec<u64> =
                (0..64u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) & ((1 << bits) - 1)).collect();
            let mut packed = Vec::new();
            pack(&residues, bits, &mut packed);
            assert_eq!(packed.len(), 8 * bits as usize);
            // The definition: bit k of residue i is bit i·bits + k of the bytes.
            for (i, x) in residues.iter().enumerate() {
                for k in 0..bits as usize {
                    let at = i * bits as usize + k;
                    assert_eq!(u64::from(packed[at / 8] >> (at % 8) & 1), x >> k & 1);
                }
            }
            packed.resize(packed.len() + PADDING, 0xff);
            let mut back = vec![0; 64];
            unpack(&packed, bits, &mut back);
            assert_eq!(back, residues);
        }
    }
}
