//! Benchmarks `ntt_forward/kernels/log_n/limbs` and `ntt_inverse/…` against the `tfhe-ntt` crate with an equal prime.
//!
//! One limb shows the arithmetic. Thirty limbs show the cost of a polynomial, where the data and tables of many primes
//! share the caches. `fhe/ring/docs/floor.md` compares both with the limits of the processor.
#![allow(missing_docs)]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fhe_ring::arch::Kernels;
use fhe_ring::buffer::Limb;
use fhe_ring::ntt::NttTable;
use fhe_ring::primes;

const LIMBS: usize = 30;

fn transforms(c: &mut Criterion) {
    for (log_n, bits) in [(14, 50), (15, 50), (16, 48), (16, 50)] {
        let n = 1usize << log_n;
        let primes = primes::search(log_n, &[bits; LIMBS]).expect("primes of this size exist");
        let limb = |q: u64| {
            let mut limb = Limb::zeroed(n);
            limb.iter_mut().enumerate().for_each(|(i, x)| *x = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) % q);
            limb
        };
        for kernels in Kernels::available() {
            let limbs = if kernels == Kernels::SCALAR { 1 } else { LIMBS };
            let mut polynomial: Vec<_> =
                primes[..limbs].iter().map(|&q| (NttTable::new(n, q, kernels), limb(q))).collect();
            for limbs in [1, limbs].into_iter().take(limbs) {
                let polynomial = &mut polynomial[..limbs];
                let id = BenchmarkId::new(format!("{}-{bits}bit", kernels.name()), format!("{log_n}/{limbs}"));
                let mut group = c.benchmark_group("ntt_forward");
                group.throughput(Throughput::Elements(limbs as u64));
                group.bench_function(id.clone(), |b| {
                    b.iter(|| polynomial.iter_mut().for_each(|(table, limb)| table.forward(limb)));
                });
                group.finish();
                let mut group = c.benchmark_group("ntt_inverse");
                group.throughput(Throughput::Elements(limbs as u64));
                group.bench_function(id, |b| {
                    b.iter(|| polynomial.iter_mut().for_each(|(table, limb)| table.inverse(limb)));
                });
                group.finish();
            }
        }
        let plan = tfhe_ntt::prime64::Plan::try_new(n, primes[0]).expect("an NTT-friendly prime");
        let mut data = limb(primes[0]);
        let id = BenchmarkId::new(format!("tfhe-ntt-{bits}bit"), format!("{log_n}/1"));
        c.benchmark_group("ntt_forward").bench_function(id.clone(), |b| b.iter(|| plan.fwd(&mut data)));
        c.benchmark_group("ntt_inverse").bench_function(id, |b| b.iter(|| plan.inv(&mut data)));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500));
    targets = transforms
}
criterion_main!(benches);
