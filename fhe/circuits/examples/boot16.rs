//! scratch
#![allow(missing_docs)]
use fhe_circuits::*;
use fhe_ckks::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use std::time::Instant;
fn main() {
    let arg: Vec<String> = std::env::args().collect();
    let ratio: f64 = arg.get(1).map_or(32.0, |s| s.parse().unwrap());
    let arcsine: usize = arg.get(2).map_or(0, |s| s.parse().unwrap());
    let literal = ParametersLiteral {
        log_n: 16,
        main_bits: [
            vec![50],
            vec![42; 4],
            vec![45; 5],
            vec![50],
            vec![50; if arcsine > 0 { 2 } else { 0 }],
            vec![50; 8],
            vec![50; 4],
        ]
        .concat(),
        special_bits: vec![49; if arcsine > 0 { 9 } else { 12 }],
        secret: SecretDistribution::UniformTernary,
        ephemeral_weight: Some(32),
        insecure: false,
        backend: None,
    };
    let t = Instant::now();
    let params = Parameters::try_from(literal).unwrap();
    println!("{params:?} setup {:?}", t.elapsed());
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let secret = SecretKey::generate(&params, &mut rng);
    for slots in [1usize << 14, 1 << 13, 1 << 12] {
        let cts = match slots.trailing_zeros() {
            14 => vec![4, 4, 3, 3],
            13 => vec![3, 4, 3, 3],
            _ => vec![3, 3, 3, 3],
        };
        let stc = match slots.trailing_zeros() {
            14 => vec![5, 5, 4],
            13 => vec![5, 4, 4],
            _ => vec![4, 4, 4],
        };
        let b = BootstrapLiteral {
            slots,
            slots_to_coeffs: stc,
            coeffs_to_slots: cts,
            eval_mod: EvalModLiteral { range: 16, degree: 30, double_angles: 3, arcsine_degree: arcsine },
            message_ratio: ratio,
            input_scale: 2f64.powi(42),
            output_scale: 2f64.powf(47.5),
        };
        let t = Instant::now();
        let request = b.request_keys(&params).unwrap();
        println!("keys {} bytes {}", request.iter().count(), request.bytes(&params));
        let keys = request.generate(&secret, &mut rng);
        println!("keygen {:?}", t.elapsed());
        let evaluator = Evaluator::new(&params, keys);
        let t = Instant::now();
        let boot = Bootstrapper::new(&params, b.clone()).unwrap();
        println!("encode {:?} bytes {}", t.elapsed(), boot.bytes());
        let x: Vec<f64> = (0..slots).map(|_| rng.random_range(-1.0..1.0)).collect();
        let a = secret.encrypt_real(&x, 3, b.input_scale, &mut rng).unwrap();
        for _ in 0..3 {
            let t = Instant::now();
            let l = boot.slots_to_coeffs(&evaluator, &a).unwrap();
            let t1 = t.elapsed();
            let r = boot.mod_raise(&evaluator, &l).unwrap();
            let t2 = t.elapsed();
            let c = boot.coeffs_to_slots(&evaluator, &r).unwrap();
            let t3 = t.elapsed();
            let m = boot.eval_mod(&evaluator, &c).unwrap();
            let t4 = t.elapsed();
            let found = secret.decrypt_real(&m);
            let sine = |x: f64| {
                if arcsine == 0 { (x * std::f64::consts::TAU / ratio).sin() * ratio / std::f64::consts::TAU } else { x }
            };
            let worst = x.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let worst_sine = x.iter().zip(&found).map(|(a, b)| (sine(*a) - b).abs()).fold(0.0, f64::max);
            println!(
                "stc {t1:?} raise {:?} cts {:?} evalmod {:?} total {t4:?}, level {} bits {:.2} (against sine {:.2})",
                t2 - t1,
                t3 - t2,
                t4 - t3,
                m.level(),
                -worst.log2(),
                -worst_sine.log2()
            );
            let relu = ChebyshevSeries::interpolate(|x| x.max(0.0), 59, -1.0, 1.0);
            let plan = PolynomialPlan::new(&relu);
            let t = Instant::now();
            let y = fhe_circuits::polynomial::evaluate(&evaluator, &plan, &relu, &m, 2f64.powi(42)).unwrap();
            println!("relu {:?} level {}", t.elapsed(), y.level());
        }
    }
    println!(
        "{}",
        std::fs::read_to_string("/proc/self/status")
            .unwrap()
            .lines()
            .filter(|l| l.starts_with("VmHWM"))
            .collect::<String>()
    );
}
