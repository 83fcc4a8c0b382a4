//! Times: medians of repeated calls, and the transforms that they are compared with.

use std::hint::black_box;
use std::time::Instant;

use fhe_ring::ntt::NttTable;
use fhe_ring::{Kernels, Limb, primes};
use rand::{Rng, RngCore};

/// Without a fixed number of repeats, an operation is repeated until this much time is spent, in seconds.
const BUDGET: f64 = 0.5;
const FEWEST: usize = 3;
const MOST: usize = 200;
/// Bits of the prime of the two transforms compared with.
pub const YARDSTICK_BITS: u32 = 50;
/// Calls of each between two operations, after two that bring data and tables back into the caches.
const CALLS: usize = 12;
const WARM_UP: usize = 2;

/// Seconds of repeated calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// The median.
    pub median: f64,
    /// The shortest.
    pub min: f64,
    /// The longest.
    pub max: f64,
    /// How many calls.
    pub repeats: usize,
}

impl Timing {
    /// Of a list of seconds.
    ///
    /// # Panics
    /// If it is empty.
    fn of(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        let n = seconds.len();
        let median = (seconds[(n - 1) / 2] + seconds[n / 2]) / 2.0;
        Self { median, min: seconds[0], max: seconds[n - 1], repeats: n }
    }

    /// One of `parts` equal parts.
    pub fn divided(self, parts: usize) -> Self {
        let parts = parts as f64;
        Self { median: self.median / parts, min: self.min / parts, max: self.max / parts, ..self }
    }
}

/// Seconds of one call, with its result, which is dropped outside the time.
pub fn once<T>(f: impl FnOnce() -> T) -> (Timing, T) {
    let started = Instant::now();
    let result = black_box(f());
    (Timing::of(vec![started.elapsed().as_secs_f64()]), result)
}

/// Measures operations, and between them the forward transforms that are the unit of every figure: sampled all along
/// the run, they see the machine in the states that the operations saw it in.
pub struct Meter {
    repeat: Option<usize>,
    yardstick: tfhe_ntt::prime64::Plan,
    own: NttTable,
    data: Limb,
    samples: [Vec<f64>; 2],
}

impl Meter {
    /// A meter for ring dimension 2^`log_n`, with `repeat` calls of every operation or as many as a budget of time
    /// allows.
    pub fn new(log_n: u32, backend: Kernels, repeat: Option<usize>, rng: &mut impl RngCore) -> Self {
        let n = 1 << log_n;
        let prime = primes::search(log_n, &[YARDSTICK_BITS]).expect("there are primes of this size")[0];
        let mut data = Limb::zeroed(n);
        data.iter_mut().for_each(|x| *x = rng.random_range(0..prime));
        let yardstick = tfhe_ntt::prime64::Plan::try_new(n, prime).expect("the prime is 1 modulo 2n");
        Self { repeat, yardstick, own: NttTable::new(n, prime, backend), data, samples: Default::default() }
    }

    /// Samples both transforms.
    pub fn calibrate(&mut self) {
        for k in 0..CALLS + WARM_UP {
            let seconds = once(|| self.yardstick.fwd(&mut self.data)).0.median;
            self.samples[0].extend((k >= WARM_UP).then_some(seconds));
        }
        for k in 0..CALLS + WARM_UP {
            let seconds = once(|| self.own.forward(&mut self.data)).0.median;
            self.samples[1].extend((k >= WARM_UP).then_some(seconds));
        }
    }

    /// The forward transform of the `tfhe-ntt` crate and this program's own, one limb on one thread.
    ///
    /// # Panics
    /// If neither was sampled.
    pub fn units(&self) -> [Timing; 2] {
        self.samples.each_ref().map(|samples| Timing::of(samples.clone()))
    }

    /// Calls `f` on what `prepare` returns, outside the time: once to warm up, then repeatedly. Gives the last result.
    pub fn time_with<S, T>(&mut self, mut prepare: impl FnMut() -> S, mut f: impl FnMut(S) -> T) -> (Timing, T) {
        self.calibrate();
        let mut last = black_box(f(prepare()));
        let (mut seconds, mut spent) = (Vec::new(), 0.0);
        let enough = |count: usize, spent: f64| match self.repeat {
            Some(repeat) => count >= repeat,
            None => count >= FEWEST && (spent >= BUDGET || count >= MOST),
        };
        while !enough(seconds.len(), spent) {
            let input = prepare();
            let (timing, result) = once(|| f(input));
            seconds.push(timing.median);
            spent += timing.median;
            last = result;
        }
        (Timing::of(seconds), last)
    }

    /// [`Meter::time_with`] nothing to prepare.
    pub fn time<T>(&mut self, mut f: impl FnMut() -> T) -> (Timing, T) {
        self.time_with(|| (), |()| f())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    #[test]
    fn medians_of_odd_and_even_counts() {
        assert_eq!(Timing::of(vec![5.0, 1.0, 3.0]), Timing { median: 3.0, min: 1.0, max: 5.0, repeats: 3 });
        assert_eq!(Timing::of(vec![4.0, 1.0]), Timing { median: 2.5, min: 1.0, max: 4.0, repeats: 2 });
        assert_eq!(Timing::of(vec![4.0, 2.0]).divided(2), Timing { median: 1.5, min: 1.0, max: 2.0, repeats: 2 });
    }

    #[test]
    fn repeats_as_told_after_one_warm_up_and_both_transforms_are_sampled() {
        let mut meter = Meter::new(6, Kernels::SCALAR, Some(4), &mut ChaCha20Rng::seed_from_u64(1));
        let (mut prepared, mut calls) = (0, 0);
        let (timing, last) = meter.time_with(
            || prepared += 1,
            |()| {
                calls += 1;
                calls
            },
        );
        assert_eq!((timing.repeats, last, prepared), (4, 5, 5));
        assert!(meter.units().iter().all(|unit| unit.repeats == CALLS && unit.min > 0.0));
    }
}
