//! An activation on many values: its even half and its short odd one apart.
//!
//! A ReLU is half of |x| and half of x. On an interval around 0 its interpolant is even but for a few odd terms, those of x
//! and of the sine that it undoes. Even Chebyshev polynomials of u are Chebyshev polynomials of 2u² − 1, of half the degree.

use fhe_circuits::ChebyshevSeries;

use crate::approximant::Approximant;

/// Values evaluated side by side, as in [`crate::chebyshev::evaluate_in_place`].
const LANES: usize = 16;
/// Odd terms beyond this degree, and nothing is won by taking them apart.
const MOST_ODD: usize = 9;

/// An activation, ready for many values.
#[derive(Clone, Debug)]
pub(super) enum Polynomial {
    /// On [−reach, reach].
    Halves {
        reach: f64,
        /// Coefficients of T₀, T₂, T₄, …
        even: Vec<f64>,
        /// Of T₀ to the last odd one, the even ones zero.
        odd: Vec<f64>,
    },
    Whole(Approximant),
}

impl Polynomial {
    pub fn new(approximant: &Approximant) -> Self {
        approximant.single().and_then(Self::halves).unwrap_or_else(|| Self::Whole(approximant.clone()))
    }

    /// `None` for what has no short odd half.
    fn halves(series: &ChebyshevSeries) -> Option<Self> {
        let coefficients = &series.coefficients;
        let last_odd = (1..coefficients.len()).step_by(2).rfind(|&k| coefficients[k] != 0.0).unwrap_or(0);
        if series.lo != -series.hi || last_odd > MOST_ODD {
            return None;
        }
        let odd = |(k, &c): (usize, &f64)| if k % 2 == 1 { c } else { 0.0 };
        Some(Self::Halves {
            reach: series.hi,
            even: coefficients.iter().step_by(2).copied().collect(),
            odd: coefficients.iter().take(last_odd + 1).enumerate().map(odd).collect(),
        })
    }

    /// Replaces each value by the polynomial's there.
    pub fn evaluate_in_place(&self, values: &mut [f64]) {
        match self {
            Self::Whole(approximant) => approximant.apply(values),
            Self::Halves { reach, even, odd } => {
                let (lanes, rest) = values.as_chunks_mut::<LANES>();
                lanes.iter_mut().for_each(|lanes| *lanes = halves(*reach, even, odd, *lanes));
                rest.iter_mut().for_each(|x| *x = halves(*reach, even, odd, [*x])[0]);
            }
        }
    }
}

fn halves<const N: usize>(reach: f64, even: &[f64], odd: &[f64], x: [f64; N]) -> [f64; N] {
    let u = x.map(|x| x / reach);
    let (even, odd) = (clenshaw(even, u.map(|u| 2.0 * u * u - 1.0)), clenshaw(odd, u));
    std::array::from_fn(|i| even[i] + odd[i])
}

fn clenshaw<const N: usize>(coefficients: &[f64], u: [f64; N]) -> [f64; N] {
    let (first, higher) = coefficients.split_first().unwrap_or((&0.0, &[]));
    let (mut b1, mut b2) = ([0.0; N], [0.0; N]);
    for &c in higher.iter().rev() {
        for i in 0..N {
            (b1[i], b2[i]) = (2.0 * u[i] * b1[i] - b2[i] + c, b1[i]);
        }
    }
    std::array::from_fn(|i| u[i] * b1[i] - b2[i] + first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_halves_make_the_whole(
            values in prop::collection::vec(-2.0..2.0f64, 0..40), even in prop::collection::vec(-1.0..1.0f64, 1..60),
            odd in prop::collection::vec(-1.0..1.0f64, 0..7), hi in 1.0..2.0f64, lopsided: bool,
        ) {
            let mut coefficients = vec![0.0; 2 * even.len().max(odd.len()) + 2];
            even.iter().enumerate().for_each(|(k, &c)| coefficients[2 * k] = c);
            odd.iter().enumerate().for_each(|(k, &c)| coefficients[2 * k + 1] = c);
            // They fall as those of |x| do: at the ends a rounding of u counts k² times in T_k, however it is evaluated.
            coefficients.iter_mut().enumerate().for_each(|(k, c)| *c /= (1 + k * k) as f64);
            let series = ChebyshevSeries { coefficients, lo: if lopsided { -0.9 * hi } else { -hi }, hi };
            let polynomial = Polynomial::halves(&series);
            prop_assert_eq!(polynomial.is_some(), !lopsided && odd.len() <= MOST_ODD.div_ceil(2));
            let Some(polynomial) = polynomial else { return Ok(()) };
            // Beyond the interval rounding grows as the polynomial does.
            let values: Vec<f64> = values.into_iter().map(|x| x.clamp(series.lo, series.hi)).collect();
            let mut found = values.clone();
            polynomial.evaluate_in_place(&mut found);
            for (found, x) in found.iter().zip(values) {
                prop_assert!((found - series.evaluate(x)).abs() < 1e-11, "{} at {}", found, x);
            }
        }
    }
}
