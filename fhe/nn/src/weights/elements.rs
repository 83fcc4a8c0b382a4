//! Element types of tensors, read as double precision.

use safetensors::Dtype;

/// Returns the elements of a tensor in double precision, without rounding; `None` for a type that is not a
/// floating-point type of 16, 32 or 64 bits.
pub(super) fn read(dtype: Dtype, data: &[u8]) -> Option<Vec<f64>> {
    let halves = || data.as_chunks::<2>().0.iter().map(|&bytes| u16::from_le_bytes(bytes));
    Some(match dtype {
        Dtype::F64 => data.as_chunks::<8>().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect(),
        Dtype::F32 => data.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes).into()).collect(),
        Dtype::F16 => halves().map(float16).collect(),
        // A bfloat16 is the upper half of a float32.
        Dtype::BF16 => halves().map(|half| f32::from_bits(u32::from(half) << 16).into()).collect(),
        _ => return None,
    })
}

/// Returns the value of a float16: 1 sign bit, 5 bits of exponent with bias 15, 10 bits of fraction.
fn float16(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from((bits >> 10) & 31), f64::from(bits & 0x3FF));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_the_numbers_of_the_standard() {
        // IEEE 754 binary16: 1, −2, the largest, the least normal, the least of all, and 1/3 rounded.
        let wanted = [
            (0x3C00, 1.0),
            (0xC000, -2.0),
            (0x7BFF, 65504.0),
            (0x0400, 2f64.powi(-14)),
            (0x0001, 2f64.powi(-24)),
            (0x3555, 0.333251953125),
            (0x8000, 0.0),
            (0x7C00, f64::INFINITY),
            (0xFC00, f64::NEG_INFINITY),
        ];
        for (bits, value) in wanted {
            assert_eq!(float16(bits), value, "{bits:04x}");
        }
        assert!(float16(0x7E00).is_nan());
        assert_eq!(read(Dtype::BF16, &[0x80, 0x3F, 0x49, 0xC0]), Some(vec![1.0, -3.140625]));
        assert_eq!(read(Dtype::F64, &0.1f64.to_le_bytes()), Some(vec![0.1]));
        assert_eq!(read(Dtype::I32, &[0; 4]), None);
    }
}
