//! Each operation against the same operation on cleartext vectors, at every level of a small, insecure ring.
#![allow(missing_docs)]

use fhe_ckks::*;
use num_complex::Complex64;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

const SCALE: f64 = (1u64 << 40) as f64;

struct Client {
    params: Parameters,
    secret: SecretKey,
    rng: ChaCha20Rng,
}

fn client() -> Client {
    let literal = ParametersLiteral {
        log_n: 10,
        main_bits: vec![50, 40, 40, 40, 40],
        special_bits: vec![50, 50],
        secret: SecretDistribution::UniformTernary,
        ephemeral_weight: None,
        insecure: true,
        kernels: None,
    };
    let params = Parameters::try_from(literal).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let secret = SecretKey::generate(&params, &mut rng);
    Client { params, secret, rng }
}

impl Client {
    fn evaluator(&mut self, request: &KeyRequest) -> Evaluator {
        Evaluator::new(&self.params, request.generate(&self.secret, &mut self.rng))
    }

    fn random(&mut self, slots: usize) -> Vec<f64> {
        (0..slots).map(|_| self.rng.random_range(-1.0..1.0)).collect()
    }

    fn encrypt(&mut self, values: &[f64], level: usize) -> Ciphertext {
        self.secret.encrypt_real(values, level, SCALE, &mut self.rng).unwrap()
    }

    fn assert_near(&self, what: &str, found: &Ciphertext, expected: impl Fn(usize) -> f64) {
        for (i, v) in self.secret.decrypt(found).iter().enumerate() {
            let error = (v - Complex64::from(expected(i))).norm();
            assert!(error < 1e-6, "{what} at level {}, slot {i}: {v} for {}", found.level(), expected(i));
        }
    }
}

/// Two vectors that are encoded together equal the vectors encoded one by one, to the rounding.
#[test]
fn real_vectors_are_encoded_two_by_two() {
    let mut c = client();
    let basis = fhe_ring::Basis { main: 3, special: 1 };
    for lengths in [vec![1; 4], vec![8; 3], vec![512; 5], vec![64, 16, 16, 64, 64]] {
        let vectors: Vec<Vec<f64>> = lengths.iter().map(|&length| c.random(length)).collect();
        let all = c.params.encode_real_all(vectors.len(), |k| vectors[k].clone(), SCALE, basis).unwrap();
        assert_eq!(all.len(), vectors.len());
        for (plain, vector) in all.iter().zip(&vectors) {
            assert_eq!((plain.slots(), plain.scale(), plain.poly().basis()), (vector.len(), SCALE, basis));
            // Modulo special primes, too: a product with what decrypts to 1 everywhere would not tell.
            let alone = c.params.encode_real(vector, SCALE, basis).unwrap();
            let mut difference = plain.poly().expand();
            difference.sub_assign(&alone.poly().expand());
            let ring = c.params.ring();
            for (limb, m) in difference.into_coefficients().limbs().iter().zip(ring.moduli(basis)) {
                assert!(limb.iter().all(|&x| m.center(x).abs() <= 2), "the same integers but for their rounding");
            }
            let encrypted =
                c.secret.encrypt(&c.params.encode_real(&vec![1.0; vector.len()], SCALE, basis).unwrap(), &mut c.rng);
            let evaluator = c.evaluator(&KeyRequest::default());
            let product = evaluator.rescale(evaluator.multiply_plain(&encrypted, plain).unwrap()).unwrap();
            c.assert_near("product", &product, |i| vector[i]);
        }
    }
    let error = c.params.encode_real_all(2, |k| vec![0.0, [1.0, f64::NAN][k]], SCALE, basis).err().unwrap();
    assert!(matches!(error, CkksError::NotFinite { index: 1, .. }), "{error}");
}

#[test]
fn multiplication_by_i_is_exact() {
    let mut c = client();
    let evaluator = c.evaluator(&KeyRequest::default());
    for slots in [1, 8, 512] {
        let x = c.random(slots);
        let a = c.encrypt(&x, 2);
        let turned = evaluator.multiply_by_i(&a);
        assert_eq!((turned.level(), turned.scale(), turned.slots()), (a.level(), a.scale(), a.slots()));
        let expected = c.secret.decrypt(&a);
        for (found, expected) in c.secret.decrypt(&turned).iter().zip(&expected) {
            assert!((found - Complex64::I * expected).norm() < 1e-14, "{found}, not i times {expected}");
        }
        // Twice is the sign, to the last bit.
        assert_eq!(evaluator.multiply_by_i(&turned), evaluator.negate(&a));
    }
}

#[test]
fn every_operation_at_every_level_and_slot_count() {
    let mut c = client();
    let mut request = KeyRequest::default();
    for level in 0..=4 {
        request.relinearization(&c.params, level);
        request.conjugation(&c.params, level);
        for steps in [1, -3, 2, 4] {
            request.rotation(&c.params, steps, level);
        }
    }
    let evaluator = c.evaluator(&request);
    for slots in [8, 64, 512] {
        for level in 0..=4 {
            let (x, y) = (c.random(slots), c.random(slots));
            let (a, b) = (c.encrypt(&x, level), c.encrypt(&y, 4));
            c.assert_near("add", &evaluator.add(&a, &b).unwrap(), |i| x[i] + y[i]);
            c.assert_near("sub", &evaluator.sub(&b, &a).unwrap(), |i| y[i] - x[i]);
            c.assert_near("negate", &evaluator.negate(&a), |i| -x[i]);
            c.assert_near("add_constant", &evaluator.add_constant(&a, -0.375).unwrap(), |i| x[i] - 0.375);
            c.assert_near("multiply_integer", &evaluator.multiply_integer(&a, -3), |i| -3.0 * x[i]);
            c.assert_near("conjugate", &evaluator.conjugate(&a).unwrap(), |i| x[i]);
            for steps in [0i64, 1, -3] {
                let rotated = evaluator.rotate(&a, steps).unwrap();
                c.assert_near("rotate", &rotated, |i| x[(i as i64 + steps).rem_euclid(slots as i64) as usize]);
            }
            let hoisted = evaluator.rotate_hoisted(&a, &[0, 1, -3, 2]).unwrap();
            for (rotated, steps) in hoisted.iter().zip([0i64, 1, -3, 2]) {
                c.assert_near("hoisted", rotated, |i| x[(i as i64 + steps).rem_euclid(slots as i64) as usize]);
            }
            let summed = evaluator.inner_sum(&a, 1, 8).unwrap();
            c.assert_near("inner_sum", &summed, |i| (0..8).map(|k| x[(i + k) % slots]).sum());
            let plain = c.params.encode_real(&y, SCALE, a.basis()).unwrap();
            c.assert_near("add_plain", &evaluator.add_plain(&a, &plain).unwrap(), |i| x[i] + y[i]);
            if level >= 1 {
                c.assert_near("multiply", &evaluator.multiply_rescale(&a, &b).unwrap(), |i| x[i] * y[i]);
                c.assert_near("square", &evaluator.square_rescale(&a).unwrap(), |i| x[i] * x[i]);
                let separately = evaluator.rescale(evaluator.multiply(&b, &a).unwrap()).unwrap();
                c.assert_near("multiply, rescale", &separately, |i| x[i] * y[i]);
                let product = evaluator.rescale(evaluator.multiply_plain(&a, &plain).unwrap()).unwrap();
                c.assert_near("multiply_plain", &product, |i| x[i] * y[i]);
                let product = evaluator.rescale(evaluator.multiply_constant(&a, 0.3, SCALE).unwrap()).unwrap();
                c.assert_near("multiply_constant", &product, |i| 0.3 * x[i]);
            }
        }
    }
}

#[test]
fn complex_slots_and_the_public_key() {
    let mut c = client();
    let values: Vec<Complex64> =
        (0..32).map(|_| Complex64::new(c.rng.random_range(-1.0..1.0), c.rng.random_range(-1.0..1.0))).collect();
    let mut request = KeyRequest::default();
    request.conjugation(&c.params, 4);
    let evaluator = c.evaluator(&request);
    let public = PublicKey::generate(&c.secret, &mut c.rng);
    let plain = c.params.encode(&values, SCALE, fhe_ring::Basis::main(5)).unwrap();
    let encrypted = public.encrypt(&c.params, &plain, &mut c.rng);
    let conjugated = evaluator.conjugate(&encrypted).unwrap();
    for ((v, d), k) in values.iter().zip(c.secret.decrypt(&encrypted)).zip(c.secret.decrypt(&conjugated)) {
        assert!((v - d).norm() < 1e-6 && (v.conj() - k).norm() < 1e-6, "{v} {d} {k}");
    }
}

#[test]
fn misuse_is_a_typed_error_with_both_values() {
    let mut c = client();
    let mut request = KeyRequest::default();
    request.rotation(&c.params, 1, 2);
    let evaluator = c.evaluator(&request);
    let x = c.random(16);
    let (top, bottom) = (c.encrypt(&x, 4), c.encrypt(&x, 0));
    let other = c.encrypt(&vec![0.0; 32], 4);
    let mut rescaled = top.clone();
    rescaled.set_scale(SCALE * 1.001);
    let message = |r: Result<Ciphertext, CkksError>| r.unwrap_err().to_string();
    let expectations = [
        (message(evaluator.rescale(bottom)), "rescaling needs level 1, the ciphertext is at level 0"),
        (message(evaluator.add(&top, &rescaled)), "scales 2^40.001442 and 2^40.000000 differ"),
        (message(evaluator.add(&top, &other)), "operands have 32 and 16 slots"),
        (message(evaluator.rotate(&top, 1)), "for level 4 (the tallest one reaches level 2)"),
        (message(evaluator.rotate(&top, 2)), "for level 4 (there is none)"),
        (
            message(c.secret.encrypt_real(&[0.0; 1024], 4, SCALE, &mut c.rng)),
            "1024 slots: wanted a power of two up to 512",
        ),
        (message(c.secret.encrypt_real(&[f64::NAN], 4, SCALE, &mut c.rng)), "value 0 to encode is NaN"),
        (message(c.secret.encrypt_real(&[1e9], 4, SCALE, &mut c.rng)), "exceeds the 2^62.0 that encoding carries"),
    ];
    for (found, wanted) in expectations {
        assert!(found.contains(wanted), "'{found}' should say '{wanted}'");
    }
}

/// Whatever level and scale an operand has: an operation that cannot succeed is an error, not a panic or a wrong slot.
#[test]
fn levels_and_scales_out_of_range_are_errors() {
    let mut c = client();
    let mut request = KeyRequest::default();
    request.relinearization(&c.params, 4);
    request.add(KeyKind::Galois(5), c.params.key_shape(1));
    let evaluator = c.evaluator(&request);
    let x = c.random(16);
    let (top, bottom) = (c.encrypt(&x, 4), c.encrypt(&x, 0));
    let scaled = |a: &Ciphertext, scale: f64| {
        let mut scaled = a.clone();
        scaled.set_scale(scale);
        scaled
    };
    let (huge, tiny) = (scaled(&top, 2f64.powi(600)), scaled(&top, 2f64.powi(-600)));
    let key = evaluator.keys().get(KeyKind::Galois(5), 1).unwrap();
    let message = |r: Result<Ciphertext, CkksError>| r.unwrap_err().to_string();
    let expectations = [
        (message(evaluator.add_constant(&huge, 1.0)), "a coefficient of 2^600.0 exceeds the 2^126.0"),
        (message(evaluator.add_constant(&bottom, 1024.0)), "a coefficient of 2^50.0 exceeds the 2^49.0"),
        (message(evaluator.add_constant(&top, f64::NAN)), "value 0 to encode is NaN"),
        (message(evaluator.multiply_constant(&top, f64::INFINITY, SCALE)), "value 0 to encode is inf"),
        (message(evaluator.multiply_constant(&top, 1.0, -1.0)), "found scale -1e0, wanted a positive normal number"),
        (message(evaluator.multiply_constant(&bottom, 1.0, 2f64.powi(50))), "exceeds the 2^49.0"),
        (message(evaluator.multiply(&huge, &huge)), "multiplication: found scale inf"),
        (message(evaluator.multiply_rescale(&tiny, &tiny)), "multiplication: found scale 0e0"),
        (message(evaluator.lowered(&bottom, 1)), "lowering needs level 1, the ciphertext is at level 0"),
        (message(evaluator.drop_to(&mut bottom.clone(), 3).map(|()| bottom.clone())), "lowering needs level 3"),
        (message(evaluator.switch(&top, key)), "switching key: found one up to level 1, wanted level 4"),
        (message(evaluator.combine(&[(&top, &top)], &[], 0, 3, 4)), "multiplication needs level 4"),
    ];
    for (found, wanted) in expectations {
        assert!(found.contains(wanted), "'{found}' should say '{wanted}'");
    }
    assert!(evaluator.switch(&c.encrypt(&x, 1), key).is_ok());
}

/// One sum equals the sum of products one by one, over plaintexts of several periods and ciphertexts of several levels.
#[test]
fn sums_of_plaintext_products() {
    let mut c = client();
    let evaluator = c.evaluator(&KeyRequest::default());
    let basis = fhe_ring::Basis::main(3);
    let vectors: Vec<Vec<f64>> = (0..20).map(|_| c.random(64)).collect();
    let factors: Vec<Ciphertext> = vectors.iter().enumerate().map(|(k, x)| c.encrypt(x, 2 + k % 3)).collect();
    let weights: Vec<Vec<f64>> = (0..20).map(|k| c.random([64, 16, 1][k % 3])).collect();
    let plain: Vec<Plaintext> = weights.iter().map(|w| c.params.encode_real(w, SCALE, basis).unwrap()).collect();
    let terms: Vec<(&Ciphertext, &Plaintext)> = factors.iter().zip(&plain).collect();
    let sum = evaluator.dot_plain(&terms).unwrap();
    assert_eq!((sum.level(), sum.scale(), sum.slots()), (2, SCALE * SCALE, 64));
    let one_by_one = terms.iter().map(|(a, w)| {
        let lowered = evaluator.lowered(a, 2).unwrap();
        evaluator.multiply_plain(&lowered, w).unwrap()
    });
    assert_eq!(one_by_one.reduce(|a, b| evaluator.add(&a, &b).unwrap()).unwrap(), sum);
    let expected = |i: usize| vectors.iter().zip(&weights).map(|(x, w)| x[i] * w[i % w.len()]).sum();
    c.assert_near("dot_plain", &evaluator.rescale(sum).unwrap(), expected);
    let other = c.params.encode_real(&weights[0], 2.0 * SCALE, basis).unwrap();
    let error = evaluator.dot_plain(&[terms[0], (terms[1].0, &other)]).unwrap_err();
    assert!(matches!(error, CkksError::ScaleMismatch { .. }), "{error}");
    let low = c.params.encode_real(&weights[0], SCALE, fhe_ring::Basis::main(2)).unwrap();
    let error = evaluator.dot_plain(&[(terms[0].0, &low)]).unwrap_err();
    assert!(matches!(error, CkksError::LevelTooLow { found: 1, wanted: 2, .. }), "{error}");
}

#[test]
fn parameters_that_contradict_themselves_say_so() {
    let sound = client().params.literal().clone();
    let message = |edit: &dyn Fn(&mut ParametersLiteral)| {
        let mut literal = sound.clone();
        edit(&mut literal);
        Parameters::try_from(literal).unwrap_err().to_string()
    };
    let expectations = [
        (message(&|p| p.log_n = 18), "ring dimension: found 2^18, wanted 2^5 to 2^17"),
        (
            message(&|p| p.main_bits.clear()),
            "number of primes: found 0 main and 2 special, wanted at least one of each",
        ),
        (message(&|p| p.special_bits = vec![40]), "special modulus: found 40 bits of special primes"),
        (message(&|p| p.main_bits[1] = 51), "prime size of 51 bits: wanted 12 to 50 bits"),
        (message(&|p| p.secret = SecretDistribution::FixedWeight(2000)), "secret's weight: found 2000"),
        (message(&|p| p.ephemeral_weight = Some(1025)), "ephemeral weight: found 1025"),
        (message(&|p| p.insecure = false), "insecure: log_n = 10"),
    ];
    for (found, wanted) in expectations {
        assert!(found.contains(wanted), "'{found}' should say '{wanted}'");
    }
}

/// Base conversion takes at most fourteen primes at a time: shapes stay within that for any chain.
#[test]
fn tall_chains_switch_keys() {
    let literal =
        ParametersLiteral { main_bits: vec![50; 32], special_bits: vec![50; 20], ..client().params.literal().clone() };
    let params = Parameters::try_from(literal).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let secret = SecretKey::generate(&params, &mut rng);
    let mut request = KeyRequest::default();
    request.relinearization(&params, 31);
    request.rotation(&params, 1, 15);
    let evaluator = Evaluator::new(&params, request.generate(&secret, &mut rng));
    let mut a = secret.encrypt_real(&[0.25, -0.5], 31, SCALE, &mut rng).unwrap();
    a = evaluator.multiply_rescale(&a, &a).unwrap();
    evaluator.drop_to(&mut a, 15).unwrap();
    let found = secret.decrypt_real(&evaluator.rotate(&a, 1).unwrap());
    assert!((found[0] - 0.25).abs() < 1e-6 && (found[1] - 0.0625).abs() < 1e-6, "{found:?}");
}

#[test]
fn values_beyond_the_modulus_are_refused() {
    let mut c = client();
    let error = c.secret.encrypt_real(&[3.0], 0, 2f64.powi(59), &mut c.rng).unwrap_err().to_string();
    assert!(error.contains("a coefficient of 2^60.6 exceeds the 2^49.0"), "{error}");
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(c.secret.encrypt_real(&[1.0], 1, scale, &mut c.rng).is_err(), "scale {scale}");
    }
}

#[test]
#[should_panic = "primes of the key to the ephemeral secret"]
fn the_ephemeral_secret_never_meets_a_wider_modulus_than_was_checked() {
    let literal = ParametersLiteral { ephemeral_weight: Some(32), ..client().params.literal().clone() };
    let params = Parameters::try_from(literal).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let secret = SecretKey::generate(&params, &mut rng);
    let mut request = KeyRequest::default();
    request.add(KeyKind::DenseToSparse, params.key_shape(1));
    request.generate(&secret, &mut rng);
}
