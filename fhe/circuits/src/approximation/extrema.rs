//! Local extrema of an error, and the choice of alternating ones.

use super::domain::Domain;

/// Number of parts that the gap between neighbouring points of a reference is cut into to search for extrema.
const CUTS: usize = 8;
/// Steps of a golden-section search. Each narrows the bracket by 0.618, so a kink is found to 1e-11 of it.
const GOLDEN_STEPS: usize = 52;

/// A local extremum of an error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Extremum {
    pub(super) x: f64,
    pub(super) error: f64,
}

/// Returns the local extrema of `error` in ascending order. It searches between the points `near`, which are dense
/// where the error oscillates.
pub(super) fn extrema(error: impl Fn(f64) -> f64, domain: &Domain, near: &[f64]) -> Vec<Extremum> {
    let mut found = Vec::new();
    for &(lo, hi) in domain.intervals() {
        let mut knots = vec![lo];
        knots.extend(near.iter().copied().filter(|x| (lo..hi).contains(x) && *x > lo));
        knots.push(hi);
        let cut = |pair: &[f64]| {
            let (a, b) = (pair[0], pair[1]);
            (0..CUTS).map(move |j| a + (b - a) * j as f64 / CUTS as f64)
        };
        let mut grid: Vec<f64> = knots.windows(2).flat_map(cut).collect();
        grid.push(hi);
        let values: Vec<f64> = grid.iter().map(|&x| error(x)).collect();
        for j in 0..grid.len() {
            let sign = values[j].signum();
            let (before, after) = (j.saturating_sub(1), (j + 1).min(grid.len() - 1));
            if sign * values[j] >= sign * values[before] && sign * values[j] >= sign * values[after] {
                let (x, height) = climb(|x| sign * error(x), grid[before], grid[after]);
                let best = if height > sign * values[j] { (x, height) } else { (grid[j], sign * values[j]) };
                found.push(Extremum { x: best.0, error: sign * best.1 });
            }
        }
    }
    found
}

/// Returns the place and value of the maximum of a function with one maximum in [a, b], by golden-section search, which
/// needs no derivative.
pub(super) fn climb(f: impl Fn(f64) -> f64, mut a: f64, mut b: f64) -> (f64, f64) {
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    let (mut left, mut right) = (b - golden * (b - a), a + golden * (b - a));
    let (mut f_left, mut f_right) = (f(left), f(right));
    for _ in 0..GOLDEN_STEPS {
        if f_left < f_right {
            (a, left, f_left) = (left, right, f_right);
            right = a + golden * (b - a);
            f_right = f(right);
        } else {
            (b, right, f_right) = (right, left, f_left);
            left = b - golden * (b - a);
            f_left = f(left);
        }
    }
    if f_left < f_right { (right, f_right) } else { (left, f_left) }
}

/// Returns `count` extrema with alternating signs, the largest among them; `None` if there are fewer.
pub(super) fn alternating(extrema: &[Extremum], count: usize) -> Option<Vec<Extremum>> {
    let mut kept: Vec<Extremum> = Vec::new();
    for &e in extrema {
        match kept.last_mut() {
            Some(last) if last.error.signum() == e.error.signum() => {
                if e.error.abs() > last.error.abs() {
                    *last = e;
                }
            }
            _ => kept.push(e),
        }
    }
    while kept.len() > count {
        let height = |i: usize| kept[i].error.abs();
        let end = kept.len() - 1;
        let least = (0..=end).min_by(|&i, &j| height(i).total_cmp(&height(j))).expect("more than count");
        if kept.len() == count + 1 || least == 0 || least == end {
            // A single extremum may be removed only at an end.
            let lower_end = if height(0) < height(end) { 0 } else { end };
            kept.remove(if least == 0 || least == end { least } else { lower_end });
        } else {
            let neighbour = if height(least - 1) < height(least + 1) { least - 1 } else { least };
            kept.drain(neighbour..neighbour + 2);
        }
    }
    (kept.len() == count).then_some(kept)
}
