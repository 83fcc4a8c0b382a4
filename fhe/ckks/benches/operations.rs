//! `op/kernels/log_n/limbs`: the scheme's operations, by every set of kernels that the machine has, on all threads.
//!
//! `cipherlab bench` measures the same at the network's parameters, with precision, and in multiples of an NTT.
#![allow(missing_docs)]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fhe_ckks::{Evaluator, KeyRequest, Parameters, ParametersLiteral, SecretDistribution, SecretKey};
use fhe_ring::Kernels;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

const LOG_N: u32 = 15;
const MAIN: usize = 14;
const SPECIAL: usize = 3;
const HOISTED: [i64; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

fn operations(c: &mut Criterion) {
    for kernels in Kernels::available() {
        let params = Parameters::try_from(ParametersLiteral {
            log_n: LOG_N,
            main_bits: vec![45; MAIN],
            special_bits: vec![46; SPECIAL],
            secret: SecretDistribution::UniformTernary,
            ephemeral_weight: None,
            insecure: false,
            kernels: Some(kernels),
        })
        .expect("secure parameters");
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let secret = SecretKey::generate(&params, &mut rng);
        let level = params.max_level();
        let mut request = KeyRequest::default();
        request.relinearization(&params, level);
        HOISTED.iter().for_each(|&step| request.rotation(&params, step, level));
        let evaluator = Evaluator::new(&params, request.generate(&secret, &mut rng));
        let values: Vec<f64> = (0..params.max_slots()).map(|k| (k as f64).sin()).collect();
        let scale = f64::from(45).exp2();
        let a = secret.encrypt_real(&values, level, scale, &mut rng).expect("finite values");
        let plain = params.encode_real(&values, scale, a.basis()).expect("finite values");
        let id = || BenchmarkId::new(kernels.name(), format!("{LOG_N}/{}", level + 1));
        let mut bench = |op: &str, f: &mut dyn FnMut()| {
            c.benchmark_group(op).bench_function(id(), |b| b.iter(&mut *f));
        };
        bench("encode", &mut || drop(params.encode_real(&values, scale, a.basis()).unwrap()));
        bench("add", &mut || drop(evaluator.add(&a, &a).unwrap()));
        bench("multiply_plain", &mut || drop(evaluator.multiply_plain(&a, &plain).unwrap()));
        bench("multiply", &mut || drop(evaluator.multiply(&a, &a).unwrap()));
        bench("rescale", &mut || drop(evaluator.rescale(a.clone()).unwrap()));
        bench("rotate", &mut || drop(evaluator.rotate(&a, 1).unwrap()));
        bench("rotate_hoisted8", &mut || drop(evaluator.rotate_hoisted(&a, &HOISTED).unwrap()));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = operations
}
criterion_main!(benches);
