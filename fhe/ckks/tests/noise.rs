//! Two-sided: the noise of each operation is what [`Noise`] derives, neither more (a loss of precision) nor less (a
//! ciphertext that hides less than it should).
#![allow(missing_docs)]

use fhe_ckks::embedding::Embedding;
use fhe_ckks::noise::{Operand, slot_std};
use fhe_ckks::*;
use fhe_ring::Basis;
use num_complex::Complex64;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

const SCALE: f64 = (1u64 << 40) as f64;

/// Bits by which a measured deviation may differ from the derived one.
///
/// Of M independent samples the deviation is known to 1/√(2M), and products such as r₁·s are independent only given s,
/// whose transform varies: twice that. A check takes at least 4096 coefficients, so that four of these standard errors
/// are 4·2/√8192·log2(e) = 0.128 bits.
const BAND: f64 = 0.13;

/// Coefficients that a check measures at least.
const SAMPLES: usize = 4096;

struct Client {
    params: Parameters,
    secret: SecretKey,
    noise: Noise,
    rng: ChaCha20Rng,
}

fn client(log_n: u32, main_bits: &[u32], special_bits: &[u32], secret: SecretDistribution) -> Client {
    let literal = ParametersLiteral {
        log_n,
        main_bits: main_bits.to_vec(),
        special_bits: special_bits.to_vec(),
        secret,
        ephemeral_weight: None,
        insecure: true,
        kernels: None,
    };
    let params = Parameters::try_from(literal).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(u64::from(log_n));
    let secret = SecretKey::generate(&params, &mut rng);
    let noise = Noise::of_weight(&params, secret.weight());
    Client { params, secret, noise, rng }
}

fn dense(log_n: u32) -> Client {
    client(log_n, &[50, 40, 40, 40, 40], &[50, 50, 50], SecretDistribution::UniformTernary)
}

type Slots = Vec<Complex64>;

impl Client {
    fn random(&mut self, slots: usize) -> Slots {
        let mut part = || self.rng.random_range(-1.0..1.0);
        (0..slots).map(|_| Complex64::new(part(), part())).collect()
    }

    fn encrypt(&mut self, values: &[Complex64], level: usize) -> Ciphertext {
        let plain = self.params.encode(values, SCALE, Basis::main(level + 1)).unwrap();
        self.secret.encrypt(&plain, &mut self.rng)
    }

    /// Returns a ciphertext of random slots, and the slots that it decrypts to.
    fn sample(&mut self, slots: usize, level: usize) -> (Ciphertext, Slots) {
        let values = self.random(slots);
        let encrypted = self.encrypt(&values, level);
        let decrypted = self.secret.decrypt(&encrypted);
        (encrypted, decrypted)
    }

    /// An evaluator with one key.
    fn evaluator(&mut self, kind: KeyKind, shape: KeyShape) -> Evaluator {
        let mut request = KeyRequest::default();
        request.add(kind, shape);
        Evaluator::new(&self.params, request.generate(&self.secret, &mut self.rng))
    }

    /// Repeats `trial`, which gives a ciphertext and the slots it should hold, until there are enough coefficients,
    /// and compares their deviation with `derived`, in coefficients and in slots.
    fn check(&mut self, what: &str, derived: f64, mut trial: impl FnMut(&mut Self) -> (Ciphertext, Slots)) {
        let (mut in_coefficients, mut in_slots, mut real, mut count, mut slots) = (0.0, 0.0, 0.0, 0, 0);
        while count < SAMPLES {
            let (ciphertext, expected) = trial(self);
            slots = expected.len();
            let mut error: Slots = self.secret.decrypt(&ciphertext).iter().zip(&expected).map(|(f, e)| f - e).collect();
            error.iter_mut().for_each(|e| *e *= ciphertext.scale());
            in_slots += error.iter().map(|e| e.norm_sqr()).sum::<f64>();
            real += error.iter().map(|e| e.re * e.re).sum::<f64>();
            Embedding::new(slots).to_coefficients(&mut error);
            in_coefficients += error.iter().map(|e| e.norm_sqr()).sum::<f64>();
            count += 2 * slots;
        }
        let n = self.params.n();
        let compare = |domain: &str, sum: f64, count: usize, derived: f64| {
            let (found, wanted) = ((sum / count as f64).sqrt().log2(), derived.log2());
            assert!(
                (found - wanted).abs() < BAND,
                "{what}, N = {n}, {domain}: found 2^{found:.3}, derived 2^{wanted:.3}"
            );
        };
        compare("coefficients", in_coefficients, count, derived);
        compare("slots", in_slots, count / 2, slot_std(derived, slots));
        // Half as many samples, for a √2 wider band; not so wide that a factor √2, half a bit, would pass.
        let (found, wanted) =
            ((2.0 * real / count as f64).sqrt().log2(), (slot_std(derived, slots) / 2f64.sqrt()).log2());
        assert!((found - wanted).abs() < 1.5 * BAND, "{what}, N = {n}, real parts: 2^{found:.3} for 2^{wanted:.3}");
    }
}

fn zip(a: &[Complex64], b: &[Complex64], f: impl Fn(Complex64, Complex64) -> Complex64) -> Slots {
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}

fn rotated(values: &[Complex64], steps: usize) -> Slots {
    (0..values.len()).map(|i| values[(i + steps) % values.len()]).collect()
}

/// Root mean square of complex slots with both parts uniform in ±1.
const MESSAGE: f64 = 0.816_496_580_927_726;

#[test]
fn fresh_ciphertexts() {
    for log_n in 10..=12 {
        let mut c = dense(log_n);
        let noise = c.noise.clone();
        let public = PublicKey::generate(&c.secret, &mut c.rng);
        for slots in [c.params.max_slots(), 64] {
            for level in [0, 4] {
                c.check("secret key", noise.fresh_secret().hypot(noise.encoding()), |c| {
                    let values = c.random(slots);
                    (c.encrypt(&values, level), values)
                });
                c.check("public key", noise.fresh_public().hypot(noise.encoding()), |c| {
                    let values = c.random(slots);
                    let plain = c.params.encode(&values, SCALE, Basis::main(level + 1)).unwrap();
                    (public.encrypt(&c.params, &plain, &mut c.rng), values)
                });
            }
        }
    }
}

/// At a scale of 2^12 the rounding of an encoding that is added to a ciphertext exceeds all other noise.
#[test]
fn encoding() {
    let mut c = dense(11);
    let derived = c.noise.encoding();
    let evaluator = Evaluator::new(&c.params, EvaluationKeys::default());
    for slots in [1024, 128] {
        c.check("encoding", derived, |c| {
            let (mut a, _) = c.sample(slots, 1);
            a.set_scale(4096.0);
            let before = c.secret.decrypt(&a);
            let values = c.random(slots);
            let plain = c.params.encode(&values, 4096.0, a.basis()).unwrap();
            (evaluator.add_plain(&a, &plain).unwrap(), zip(&before, &values, |x, y| x + y))
        });
    }
}

#[test]
fn rescaling() {
    for secret in [SecretDistribution::UniformTernary, SecretDistribution::FixedWeight(64)] {
        for log_n in 10..=12 {
            let mut c = client(log_n, &[50, 40, 40], &[50], secret);
            let evaluator = Evaluator::new(&c.params, EvaluationKeys::default());
            for level in [1, 2] {
                // Compared with the decryption before the rescaling, only the rounding is left.
                let derived = c.noise.rounding();
                let slots = c.params.max_slots();
                c.check("rescale", derived, |c| {
                    let (a, before) = c.sample(slots, level);
                    (evaluator.rescale(a).unwrap(), before)
                });
            }
        }
    }
}

/// Shapes of one, two and three digits and up to five, with as many special primes as they need, with more and with
/// fewer (then the noise is that of the gadget product and may be 2^40 times the rounding).
const SHAPES: [KeyShape; 8] = [
    KeyShape { main: 3, special: 3, digit_len: 3 },
    KeyShape { main: 5, special: 3, digit_len: 3 },
    KeyShape { main: 5, special: 2, digit_len: 2 },
    KeyShape { main: 5, special: 1, digit_len: 1 },
    KeyShape { main: 5, special: 3, digit_len: 1 },
    KeyShape { main: 5, special: 2, digit_len: 3 },
    KeyShape { main: 4, special: 1, digit_len: 2 },
    KeyShape { main: 2, special: 1, digit_len: 2 },
];

#[test]
fn key_switching_by_rotation_and_conjugation() {
    for log_n in 10..=12 {
        let mut c = dense(log_n);
        for shape in SHAPES {
            let rotation = KeyKind::Galois(c.params.galois_of_rotation(3));
            let evaluator = c.evaluator(rotation, shape);
            for level in 0..shape.main {
                let slots = c.params.max_slots();
                let what = format!("rotation at level {level} with {shape:?}");
                let added = c.noise.key_switch(shape, level);
                c.check(&what, added, |c| {
                    let (a, before) = c.sample(slots, level);
                    (evaluator.rotate(&a, 3).unwrap(), rotated(&before, 3))
                });
                let all = c.noise.rotated(c.noise.fresh_secret().hypot(c.noise.encoding()), shape, level);
                if log_n == 10 {
                    c.check(&format!("fresh and {what}"), all, |c| {
                        let values = c.random(slots);
                        let a = c.encrypt(&values, level);
                        (evaluator.rotate_hoisted(&a, &[3]).unwrap().remove(0), rotated(&values, 3))
                    });
                }
            }
        }
        let shape = c.params.key_shape(4);
        let evaluator = c.evaluator(KeyKind::Galois(c.params.galois_of_conjugation()), shape);
        for slots in [c.params.max_slots(), 32] {
            let derived = c.noise.key_switch(shape, 4);
            c.check("conjugation", derived, |c| {
                let (a, before) = c.sample(slots, 4);
                (evaluator.conjugate(&a).unwrap(), before.iter().map(|v| v.conj()).collect())
            });
        }
    }
}

#[test]
fn relinearization() {
    for log_n in [10, 12] {
        let mut c = dense(log_n);
        for shape in SHAPES {
            let evaluator = c.evaluator(KeyKind::Relinearization, shape);
            for level in 1..shape.main {
                let slots = c.params.max_slots();
                let what = |name| format!("{name} at level {level} with {shape:?}");
                // Tiny scales, so that the doubles that decrypted operands are multiplied in hold the exact product.
                let small = |c: &mut Client| {
                    let values = c.random(slots);
                    let plain = c.params.encode(&values, 64.0, Basis::main(level + 1)).unwrap();
                    let a = c.secret.encrypt(&plain, &mut c.rng);
                    let decrypted = c.secret.decrypt(&a);
                    (a, decrypted)
                };
                let derived = c.noise.relinearized(0.0, shape, level);
                c.check(&what("multiply"), derived, |c| {
                    let ((a, x), (b, y)) = (small(c), small(c));
                    (evaluator.multiply(&a, &b).unwrap(), zip(&x, &y, |x, y| x * y))
                });
                let derived = c.noise.relinearized_rescaled(0.0, shape, level);
                c.check(&what("multiply_rescale"), derived, |c| {
                    let ((a, x), (b, y)) = (small(c), small(c));
                    (evaluator.multiply_rescale(&a, &b).unwrap(), zip(&x, &y, |x, y| x * y))
                });
            }
        }
    }
}

#[test]
fn products_of_noisy_ciphertexts() {
    for log_n in 10..=12 {
        let mut c = dense(log_n);
        let shape = c.params.key_shape(4);
        let evaluator = c.evaluator(KeyKind::Relinearization, shape);
        let noise = c.noise.clone();
        let fresh = noise.fresh_secret().hypot(noise.encoding());
        for slots in [c.params.max_slots(), 128] {
            for size in [1.0, 0.01] {
                let [a, b] = [1.0, size].map(|size| Operand { message: size * MESSAGE * SCALE, noise: fresh });
                let operands = |c: &mut Client| {
                    let (x, mut y) = (c.random(slots), c.random(slots));
                    y.iter_mut().for_each(|y| *y *= size);
                    (c.encrypt(&x, 4), c.encrypt(&y, 3), x, y)
                };
                let shape = evaluator.keys().get(KeyKind::Relinearization, 3).unwrap().shape();
                let derived = noise.relinearized_rescaled(noise.product(a, b), shape, 3);
                c.check("multiply_rescale", derived, |c| {
                    let (a, b, x, y) = operands(c);
                    (evaluator.multiply_rescale(&a, &b).unwrap(), zip(&x, &y, |x, y| x * y))
                });
                let derived = noise.rescaled(noise.relinearized(noise.product(a, b), shape, 3), 3);
                c.check("multiply, rescale", derived, |c| {
                    let (a, b, x, y) = operands(c);
                    let product = evaluator.rescale(evaluator.multiply(&a, &b).unwrap()).unwrap();
                    (product, zip(&x, &y, |x, y| x * y))
                });
                let derived = noise.relinearized_rescaled(noise.squared(b), shape, 3);
                c.check("square_rescale", derived, |c| {
                    let (_, b, _, y) = operands(c);
                    (evaluator.square_rescale(&b).unwrap(), zip(&y, &y, |y, z| y * z))
                });
                let derived = noise.rescaled(noise.product_with_plaintext(a, size * MESSAGE * SCALE, slots), 4);
                c.check("multiply_plain", derived, |c| {
                    let (a, _, x, y) = operands(c);
                    let plain = c.params.encode(&y, SCALE, a.basis()).unwrap();
                    let product = evaluator.rescale(evaluator.multiply_plain(&a, &plain).unwrap()).unwrap();
                    (product, zip(&x, &y, |x, y| x * y))
                });
            }
        }
    }
}

/// Where the product of the noises, and the rounding of a coarse plaintext, are all there is.
#[test]
fn noise_times_noise() {
    let mut c = dense(11);
    let noise = c.noise.clone();
    let shape = KeyShape { main: 2, special: 3, digit_len: 1 };
    let evaluator = c.evaluator(KeyKind::Relinearization, shape);
    let (public, slots) = (PublicKey::generate(&c.secret, &mut c.rng), c.params.max_slots());
    let zero = vec![Complex64::default(); slots];
    let plain = c.params.encode(&zero, SCALE, Basis::main(2)).unwrap();
    // u·e + e₁·s + e₀, by their variances: two encryptions share e and s, whose squared transforms are exponentially
    // distributed, of mean square 2. The white rest does not correlate.
    let (variance, each) = (noise.fresh_public().powi(2), 3.2f64.powi(2) * 2.0 / 3.0 * c.params.n() as f64);
    let correlation = (1.0 + 2.0 * (each / variance).powi(2)).sqrt();
    for (name, std, correlation) in
        [("secret", noise.fresh_secret(), 1.0), ("public", noise.fresh_public(), correlation)]
    {
        let encrypt = |c: &mut Client| match name {
            "secret" => c.secret.encrypt(&plain, &mut c.rng),
            _ => public.encrypt(&c.params, &plain, &mut c.rng),
        };
        let operand = Operand { message: 0.0, noise: std };
        let derived = noise.relinearized(noise.product(operand, operand) * correlation, shape, 1);
        c.check(&format!("e₁·e₂, {name} key"), derived, |c| {
            (evaluator.multiply(&encrypt(c), &encrypt(c)).unwrap(), zero.clone())
        });
        let derived = noise.relinearized(noise.squared(operand) * correlation, shape, 1);
        c.check(&format!("e², {name} key"), derived, |c| {
            let a = encrypt(c);
            (evaluator.multiply(&a, &a).unwrap(), zero.clone())
        });
    }
    // A plaintext so coarse that its rounding, times the message, is all there is.
    let derived = noise.product_with_plaintext(
        Operand { message: MESSAGE * SCALE, noise: noise.fresh_secret().hypot(noise.encoding()) },
        MESSAGE * 1024.0,
        slots,
    );
    c.check("multiply_plain at scale 1024", derived, |c| {
        let (x, y) = (c.random(slots), c.random(slots));
        let a = c.encrypt(&x, 1);
        let plain = c.params.encode(&y, 1024.0, a.basis()).unwrap();
        (evaluator.multiply_plain(&a, &plain).unwrap(), zip(&x, &y, |x, y| x * y))
    });
}

/// The whole of it at a size that is used, with shapes as [`Parameters::key_shape`] chooses them.
#[test]
fn a_larger_ring() {
    let mut c = client(14, &[50, 42, 42, 42, 42, 42, 42], &[50, 50, 50], SecretDistribution::UniformTernary);
    let noise = c.noise.clone();
    let slots = c.params.max_slots();
    let fresh = noise.fresh_secret().hypot(noise.encoding());
    for level in [6, 3] {
        let shape = c.params.key_shape(level);
        let rotation = c.evaluator(KeyKind::Galois(c.params.galois_of_rotation(7)), shape);
        c.check("rotation", noise.rotated(fresh, shape, level), |c| {
            let values = c.random(slots);
            (rotation.rotate(&c.encrypt(&values, level), 7).unwrap(), rotated(&values, 7))
        });
        let multiplication = c.evaluator(KeyKind::Relinearization, shape);
        let operand = Operand { message: MESSAGE * SCALE, noise: fresh };
        let derived = noise.relinearized_rescaled(noise.product(operand, operand), shape, level);
        c.check("multiply_rescale", derived, |c| {
            let (x, y) = (c.random(slots), c.random(slots));
            let (a, b) = (c.encrypt(&x, level), c.encrypt(&y, level));
            (multiplication.multiply_rescale(&a, &b).unwrap(), zip(&x, &y, |x, y| x * y))
        });
    }
    let public = PublicKey::generate(&c.secret, &mut c.rng);
    c.check("public key", noise.fresh_public().hypot(noise.encoding()), |c| {
        let values = c.random(slots);
        let plain = c.params.encode(&values, SCALE, Basis::main(7)).unwrap();
        (public.encrypt(&c.params, &plain, &mut c.rng), values)
    });
}
