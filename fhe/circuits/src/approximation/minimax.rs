//! Best uniform approximation of a function, using its symmetry.

use super::basis::{Basis, Parity};
use super::domain::Domain;
use super::error::ApproximationError;
use super::extrema::extrema;
use super::remez::remez;
use crate::chebyshev::ChebyshevSeries;

/// A best approximation, with its proof: no polynomial of its degree has an error below
/// [`lower_bound`](Self::lower_bound).
#[derive(Clone, Debug, PartialEq)]
pub struct Minimax {
    /// The polynomial, on the smallest interval that contains all intervals.
    pub series: ChebyshevSeries,
    /// The largest error found on the intervals, including the rounding of the series' evaluation.
    pub error: f64,
    /// Lower bound of the error of every polynomial of this degree.
    pub lower_bound: f64,
    /// The points where the error has this size with alternating signs, in ascending order: at least two more than the
    /// degree.
    pub alternation: Vec<f64>,
}

/// A part of a function counts as a polynomial if one of at most this degree equals it up to rounding.
const SMOOTH_DEGREE: usize = 48;
const ROUNDING: f64 = 4e-14;
/// Number of points of a half where that is checked.
const PROBES: usize = 501;

/// Returns the polynomial of at most this degree with the smallest maximum error on the intervals, for continuous `f`.
///
/// If the domain is its own mirror image, `f` is split into its even and odd part. If one part is a polynomial up to
/// rounding, such as the odd part x/2 of ReLU, it is kept, and the other is approximated by polynomials of its parity
/// on half of the domain. The parity of the result is exact, and so are its zero coefficients. Otherwise the whole
/// domain is used.
///
/// Errors smaller than about 1e-8 of the function are lost in the rounding of f64.
///
/// # Errors
/// [`ApproximationError`] if intervals are empty, infinite or not ascending, a value of `f` is not finite, or the
/// exchange does not converge.
pub fn minimax(f: impl Fn(f64) -> f64, degree: usize, intervals: &[(f64, f64)]) -> Result<Minimax, ApproximationError> {
    let domain = Domain::new(intervals)?;
    let (lo, hi) = domain.hull();
    let basis = |parity| Basis { parity, degree, lo, hi };
    let Some(half) = domain.symmetric_half() else {
        let found = remez(&f, &basis(Parity::Any), &domain)?;
        return Ok(finish(f, &domain, found.series, found.levelled, found.reference));
    };
    let even = |x: f64| f(x) / 2.0 + f(-x) / 2.0;
    let odd = |x: f64| f(x) / 2.0 - f(-x) / 2.0;
    let probes = half.spread(PROBES);
    let scale = probes.iter().map(|&x| f(x).abs().max(f(-x).abs())).fold(0.0, f64::max);
    let smooth = |part: &dyn Fn(f64) -> f64, parity| polynomial_part(part, &basis(parity), &domain, &probes, scale);
    let (known, found) = match (smooth(&odd, Parity::Odd), smooth(&even, Parity::Even)) {
        (Some(known), _) => (known, remez(even, &basis(Parity::Even), &half)?),
        (None, Some(known)) => (known, remez(odd, &basis(Parity::Odd), &half)?),
        (None, None) => {
            let found = remez(&f, &basis(Parity::Any), &domain)?;
            return Ok(finish(f, &domain, found.series, found.levelled, found.reference));
        }
    };
    let mut series = found.series;
    series.coefficients.iter_mut().zip(&known.coefficients).for_each(|(c, k)| *c += k);
    let mirrored = found.reference.iter().rev().filter(|&&x| x > 0.0).map(|x| -x);
    let alternation = mirrored.chain(found.reference.iter().copied()).collect();
    Ok(finish(f, &domain, series, found.levelled, alternation))
}

/// Returns the polynomial of the basis that equals the part of a function up to rounding, if there is one.
fn polynomial_part(
    part: &dyn Fn(f64) -> f64,
    basis: &Basis,
    domain: &Domain,
    probes: &[f64],
    scale: f64,
) -> Option<ChebyshevSeries> {
    let mut series = match domain.intervals() {
        [_] => ChebyshevSeries::interpolate(part, basis.degree.min(SMOOTH_DEGREE), basis.lo, basis.hi),
        // Between intervals the function may have no value, so only the zero polynomial is tried.
        _ => basis.series(&[]),
    };
    let keep = usize::from(basis.parity == Parity::Odd);
    let terms = series.coefficients.iter_mut().enumerate();
    // Terms below the rounding of the function count as zero.
    terms.filter(|(k, c)| k % 2 != keep || c.abs() < ROUNDING * scale).for_each(|(_, c)| *c = 0.0);
    let far = |x: &f64| (part(*x) - series.evaluate(*x)).abs() > ROUNDING * scale;
    (!probes.iter().any(far)).then_some(series)
}

/// Measures the largest error of a series.
fn finish(
    f: impl Fn(f64) -> f64,
    domain: &Domain,
    series: ChebyshevSeries,
    lower_bound: f64,
    alternation: Vec<f64>,
) -> Minimax {
    let found = extrema(|x| f(x) - series.evaluate(x), domain, &alternation);
    let error = found.iter().map(|e| e.error.abs()).fold(0.0, f64::max);
    Minimax { series, error, lower_bound, alternation }
}
