//! `op/kernels/log_n/limbs`: polynomials, transforms and bootstraps, by every set of kernels that the machine has, on
//! all threads.
//!
//! The parameters are those of a ring of 2^15 and secure; `cipherlab bench` measures larger rings, with precision.
#![allow(missing_docs)]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fhe_circuits::{
    BootstrapLiteral, BootstrapOrder, Bootstrapper, ChebyshevSeries, EvalModLiteral, Kernel, PolynomialPlan,
    SlotValues, polynomial,
};
use fhe_ckks::{Evaluator, Parameters, ParametersLiteral, SecretDistribution, SecretKey};
use fhe_ring::Kernels;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

const LOG_N: u32 = 15;
const SLOTS: usize = 1 << 14;
/// SlotsToCoeffs, four levels of use, EvalMod, CoeffsToSlots.
const MAIN_BITS: [&[u32]; 5] = [&[38; 1], &[32; 3], &[34; 4], &[38; 8], &[38; 3]];

fn circuits(c: &mut Criterion) {
    for kernels in Kernels::available() {
        let params = Parameters::try_from(ParametersLiteral {
            log_n: LOG_N,
            main_bits: MAIN_BITS.concat(),
            special_bits: vec![39; 3],
            secret: SecretDistribution::UniformTernary,
            ephemeral_weight: Some(32),
            insecure: false,
            kernels: Some(kernels),
        })
        .expect("secure parameters");
        let literal = BootstrapLiteral {
            order: BootstrapOrder::Slim,
            values: SlotValues::Real,
            slots: SLOTS,
            slots_to_coeffs: vec![7, 7].into(),
            coeffs_to_slots: vec![4, 5, 5].into(),
            eval_mod: EvalModLiteral {
                range: 16,
                kernel: Kernel::Cosine,
                degree: 30,
                double_angles: 3,
                arcsine_degree: 0,
            },
            message_ratio: 64.0,
            input_scale: f64::from(32).exp2(),
            output_scale: f64::from(36).exp2(),
        };
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let secret = SecretKey::generate(&params, &mut rng);
        let request = literal.request_keys(&params).expect("enough levels");
        let evaluator = Evaluator::new(&params, request.generate(&secret, &mut rng));
        let bootstrapper = Bootstrapper::new(&params, literal.clone()).expect("enough levels");
        let values: Vec<f64> = (0..SLOTS).map(|k| (k as f64).sin()).collect();
        let spent = secret.encrypt_real(&values, literal.input_level(), literal.input_scale, &mut rng).unwrap();
        let id = |limbs: usize| BenchmarkId::new(kernels.name(), format!("{LOG_N}/{limbs}"));
        c.benchmark_group("bootstrap")
            .bench_function(id(spent.level() + 1), |b| b.iter(|| bootstrapper.bootstrap(&evaluator, &spent).unwrap()));
        let raised = bootstrapper.mod_raise(&evaluator, &bootstrapper.slots_to_coeffs(&evaluator, &spent).unwrap());
        let raised = raised.unwrap();
        c.benchmark_group("coeffs_to_slots").bench_function(id(raised.level() + 1), |b| {
            b.iter(|| bootstrapper.coeffs_to_slots(&evaluator, &raised).unwrap())
        });
        let slots = bootstrapper.coeffs_to_slots(&evaluator, &raised).unwrap();
        c.benchmark_group("eval_mod").bench_function(id(slots[0].level() + 1), |b| {
            b.iter(|| bootstrapper.eval_mod(&evaluator, &slots).unwrap())
        });
        let series = ChebyshevSeries::interpolate(|x| x.max(0.0), 15, -1.0, 1.0);
        let plan = PolynomialPlan::new(&series);
        let fresh = bootstrapper.bootstrap(&evaluator, &spent).unwrap();
        c.benchmark_group("relu15").bench_function(id(fresh.level() + 1), |b| {
            b.iter(|| polynomial::evaluate(&evaluator, &plan, &fresh, literal.input_scale).unwrap())
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = circuits
}
criterion_main!(benches);
