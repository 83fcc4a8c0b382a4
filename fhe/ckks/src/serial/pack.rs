//! Ternary coefficients in two bits each. They are a secret: no branch and no index depends on a coefficient.

use zeroize::Zeroizing;

use super::error::SerialError;

/// Packs coefficients in two bits each: 0, 1 or 3 for 0, 1 or −1.
pub(super) fn pack_ternary(coefficients: &[i64]) -> Zeroizing<Vec<u8>> {
    let code = |c: i64| (c & 3) as u8;
    Zeroizing::new(
        coefficients.chunks(4).map(|four| four.iter().rev().fold(0, |byte, &c| byte << 2 | code(c))).collect(),
    )
}

/// Undoes [`pack_ternary`].
///
/// # Errors
/// [`SerialError::Coefficient`] for the code 2. All codes are read first, and the place of a bad one is looked for only
/// then: the bytes are no key in that case.
pub(super) fn unpack_ternary(bytes: &[u8]) -> Result<Zeroizing<Vec<i64>>, SerialError> {
    let code = |index: usize| bytes[index / 4] >> (2 * (index % 4)) & 3;
    let mut coefficients = Zeroizing::new(vec![0; 4 * bytes.len()]);
    let mut invalid = 0;
    for (index, coefficient) in coefficients.iter_mut().enumerate() {
        let code = code(index);
        let (low, high) = (code & 1, code >> 1);
        *coefficient = i64::from(low) - 2 * i64::from(high);
        invalid |= high & !low;
    }
    if invalid == 0 {
        return Ok(coefficients);
    }
    let index = (0..coefficients.len()).find(|&index| code(index) == 2).expect("a code 2 was seen");
    Err(SerialError::Coefficient { index })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification of the format, one code at a time.
    fn by_table(bytes: &[u8]) -> Result<Vec<i64>, usize> {
        let codes = (0..4 * bytes.len()).map(|index| (index, bytes[index / 4] >> (2 * (index % 4)) & 3));
        codes.map(|(index, code)| [Ok(0), Ok(1), Err(index), Ok(-1)][usize::from(code)]).collect()
    }

    #[test]
    fn every_pair_of_bytes_unpacks_as_the_table_says_and_packs_again() {
        for word in 0..=u16::MAX {
            let bytes = word.to_le_bytes();
            match (unpack_ternary(&bytes), by_table(&bytes)) {
                (Ok(found), Ok(wanted)) => {
                    assert_eq!(*found, wanted);
                    assert_eq!(pack_ternary(&found)[..], bytes);
                }
                (Err(SerialError::Coefficient { index }), Err(wanted)) => assert_eq!(index, wanted),
                (found, wanted) => panic!("{bytes:?}: {found:?} for {wanted:?}"),
            }
        }
    }
}
