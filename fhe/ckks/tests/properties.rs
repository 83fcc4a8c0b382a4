//! Encoding, and the two homomorphisms, over random slot counts, scales, levels and complex vectors.
#![allow(missing_docs)]

use std::sync::LazyLock;

use fhe_ckks::noise::{Operand, slot_std};
use fhe_ckks::*;
use fhe_ring::Basis;
use num_complex::Complex64;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

const LEVELS: usize = 4;

struct World {
    params: Parameters,
    secret: SecretKey,
    evaluator: Evaluator,
    noise: Noise,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let literal = ParametersLiteral {
        log_n: 9,
        main_bits: vec![50, 40, 40, 40, 40],
        special_bits: vec![50, 50],
        secret: SecretDistribution::UniformTernary,
        ephemeral_weight: None,
        insecure: true,
        kernels: None,
    };
    let params = Parameters::try_from(literal).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let secret = SecretKey::generate(&params, &mut rng);
    let mut request = KeyRequest::default();
    (0..=LEVELS).for_each(|level| request.relinearization(&params, level));
    let keys = request.generate(&secret, &mut rng);
    let noise = Noise::of_weight(&params, secret.weight());
    World { evaluator: Evaluator::new(&params, keys), params, secret, noise }
});

impl World {
    fn fresh(&self) -> f64 {
        self.noise.fresh_secret().hypot(self.noise.encoding())
    }

    fn encrypt(&self, values: &[Complex64], level: usize, scale: f64, rng: &mut ChaCha20Rng) -> Ciphertext {
        self.secret.encrypt(&self.params.encode(values, scale, Basis::main(level + 1)).unwrap(), rng)
    }
}

/// No slot is off by more than noise with deviation `std` in a coefficient explains.
fn within(found: &[Complex64], expected: &[Complex64], scale: f64, std: f64) -> Result<(), TestCaseError> {
    // A slot is nearly normal: |e|² over its mean is exponentially distributed, beyond 8² with probability e^−64. What
    // doubles cannot hold of the values comes on top.
    let bound = 8.0 * slot_std(std, expected.len()) / scale;
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let error = (f - e).norm();
        prop_assert!(error < bound + 1e-12 * (1.0 + e.norm()), "slot {}: {} for {}, bound {}", i, f, e, bound);
    }
    prop_assert_eq!(found.len(), expected.len());
    Ok(())
}

fn random(slots: usize, size: f64, rng: &mut ChaCha20Rng) -> Vec<Complex64> {
    let mut part = || rng.random_range(-size..size);
    (0..slots).map(|_| Complex64::new(part(), part())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    /// Seen through an encryption, the only way back from a plaintext that the interface has.
    #[test]
    fn encodings_decode(seed: u64, log_slots in 0u32..=8, level in 0..=LEVELS, log_scale in 12.0..45.0) {
        let (w, mut rng) = (&*WORLD, ChaCha20Rng::seed_from_u64(seed));
        let scale = f64::exp2(log_scale);
        let values = random(1 << log_slots, 4.0, &mut rng);
        let a = w.encrypt(&values, level, scale, &mut rng);
        prop_assert_eq!((a.slots(), a.level(), a.scale()), (1 << log_slots, level, scale));
        within(&w.secret.decrypt(&a), &values, scale, w.fresh())?;
    }

    /// n slots are a vector of period n in more slots.
    #[test]
    fn periodic_vectors_are_sparse_ones(seed: u64, log_slots in 0u32..8, more in 1u32..4) {
        let (w, mut rng) = (&*WORLD, ChaCha20Rng::seed_from_u64(seed));
        let scale = f64::exp2(40.0);
        let values = random(1 << log_slots, 1.0, &mut rng);
        let log_many = (log_slots + more).min(8);
        let many: Vec<_> = (0..1 << log_many).map(|i| values[i % values.len()]).collect();
        let a = w.encrypt(&many, 1, scale, &mut rng);
        let plain = w.params.encode(&values, scale, a.basis()).unwrap();
        let expected: Vec<_> = many.iter().map(|v| v * 2.0).collect();
        within(&w.secret.decrypt(&w.evaluator.add_plain(&a, &plain).unwrap()), &expected, scale, w.fresh().hypot(w.noise.encoding()))?;
        let expected: Vec<_> = many.iter().map(|v| v * v).collect();
        let operand = Operand { message: 2f64.sqrt() * scale, noise: w.fresh() };
        let std = w.noise.product_with_plaintext(operand, 2f64.sqrt() * scale, 1 << log_slots);
        within(&w.secret.decrypt(&w.evaluator.multiply_plain(&a, &plain).unwrap()), &expected, scale * scale, std)?;
    }

    #[test]
    fn addition_is_homomorphic(seed: u64, log_slots in 0u32..=8, levels in (0..=LEVELS, 0..=LEVELS), log_scale in 12.0..45.0) {
        let (w, mut rng) = (&*WORLD, ChaCha20Rng::seed_from_u64(seed));
        let scale = f64::exp2(log_scale);
        let [x, y] = [(); 2].map(|()| random(1 << log_slots, 4.0, &mut rng));
        let (a, b) = (w.encrypt(&x, levels.0, scale, &mut rng), w.encrypt(&y, levels.1, scale, &mut rng));
        let std = 2f64.sqrt() * w.fresh();
        let sum = w.evaluator.add(&a, &b).unwrap();
        prop_assert_eq!(sum.level(), levels.0.min(levels.1));
        within(&w.secret.decrypt(&sum), &x.iter().zip(&y).map(|(x, y)| x + y).collect::<Vec<_>>(), scale, std)?;
        let difference = w.secret.decrypt(&w.evaluator.sub(&a, &b).unwrap());
        within(&difference, &x.iter().zip(&y).map(|(x, y)| x - y).collect::<Vec<_>>(), scale, std)?;
    }

    #[test]
    fn multiplication_is_homomorphic(seed: u64, log_slots in 0u32..=8, levels in (1..=LEVELS, 1..=LEVELS), log_scale in 30.0..42.0) {
        let (w, mut rng) = (&*WORLD, ChaCha20Rng::seed_from_u64(seed));
        let scale = f64::exp2(log_scale);
        let [x, y] = [(); 2].map(|()| random(1 << log_slots, 1.0, &mut rng));
        let (a, b) = (w.encrypt(&x, levels.0, scale, &mut rng), w.encrypt(&y, levels.1, scale, &mut rng));
        let level = levels.0.min(levels.1);
        let product = w.evaluator.multiply_rescale(&a, &b).unwrap();
        prop_assert_eq!(product.level(), level - 1);
        // The largest message a slot may have, √2, for its mean.
        let operand = Operand { message: 2f64.sqrt() * scale, noise: w.fresh() };
        let shape = w.evaluator.keys().get(KeyKind::Relinearization, level).unwrap().shape();
        let std = w.noise.relinearized_rescaled(w.noise.product(operand, operand), shape, level);
        let expected: Vec<_> = x.iter().zip(&y).map(|(x, y)| x * y).collect();
        within(&w.secret.decrypt(&product), &expected, product.scale(), std)?;
    }
}
