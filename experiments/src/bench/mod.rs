//! Microbenchmarks: the operations of encrypted evaluation, measured at one set of parameters.

mod meter;
pub mod operations;
pub mod report;
pub mod setting;

use fhe_ring::Kernels;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

/// Median microseconds of the yardstick at N = 2^16, where most cases run, for times of one machine to be read on
/// another.
pub fn yardstick_us() -> f64 {
    let mut meter = meter::Meter::new(16, Kernels::detect(), None, &mut ChaCha20Rng::from_os_rng());
    (0..8).for_each(|_| meter.calibrate());
    meter.units()[0].median * 1e6
}
