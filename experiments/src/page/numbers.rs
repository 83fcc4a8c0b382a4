//! Numbers as short JSON.

use serde_json::Value;

/// Returns a number with so many significant digits; null if it is NaN or infinite.
pub(super) fn significant(number: f64, digits: usize) -> Value {
    let rounded = format!("{number:.*e}", digits - 1).parse::<f64>().expect("a printed number");
    // Whole numbers are shorter without a fraction.
    if rounded.fract() == 0.0 && rounded.abs() < 1e9 { Value::from(rounded as i64) } else { Value::from(rounded) }
}

/// Returns a number with so many significant digits; null if there is none.
pub(super) fn perhaps(number: Option<f64>, digits: usize) -> Value {
    number.map_or(Value::Null, |number| significant(number, digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_invalid() {
        let shown = |number| significant(number, 3).to_string();
        assert_eq!([1234.5, 0.012345, 2.0, -17.26].map(shown), ["1230", "0.0123", "2", "-17.3"]);
        assert_eq!([f64::NAN, f64::INFINITY].map(shown), ["null", "null"]);
        assert_eq!(significant(1.5e12, 3).as_f64(), Some(1.5e12));
    }
}
