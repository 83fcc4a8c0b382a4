//! Benchmarks `op/kernels/log_n/limbs`: the parts of key switching other than the transforms, on one thread.
//!
//! `fhe/ring/docs/floor.md` compares each with the limits of the processor and its caches.
#![allow(missing_docs)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fhe_ring::{Basis, Coefficients, Kernels, Ntt, Poly, Ring, Uniform, primes};

const LOG_N: u32 = 16;
/// Digits of twelve main primes, raised to as many special ones: the widest key switching in use.
const DIGIT: usize = 12;
const MAIN: usize = 24;

fn polynomials(c: &mut Criterion) {
    // Threads share the limbs among them; a kernel is measured on one.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the first use of rayon");
    for kernels in Kernels::available() {
        on(kernels, c);
    }
}

fn on(kernels: Kernels, c: &mut Criterion) {
    let primes = primes::search(LOG_N, &[48; MAIN + DIGIT]).expect("primes of this size exist");
    let ring = Ring::new(1 << LOG_N, &primes[..MAIN], &primes[MAIN..], kernels);
    let all = Basis { main: MAIN, special: DIGIT };
    let random = |basis: Basis, index: u64| -> Poly<Ntt> { Uniform::new(&[7; 32], index).poly(&ring, basis) };
    let id = |limbs: usize| BenchmarkId::new(ring.kernels().name(), format!("{LOG_N}/{limbs}"));

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
    every_kernel(c, &ring, random(Basis::main(1), 0), random(Basis::main(1), 1));
}

/// One limb, in the second-level cache: 2^16 residues.
fn every_kernel(c: &mut Criterion, ring: &Arc<Ring>, mut a: Poly<Ntt>, b: Poly<Ntt>) {
    let (kernels, m) = (ring.kernels(), *ring.main()[0].modulus());
    let w = m.shoup(m.value() / 3);
    let b = &b.limbs()[0];
    let mut bench = |name: &str, f: &mut dyn FnMut(&mut [u64])| {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new(kernels.name(), format!("{LOG_N}/1")), |bencher| {
            bencher.iter(|| f(black_box(&mut a.limbs_mut()[0])));
        });
        group.finish();
    };
    bench("add", &mut |a| kernels.add(&m, a, b));
    bench("scale", &mut |a| kernels.scale(&m, a, b, w));
    bench("add_scaled", &mut |a| kernels.add_scaled(&m, a, b, w));
    bench("uniform", &mut |a| Uniform::new(&[7; 32], 0).fill(kernels, &m, 0, a, &[]));
    let signed: Vec<i64> = b.iter().map(|&x| m.center(x)).collect();
    bench("from_signed", &mut |_| drop(black_box(Poly::<Coefficients>::from_signed(ring, Basis::main(1), &signed))));
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
