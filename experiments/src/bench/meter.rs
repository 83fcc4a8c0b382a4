//! Times: medians of repeated calls, and the transforms that serve as their units.

use std::hint::black_box;
use std::time::Instant;

use fhe_ring::ntt::NttTable;
use fhe_ring::{Kernels, Limb, primes};
use rand::{Rng, RngCore};

use super::reference::{self, Reference};

/// Without a fixed number of repeats, an operation is repeated until this much time is spent, in seconds.
const BUDGET: f64 = 0.5;
const FEWEST: usize = 3;
const MOST: usize = 200;
/// Calls of each transform between two operations, after two that bring data and tables back into the caches.
const CALLS: usize = 8;
const WARM_UP: usize = 2;

/// Seconds of repeated calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Timing {
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
    /// Summarises a list of seconds.
    ///
    /// # Panics
    /// If it is empty.
    pub(crate) fn of(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        let n = seconds.len();
        let median = (seconds[(n - 1) / 2] + seconds[n / 2]) / 2.0;
        Self { median, min: seconds[0], max: seconds[n - 1], repeats: n }
    }

    /// Returns the time of one of `parts` equal parts.
    pub(crate) fn divided(self, parts: usize) -> Self {
        let parts = parts as f64;
        Self { median: self.median / parts, min: self.min / parts, max: self.max / parts, ..self }
    }
}

/// Calls `f` once. Returns its time and its result; dropping the result is not part of the time.
pub(super) fn once<T>(f: impl FnOnce() -> T) -> (Timing, T) {
    let started = Instant::now();
    let result = black_box(f());
    (Timing::of(vec![started.elapsed().as_secs_f64()]), result)
}

/// Measures operations, and between them the two forward transforms that are the units of every figure. They are
/// sampled all along the run, so load and clock rate affect them as they affect the operations.
pub(super) struct Meter {
    repeat: Option<usize>,
    reference: Reference,
    own: NttTable,
    data: Limb,
    samples: [Vec<f64>; 2],
}

impl Meter {
    /// Returns a meter for ring dimension 2^`log_n`. It calls every operation `repeat` times, or as often as a budget
    /// of time allows.
    pub(super) fn new(log_n: u32, kernels: Kernels, repeat: Option<usize>, rng: &mut impl RngCore) -> Self {
        let n = 1 << log_n;
        let prime = primes::search(log_n, &[reference::BITS]).expect("there are primes of this size")[0];
        let mut data = Limb::zeroed(n);
        data.iter_mut().for_each(|x| *x = rng.random_range(0..prime));
        let (reference, own) = (Reference::new(log_n), NttTable::new(n, prime, kernels));
        Self { repeat, reference, own, data, samples: Default::default() }
    }

    /// Samples both transforms.
    pub(super) fn calibrate(&mut self) {
        for k in 0..CALLS + WARM_UP {
            let seconds = once(|| self.reference.forward()).0.median;
            self.samples[0].extend((k >= WARM_UP).then_some(seconds));
        }
        for k in 0..CALLS + WARM_UP {
            let seconds = once(|| self.own.forward(&mut self.data)).0.median;
            self.samples[1].extend((k >= WARM_UP).then_some(seconds));
        }
    }

    /// Returns the times of the reference transform and of this program's own transform, one limb on one thread.
    ///
    /// # Panics
    /// If they were not sampled.
    pub(super) fn units(&self) -> [Timing; 2] {
        self.samples.each_ref().map(|samples| Timing::of(samples.clone()))
    }

    /// Calls `f` on the result of `prepare`, once to warm up, then repeatedly. Returns the time of `f` and its last
    /// result.
    pub(super) fn time_with<S, T>(&mut self, mut prepare: impl FnMut() -> S, mut f: impl FnMut(S) -> T) -> (Timing, T) {
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

    /// Does as [`Meter::time_with`] for an operation that needs no preparation.
    pub(super) fn time<T>(&mut self, mut f: impl FnMut() -> T) -> (Timing, T) {
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
