//! Matrices by their diagonals.

use std::collections::BTreeMap;

use num_complex::Complex64;

/// A matrix over n slots, given by its nonzero generalised diagonals: y_i = Σ_d diagonal_(d,i)·x_(i + d).
///
/// A diagonal that repeats with a period p dividing n is held as p values. Its encoding has p/n of the size.
///
/// ```
/// use fhe_circuits::Diagonals;
/// use num_complex::Complex64;
///
/// // Twice each slot plus the next one.
/// let matrix = Diagonals([(0, vec![Complex64::new(2.0, 0.0)]), (1, vec![Complex64::new(1.0, 0.0)])].into());
/// let x = [1.0, 2.0, 3.0, 4.0].map(Complex64::from);
/// assert_eq!(matrix.apply(&x), [4.0, 7.0, 10.0, 9.0].map(Complex64::from));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagonals(pub BTreeMap<i64, Vec<Complex64>>);

impl Diagonals {
    /// Returns the product self·inner, which applies `inner` first, with offsets in [0, slots) if `slots` is given: the
    /// product is then over so many slots. Otherwise offsets are added without reduction.
    ///
    /// # Panics
    /// If neither of two periods divides the other.
    pub fn compose(&self, inner: &Self, slots: Option<usize>) -> Self {
        let mut product = Self::default();
        for (&a, outer) in &self.0 {
            for (&b, inner) in &inner.0 {
                let mut inner = inner.clone();
                let shift = a.rem_euclid(inner.len() as i64) as usize;
                inner.rotate_left(shift);
                let period = outer.len().max(inner.len());
                let sum = product.0.entry(reduced(a + b, slots)).or_insert_with(|| vec![Complex64::default(); period]);
                repeat_up_to(sum, period);
                in_step(sum, [outer, &inner], |sum, [outer, inner]| *sum += outer * inner);
            }
        }
        product
    }

    /// Returns this matrix over `slots` slots with offsets in [0, slots). Diagonals whose offsets coincide are added
    /// up.
    pub fn wrapped(&self, slots: usize) -> Self {
        let mut wrapped = Self::default();
        for (&d, diagonal) in &self.0 {
            let sum =
                wrapped.0.entry(reduced(d, Some(slots))).or_insert_with(|| vec![Complex64::default(); diagonal.len()]);
            repeat_up_to(sum, diagonal.len());
            in_step(sum, [diagonal], |sum, [diagonal]| *sum += diagonal);
        }
        wrapped
    }

    /// Returns this matrix over `slots` slots with row i multiplied by `row(i)` and column j by `column(j)`. Periods
    /// grow to `slots` where necessary.
    pub fn weighted(self, slots: usize, row: impl Fn(usize) -> Complex64, column: impl Fn(usize) -> Complex64) -> Self {
        let weigh = |(d, diagonal): (i64, Vec<Complex64>)| {
            let weight = |i: usize| row(i) * column((i as i64 + d).rem_euclid(slots as i64) as usize);
            let weighted: Vec<_> = (0..slots).map(|i| diagonal[i % diagonal.len()] * weight(i)).collect();
            let repeats = weighted.iter().enumerate().all(|(i, w)| *w == weighted[i % diagonal.len()]);
            (d, if repeats { weighted[..diagonal.len()].to_vec() } else { weighted })
        };
        Self(self.0.into_iter().map(weigh).collect())
    }

    /// Returns this matrix with every entry multiplied by `factor`.
    pub fn scaled(mut self, factor: f64) -> Self {
        self.0.values_mut().flatten().for_each(|v| *v *= factor);
        self
    }

    /// Multiplies the matrix by a vector in cleartext.
    pub fn apply(&self, x: &[Complex64]) -> Vec<Complex64> {
        let n = x.len();
        (0..n)
            .map(|i| {
                let terms = self.0.iter();
                terms.map(|(&d, v)| v[i % v.len()] * x[(i as i64 + d).rem_euclid(n as i64) as usize]).sum()
            })
            .collect()
    }
}

/// Returns an offset modulo a number of slots, if there is one.
pub(super) fn reduced(offset: i64, slots: Option<usize>) -> i64 {
    slots.map_or(offset, |slots| offset.rem_euclid(slots as i64))
}

/// Repeats a vector until it has at least `period` values.
///
/// # Panics
/// If a longer period is no multiple of the vector's.
fn repeat_up_to(values: &mut Vec<Complex64>, period: usize) {
    if values.len() < period {
        assert!(period.is_multiple_of(values.len()), "a vector of {} values repeated to {period}", values.len());
        *values = values.iter().cycle().take(period).copied().collect();
    }
}

/// Calls `f` on every value of `out` with the values at its place of vectors that repeat.
///
/// # Panics
/// If the periods do not divide one another and the length of `out`.
fn in_step<const K: usize>(
    out: &mut [Complex64],
    vectors: [&[Complex64]; K],
    f: impl Fn(&mut Complex64, [Complex64; K]),
) {
    let shortest = vectors.iter().map(|v| v.len()).fold(out.len(), usize::min);
    let divides = |v: &[Complex64]| v.len().is_multiple_of(shortest) && out.len().is_multiple_of(v.len());
    assert!(vectors.iter().all(|v| divides(v)), "periods that do not divide one another");
    for (part, out) in out.chunks_mut(shortest).enumerate() {
        let parts = vectors.map(|v| &v[part * shortest % v.len()..][..shortest]);
        out.iter_mut().enumerate().for_each(|(i, out)| f(out, parts.map(|part| part[i])));
    }
}
