//! The exchange algorithm of Remez, on a union of intervals, in a space of polynomials of one parity.
//!
//! A reference has one point more than the space has dimensions. Exactly one polynomial has errors ±h of alternating
//! signs on it, and |h| is a lower bound of the best error (de la Vallée Poussin). The extrema of that polynomial's
//! error become the next reference, until the largest error is |h|: then the error equioscillates, and no polynomial is
//! better. On unions of intervals this is the algorithm of Lee, Lee, Lee, Kim and No (ePrint 2020/552), on which ePrint
//! 2020/834 builds. Even and odd functions are approximated on one half of a symmetric domain, where even or odd
//! polynomials are also a Haar space.
//!
//! All computation is in f64. The equations of a reference in the Chebyshev basis are solved with a residual of about
//! 1e-15 of the function, so errors above 1e-8 of the function equioscillate to 1e-6.

use std::cell::Cell;

use super::basis::Basis;
use super::domain::Domain;
use super::error::ApproximationError;
use super::extrema::{Extremum, alternating, extrema};
use super::linear_system::solve;
use crate::chebyshev::ChebyshevSeries;

/// The excess of the largest error over the lower bound, relative to it, that is aimed at, and the one that is
/// accepted.
const AIM: f64 = 1e-10;
const ACCEPTED: f64 = 1e-6;
/// Rounding of a series' value, relative to the sum of its coefficients.
const ROUNDING: f64 = 16.0 * f64::EPSILON;
/// An error this small relative to the function may be only rounding. It is accepted for any lower bound.
const DROWNED: f64 = 1e-11;
const MAX_EXCHANGES: usize = 200;
/// After this many exchanges without progress only rounding is left.
const PATIENCE: usize = 6;

/// A best approximation.
pub(super) struct Solution {
    pub(super) series: ChebyshevSeries,
    /// Lower bound of the best error.
    pub(super) levelled: f64,
    /// The points where the error alternates.
    pub(super) reference: Vec<f64>,
}

/// Returns the best approximation of `f` on `domain` in the space of `basis`.
pub(super) fn remez(f: impl Fn(f64) -> f64, basis: &Basis, domain: &Domain) -> Result<Solution, ApproximationError> {
    let bad = Cell::new(None);
    let f = |x| {
        let found: f64 = f(x);
        if !found.is_finite() {
            bad.set(Some(ApproximationError::NotFinite { x, found }));
        }
        found
    };
    let mut reference = basis.first_reference(domain);
    let drowned = DROWNED * reference.iter().map(|&x| f(x).abs()).fold(0.0, f64::max);
    let mut best: Option<(f64, Solution)> = None;
    let mut waited = 0;
    for _ in 0..MAX_EXCHANGES {
        let (series, level) = level(f, basis, &reference);
        let found = extrema(|x| f(x) - series.evaluate(x), domain, &reference);
        if let Some(error) = bad.take() {
            return Err(error);
        }
        let Some(largest) = found.iter().copied().max_by(|a, b| a.error.abs().total_cmp(&b.error.abs())) else {
            // There is an extremum unless no value can be compared.
            break;
        };
        let error = largest.error.abs();
        let rounding = ROUNDING * series.coefficients.iter().map(|c| c.abs()).sum::<f64>();
        let excess = (error - level.abs() - rounding).max(0.0) / level.abs().max(f64::MIN_POSITIVE);
        let next = alternating(&found, reference.len());
        let excess = if error <= drowned { excess.min(ACCEPTED) } else { excess };
        if best.as_ref().is_none_or(|(least, _)| excess < *least) {
            // The error alternates at its extrema, and the reference has almost reached them.
            let reference = next.as_ref().map_or(reference.clone(), |next| next.iter().map(|e| e.x).collect());
            best = Some((excess, Solution { series, levelled: level.abs(), reference }));
            waited = 0;
        } else {
            waited += 1;
        }
        let least = best.as_ref().map_or(f64::INFINITY, |(least, _)| *least);
        if least <= AIM || (least <= ACCEPTED && waited >= PATIENCE) {
            break;
        }
        reference = match next {
            Some(next) => next.iter().map(|e| e.x).collect(),
            None => exchange_one(reference, largest, level),
        };
    }
    match best {
        Some((excess, solution)) if excess <= ACCEPTED => Ok(solution),
        best => Err(ApproximationError::NotConverged {
            degree: basis.degree,
            found: best.map_or(f64::INFINITY, |(excess, _)| excess),
            wanted: ACCEPTED,
        }),
    }
}

/// Returns the polynomial whose errors on the reference are h, −h, h, …, and h.
fn level(f: impl Fn(f64) -> f64, basis: &Basis, reference: &[f64]) -> (ChebyshevSeries, f64) {
    let equation = |(i, &x): (usize, &f64)| {
        let mut row = basis.at(x);
        row.push(if i.is_multiple_of(2) { 1.0 } else { -1.0 });
        row.push(f(x));
        row
    };
    let mut solution = solve(reference.iter().enumerate().map(equation).collect());
    let level = solution.pop().expect("an equation for every point");
    (basis.series(&solution), level)
}

/// Puts the place of the largest error into the reference, if there are too few extrema for a new reference. It
/// replaces its neighbour of the same sign, so signs still alternate.
fn exchange_one(mut reference: Vec<f64>, largest: Extremum, level: f64) -> Vec<f64> {
    let above = reference.partition_point(|&x| x < largest.x);
    let positive = |i: usize| i.is_multiple_of(2) == (level >= 0.0);
    let alike = |i: usize| positive(i) == (largest.error >= 0.0);
    let end = reference.len() - 1;
    match above {
        0 if !alike(0) => {
            reference.pop();
            reference.insert(0, largest.x);
        }
        _ if above > end && !alike(end) => {
            reference.remove(0);
            reference.push(largest.x);
        }
        0 => reference[0] = largest.x,
        _ if above > end || alike(above - 1) => reference[above - 1] = largest.x,
        _ => reference[above] = largest.x,
    }
    reference
}
