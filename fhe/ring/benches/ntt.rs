//! `ntt/backend/log_n`: one limb, against the `tfhe-ntt` crate on the same prime.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fhe_ring::arch::Backend;
use fhe_ring::buffer::Limb;
use fhe_ring::ntt::NttTable;
use fhe_ring::primes;

fn transforms(c: &mut Criterion) {
    for log_n in [14, 15, 16] {
        let n = 1usize << log_n;
        let q = primes::search(log_n, &[50]).expect("primes of this size exist")[0];
        let mut data = Limb::zeroed(n);
        data.iter_mut().enumerate().for_each(|(i, x)| *x = i as u64 * 0x9e37_79b9_7f4a % q);
        let mut group = c.benchmark_group("ntt");
        for backend in Backend::available() {
            let table = NttTable::new(n, q, backend);
            group.bench_function(BenchmarkId::new(format!("forward/{}", backend.name()), log_n), |b| {
                b.iter(|| table.forward(&mut data));
            });
            group.bench_function(BenchmarkId::new(format!("inverse/{}", backend.name()), log_n), |b| {
                b.iter(|| table.inverse(&mut data));
            });
        }
        let plan = tfhe_ntt::prime64::Plan::try_new(n, q).expect("an NTT-friendly prime");
        group.bench_function(BenchmarkId::new("forward/tfhe-ntt", log_n), |b| b.iter(|| plan.fwd(&mut data)));
        group.bench_function(BenchmarkId::new("inverse/tfhe-ntt", log_n), |b| b.iter(|| plan.inv(&mut data)));
    }
    // What a whole polynomial costs, where the tables of many primes compete for the caches.
    let (log_n, limbs) = (16, 30);
    let primes = primes::search(log_n, &vec![49; limbs]).expect("primes of this size exist");
    let mut polynomial: Vec<_> = primes
        .into_iter()
        .map(|q| (NttTable::new(1 << log_n, q, Backend::detect()), Limb::zeroed(1 << log_n)))
        .collect();
    c.bench_function(&format!("ntt/forward/{limbs} limbs/{log_n}"), |b| {
        b.iter(|| polynomial.iter_mut().for_each(|(table, limb)| table.forward(limb)));
    });
}

criterion_group! { name = benches; config = Criterion::default().sample_size(20); targets = transforms }
criterion_main!(benches);
