//! `op/backend/log_n/limbs`: what key switching does besides the transforms, on one thread.
//!
//! `fhe/ring/docs/floor.md` counts how far each is from what the processor and its caches allow.
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fhe_ring::{Backend, Basis, Ntt, Poly, Ring, Uniform, primes};

const LOG_N: u32 = 16;
/// Digits of twelve main primes, raised to as many special ones: the widest key switching in use.
const DIGIT: usize = 12;
const MAIN: usize = 24;

fn polynomials(c: &mut Criterion) {
    // Threads share the limbs among them; a kernel is measured on one.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the first use of rayon");
    let primes = primes::search(LOG_N, &[48; MAIN + DIGIT]).expect("primes of this size exist");
    let ring = Ring::new(1 << LOG_N, &primes[..MAIN], &primes[MAIN..], Backend::detect());
    let all = Basis { main: MAIN, special: DIGIT };
    let random = |basis: Basis, index: u64| -> Poly<Ntt> { Uniform::new(&[7; 32], index).poly(&ring, basis) };
    let id = |limbs: usize| BenchmarkId::new(ring.backend().name(), format!("{LOG_N}/{limbs}"));

    let mut group = c.benchmark_group("mod_up");
    let poly = random(Basis::main(MAIN), 0);
    group.throughput(Throughput::Elements((MAIN.div_ceil(DIGIT) * all.len()) as u64));
    group.bench_function(id(MAIN), |b| b.iter(|| poly.mod_up(DIGIT, DIGIT)));
    group.finish();

    let mut group = c.benchmark_group("divide_round");
    for (from, to) in [(all, MAIN), (Basis::main(MAIN), MAIN - 1)] {
        let poly = random(from, 0);
        group.throughput(Throughput::Elements(to as u64));
        let divided = |poly| Poly::divide_round([poly], to);
        group.bench_function(id(from.len()), |b| b.iter_batched(|| poly.clone(), divided, BatchSize::LargeInput));
    }
    group.finish();

    // Few limbs stay in the second-level cache; many stream from beyond.
    for limbs in [1, MAIN] {
        let polys: Vec<_> = (0..8).map(|i| random(Basis::main(limbs), i)).collect();
        for terms in [1, 2, 4] {
            let mut group = c.benchmark_group(format!("dot{terms}"));
            let terms: Vec<_> = (0..terms).map(|i| (&polys[i], &polys[7 - i])).collect();
            group.throughput(Throughput::Elements(limbs as u64));
            group.bench_function(id(limbs), |b| b.iter(|| Poly::dot(&ring, Basis::main(limbs), black_box(&terms))));
            group.finish();
        }
        let permutation = ring.permutation(5);
        let mut group = c.benchmark_group("automorphism");
        group.throughput(Throughput::Elements(limbs as u64));
        group.bench_function(id(limbs), |b| b.iter(|| polys[0].automorphism(&permutation)));
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = polynomials
}
criterion_main!(benches);
