//! The factor between the machine that measured and this one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use fhe_ring::Kernels;

use crate::bench::throughput;
use crate::machine;
use crate::measurements::{Measurements, Provenance};

/// Yardsticks of this machine, by log2 of the ring dimension, kernels and threads that work: each is measured once.
static MEASURED: Mutex<BTreeMap<(u32, &str, usize), f64>> = Mutex::new(BTreeMap::new());

/// Returns the time that this machine takes with these kernels over the time that the measurements took, to two digits;
/// `None` if this machine measured them with as many threads, or if they have no yardstick.
pub(super) fn of(measurements: &Measurements, kernels: Kernels) -> Option<f64> {
    let known = &measurements.provenance;
    if same(known, machine::cpu_model().as_deref(), rayon::current_num_threads(), kernels.name()) {
        return None;
    }
    let there = measurements.yardstick()?;
    Some(two_digits(here(known.ring_dim.trailing_zeros(), kernels) / there))
}

/// Whether a machine like this one measured with as many threads.
fn same(known: &Provenance, cpu: Option<&str>, threads: usize, kernels: &str) -> bool {
    cpu.is_some() && known.cpu.as_deref() == cpu && known.threads == threads && known.kernels == kernels
}

fn here(log_n: u32, kernels: Kernels) -> f64 {
    let measured = || MEASURED.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (log_n, kernels.name(), throughput::workers());
    let known = measured().get(&key).copied();
    // Without the lock: while a thread of the pool waits it may do other work, which may want the lock.
    let seconds = known.unwrap_or_else(|| throughput::least_seconds(log_n, kernels));
    *measured().entry(key).or_insert(seconds)
}

/// The yardstick is not worth more, and predictions with fewer digits repeat from run to run.
fn two_digits(factor: f64) -> f64 {
    let unit = 10f64.powi(factor.log10().floor() as i32 - 1);
    // The text of the factor has no more digits either.
    format!("{:.3}", (factor / unit).round() * unit).parse().unwrap_or(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_stay() {
        for (factor, wanted) in [(2.1483, 2.1), (0.5561, 0.56), (13.7, 14.0), (0.0999, 0.1), (1.0, 1.0)] {
            assert_eq!(two_digits(factor), wanted);
        }
    }

    #[test]
    fn another_processor_thread_count_or_kernel_set_is_another_machine() {
        let known = Measurements::shipped(1 << 16, "avx512ifma").unwrap().provenance;
        let cpu = known.cpu.clone();
        assert!(same(&known, cpu.as_deref(), known.threads, "avx512ifma"));
        assert!(!same(&known, Some("another"), known.threads, "avx512ifma"));
        assert!(!same(&known, None, known.threads, "avx512ifma"));
        assert!(!same(&known, cpu.as_deref(), known.threads + 1, "avx512ifma"));
        assert!(!same(&known, cpu.as_deref(), known.threads, "fma"));
        assert!(!same(&Provenance { cpu: None, ..known.clone() }, None, known.threads, "avx512ifma"));
    }

    #[test]
    fn measurements_of_a_machine_twice_as_fast_count_double() {
        let mut measured = Measurements::shipped(1 << 15, "avx512ifma").unwrap();
        measured.provenance.cpu = Some("another".to_owned());
        let factor = of(&measured, Kernels::detect()).unwrap();
        measured.operations.iter_mut().for_each(|row| row.seconds_min = row.seconds_min.map(|seconds| seconds / 2.0));
        let doubled = of(&measured, Kernels::detect()).unwrap();
        assert!((doubled / factor - 2.0).abs() < 0.1, "{factor}, then {doubled}");
        measured.operations.clear();
        assert_eq!(of(&measured, Kernels::detect()), None, "no yardstick");
    }
}
