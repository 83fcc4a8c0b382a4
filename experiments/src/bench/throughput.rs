//! Transforms of all threads together: the yardstick that carries predictions from one machine to another.

use std::time::Instant;

use fhe_ring::ntt::NttTable;
use fhe_ring::{Kernels, Limb, primes};
use rayon::prelude::*;

use super::reference;

/// Limbs, each modulo a prime of its own: data and tables of 2^16 coefficients exceed the caches of a core.
pub(crate) const LIMBS: usize = 32;
/// Name among the operations of `bench`.
pub(crate) const OPERATION: &str = "ntt_all_threads";
/// A measurement ends after this many seconds, but not before every limb was transformed this many times.
const BUDGET: f64 = 0.25;
const FEWEST: usize = 4;

/// A limb, its table, and the least seconds that its transform took.
struct Timed {
    table: NttTable,
    limb: Limb,
    least: f64,
}

/// Returns the seconds in which the threads of the pool transform [`LIMBS`] limbs of 2^`log_n` coefficients when they
/// share them, on at most as many cores as there are.
///
/// Every transform is timed by itself, and the least time of each limb counts. Other programs make transforms longer,
/// but one is so short that some of them run undisturbed even on a busy machine.
pub(crate) fn least_seconds(log_n: u32, kernels: Kernels) -> f64 {
    let workers = workers();
    let primes = primes::search(log_n, &[reference::BITS; LIMBS]).expect("there are primes of this size");
    let mut limbs: Vec<Timed> = primes.into_par_iter().map(|prime| Timed::new(1 << log_n, prime, kernels)).collect();
    limbs.par_chunks_mut(LIMBS.div_ceil(workers)).for_each(|share| {
        let started = Instant::now();
        for pass in 0.. {
            if pass >= FEWEST && started.elapsed().as_secs_f64() > BUDGET {
                break;
            }
            // In turn, so that none is in the caches when it is transformed.
            share.iter_mut().for_each(Timed::transform);
        }
    });
    limbs.iter().map(|limb| limb.least).sum::<f64>() / workers as f64
}

/// Returns the number of threads that share the limbs.
pub(crate) fn workers() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    rayon::current_num_threads().min(cores).min(LIMBS)
}

impl Timed {
    fn new(n: usize, prime: u64, kernels: Kernels) -> Self {
        let mut limb = Limb::zeroed(n);
        limb.iter_mut().zip(1..).for_each(|(x, k): (_, u64)| *x = k.wrapping_mul(0x9e37_79b9_7f4a_7c15) % prime);
        Self { table: NttTable::new(n, prime, kernels), limb, least: f64::INFINITY }
    }

    fn transform(&mut self) {
        let started = Instant::now();
        self.table.forward(&mut self.limb);
        self.least = self.least.min(started.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_ring_takes_longer() {
        let [small, large] = [10, 14].map(|log_n| least_seconds(log_n, Kernels::detect()));
        assert!(0.0 < small && small < large && large < 1.0, "{small} s, {large} s");
    }
}
