//! Microbenchmarks: the operations of encrypted evaluation, measured at one set of parameters.

mod checked;
mod circuits;
pub(crate) mod holding;
mod meter;
pub(crate) mod operations;
mod reference;
pub(crate) mod report;
pub(crate) mod setting;
pub(crate) mod throughput;

use meter::{Timing, once};
use reference::Reference;

/// Short samples of the yardstick, and calls in each of them.
const SAMPLES: usize = 8;
const CALLS: usize = 12;
/// log2 of the ring dimension of the yardstick: that of most cases.
const LOG_N: u32 = 16;

/// Returns the microseconds of the reference transform at N = 2^16 on one thread: the least median of several short
/// samples, since other programs can only make it longer. Multiples of it compare times of different machines.
pub(crate) fn yardstick_us() -> f64 {
    let mut transform = Reference::new(LOG_N);
    // Brings data and roots into the caches.
    transform.forward();
    let mut call = |_| once(|| transform.forward()).0.median;
    let mut sample = |_| Timing::of((0..CALLS).map(&mut call).collect()).median;
    (0..SAMPLES).map(&mut sample).fold(f64::INFINITY, f64::min) * 1e6
}
