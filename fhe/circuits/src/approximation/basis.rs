//! Spaces of polynomials in which a best approximation is searched, each with a basis of Chebyshev polynomials.

use super::domain::Domain;
use crate::chebyshev::ChebyshevSeries;

/// The powers that a polynomial has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parity {
    /// All powers.
    Any,
    /// Only even powers.
    Even,
    /// Only odd powers.
    Odd,
}

/// Polynomials of one parity up to a degree, on [lo, hi].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Basis {
    pub(super) parity: Parity,
    pub(super) degree: usize,
    pub(super) lo: f64,
    pub(super) hi: f64,
}

impl Basis {
    /// Dimension of the space.
    pub(super) fn len(&self) -> usize {
        match self.parity {
            Parity::Any => self.degree + 1,
            Parity::Even => self.degree / 2 + 1,
            Parity::Odd => self.degree.div_ceil(2),
        }
    }

    /// Returns the degree of element `k`.
    fn degree_of(&self, k: usize) -> usize {
        match self.parity {
            Parity::Any => k,
            Parity::Even => 2 * k,
            Parity::Odd => 2 * k + 1,
        }
    }

    /// Returns the values of all elements at `x`.
    pub(super) fn at(&self, x: f64) -> Vec<f64> {
        let u = (2.0 * x - self.lo - self.hi) / (self.hi - self.lo);
        let mut all = vec![1.0, u];
        for k in 2..=self.degree {
            all.push(2.0 * u * all[k - 1] - all[k - 2]);
        }
        (0..self.len()).map(|k| all[self.degree_of(k)]).collect()
    }

    /// Returns a linear combination of the elements. Coefficients of other powers are exactly zero.
    pub(super) fn series(&self, weights: &[f64]) -> ChebyshevSeries {
        let mut coefficients = vec![0.0; self.degree + 1];
        weights.iter().enumerate().for_each(|(k, &w)| coefficients[self.degree_of(k)] = w);
        ChebyshevSeries { coefficients, lo: self.lo, hi: self.hi }
    }

    /// Returns the points where the exchange starts: one more than the basis has elements. For one parity they lie in
    /// the half above zero, spread as polynomials in x² need it, and avoid 0, where odd polynomials vanish.
    pub(super) fn first_reference(&self, domain: &Domain) -> Vec<f64> {
        let count = self.len() + 1;
        if self.parity == Parity::Any {
            return domain.spread(count);
        }
        let mut points: Vec<f64> = domain.squared().spread(count).into_iter().map(f64::sqrt).collect();
        if self.parity == Parity::Odd && points[0] == 0.0 {
            points[0] = points.get(1).unwrap_or(&self.hi) / 2.0;
        }
        points
    }
}
