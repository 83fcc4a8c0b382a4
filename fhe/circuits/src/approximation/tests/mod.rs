//! The errors that approximations state, compared with theory, dense grids and published values.

mod composite;
mod minimax;
mod published;

/// `count` + 1 points from lo to hi.
fn grid(lo: f64, hi: f64, count: usize) -> impl Iterator<Item = f64> {
    (0..=count).map(move |i| lo + (hi - lo) * i as f64 / count as f64)
}
