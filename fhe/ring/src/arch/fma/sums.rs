//! Sums of products.

use crate::arch::scalar;
use crate::modulus::Modulus;

#[inline(always)]
pub fn dot(modulus: &Modulus, out: &mut [u64], accumulate: bool, terms: &[(&[u64], &[u64])], stretch: u32) {
    scalar::dot(modulus, out, accumulate, terms, stretch);
}

#[inline(always)]
pub fn quotient_sum(overflow: &mut [u64], digits: &[&[u64]], reciprocals: &[f64]) {
    scalar::quotient_sum(overflow, digits, reciprocals);
}

#[inline(always)]
pub fn convert(
    modulus: &Modulus,
    out: &mut [u64],
    digits: &[&[u64]],
    factors: &[u64],
    overflow: &[u64],
    correction: u64,
) {
    scalar::convert(modulus, out, digits, factors, overflow, correction);
}
