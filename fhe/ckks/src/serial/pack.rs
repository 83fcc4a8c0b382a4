//! Ternary coefficients in two bits each.

use zeroize::Zeroizing;

use super::SerialError;

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
