//! Best uniform approximation of a function, its symmetry used.

use super::basis::{Basis, Parity};
use super::domain::Domain;
use super::error::ApproximationError;
use super::extrema::extrema;
use super::remez::remez;
use crate::chebyshev::ChebyshevSeries;

/// A best approximation, with the proof that it is: no polynomial of its degree has an error below
/// [`lower_bound`](Self::lower_bound).
#[derive(Clone, Debug, PartialEq)]
pub struct Minimax {
    /// The polynomial, on the smallest interval that holds the intervals.
    pub series: ChebyshevSeries,
    /// The largest error that was found anywhere on the intervals, rounding of the series' evaluation included.
    pub error: f64,
    /// Lower bound of the error of every polynomial of this degree.
    pub lower_bound: f64,
    /// Where the error has this size, with alternating signs, ascending: two points more than the degree or, by symmetry, more.
    pub alternation: Vec<f64>,
}

/// A part of a function is a polynomial if one of at most this degree equals it up to rounding.
const SMOOTH_DEGREE: usize = 48;
const ROUNDING: f64 = 4e-14;
/// Points of a half where that is looked at.
const PROBES: usize = 501;

/// The polynomial of at most this degree whose largest error on the intervals is smallest, for continuous `f`.
///
/// On a domain that is its own mirror image, `f` is divided into its even and odd part. If one of them is a polynomial up
/// to rounding (as the odd part x/2 of ReLU is, however smoothly the interval is warped), it is taken as it is, and the
/// other is approximated by polynomials of its parity on half of the domain. The result's parity is exact, and so are the
/// zeros beyond what the polynomial part needs. Otherwise the intervals are taken as they are.
///
/// Errors smaller than about 1e-8 of the function drown in the rounding of f64.
///
/// # Errors
/// Intervals that are empty or not ascending, values that are not finite, functions whose extrema escape the search.
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

/// The polynomial of the basis that the part of a function is up to rounding, if it is.
fn polynomial_part(
    part: &dyn Fn(f64) -> f64,
    basis: &Basis,
    domain: &Domain,
    probes: &[f64],
    scale: f64,
) -> Option<ChebyshevSeries> {
    let mut series = match domain.intervals() {
        [_] => ChebyshevSeries::interpolate(part, basis.degree.min(SMOOTH_DEGREE), basis.lo, basis.hi),
        // Between intervals the function may have no value: the only polynomial looked for is zero.
        _ => basis.series(&[]),
    };
    let keep = usize::from(basis.parity == Parity::Odd);
    let terms = series.coefficients.iter_mut().enumerate();
    // A term below the rounding of the function is none.
    terms.filter(|(k, c)| k % 2 != keep || c.abs() < ROUNDING * scale).for_each(|(_, c)| *c = 0.0);
    let far = |x: &f64| (part(*x) - series.evaluate(*x)).abs() > ROUNDING * scale;
    (!probes.iter().any(far)).then_some(series)
}

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
