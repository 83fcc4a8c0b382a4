//! Transforms that a machine does with all threads: the yardstick that carries predictions from one machine to another.

use std::time::Instant;

use fhe_ring::ntt::NttTable;
use fhe_ring::{Kernels, Limb, primes};
use rayon::prelude::*;

use super::reference;

/// Limbs of a pass, each modulo a prime of its own: data and tables of 2^16 coefficients exceed the caches of a core.
pub const LIMBS: usize = 32;
/// Name of a pass among the operations of `bench`.
pub const OPERATION: &str = "ntt_all_threads";
/// A measurement ends after this many seconds, or passes.
const BUDGET: f64 = 0.25;
const MOST: usize = 40;

/// A polynomial, and the tables that transform it.
pub struct Polynomial(Vec<(NttTable, Limb)>);

impl Polynomial {
    /// Returns one of 2^`log_n` coefficients, with tables of these kernels.
    pub fn new(log_n: u32, kernels: Kernels) -> Self {
        let n = 1 << log_n;
        let primes = primes::search(log_n, &[reference::BITS; LIMBS]).expect("there are primes of this size");
        let limb = |prime: u64| {
            let mut limb = Limb::zeroed(n);
            limb.iter_mut().zip(1..).for_each(|(x, k): (_, u64)| *x = k.wrapping_mul(0x9e37_79b9_7f4a_7c15) % prime);
            limb
        };
        Self(primes.into_par_iter().map(|prime| (NttTable::new(n, prime, kernels), limb(prime))).collect())
    }

    /// Transforms every limb, on all threads of the pool.
    pub fn forward(&mut self) {
        self.0.par_iter_mut().for_each(|(table, limb)| table.forward(limb));
    }
}

/// Returns the least seconds that a pass takes. Other programs can only make a pass longer, so the least is the
/// machine's own.
pub fn least_seconds(log_n: u32, kernels: Kernels) -> f64 {
    let mut polynomial = Polynomial::new(log_n, kernels);
    let started = Instant::now();
    let mut least = f64::INFINITY;
    for _ in 0..MOST {
        let pass = Instant::now();
        polynomial.forward();
        least = least.min(pass.elapsed().as_secs_f64());
        if started.elapsed().as_secs_f64() > BUDGET {
            break;
        }
    }
    least
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
