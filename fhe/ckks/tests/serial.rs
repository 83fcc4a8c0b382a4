//! Bytes of keys and ciphertexts: what is written is read back, and nothing else is accepted.
#![allow(missing_docs)]

mod frames;

use std::io::Read;

use fhe_ckks::serial::Kind;
use fhe_ckks::*;
use frames::{CHECKSUM, HEADER, literal, rewrite, seal};
use proptest::prelude::*;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;

const SCALE: f64 = (1u64 << 30) as f64;

/// One of each kind of object.
struct Objects {
    params: Parameters,
    secret: SecretKey,
    public: PublicKey,
    keys: EvaluationKeys,
    ciphertext: Ciphertext,
    seeded: SeededCiphertext,
}

fn objects() -> Objects {
    objects_of(literal())
}

fn objects_of(literal: ParametersLiteral) -> Objects {
    let params = Parameters::try_from(literal).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(11);
    let secret = SecretKey::generate(&params, &mut rng);
    let public = PublicKey::generate(&secret, &mut rng);
    let mut request = KeyRequest::default();
    request.relinearization(&params, 2);
    request.relinearization(&params, 0);
    request.rotation(&params, 1, 1);
    request.conjugation(&params, 2);
    request.encapsulation(&params, &[1, 33]);
    request.add(KeyKind::Galois(25), KeyShape { main: 3, special: 1, digit_len: 2 });
    let keys = request.generate(&secret, &mut rng);
    let ciphertext = secret.encrypt_real(&[0.5, -0.25, 0.125, 1.0], 1, SCALE, &mut rng).unwrap();
    let plain = params.encode_real(&[0.5; 4], SCALE, fhe_ring::Basis::main(2)).unwrap();
    let seeded = secret.encrypt_seeded(&plain, &mut rng);
    Objects { params, secret, public, keys, ciphertext, seeded }
}

impl Objects {
    /// Each object's bytes.
    fn bytes(&self) -> Vec<(Kind, Vec<u8>)> {
        let p = &self.params;
        let (_, switching) = self.keys.iter().next().unwrap();
        vec![
            (Kind::SecretKey, self.secret.to_bytes_secret().unwrap().to_vec()),
            (Kind::PublicKey, self.public.to_bytes(p).unwrap()),
            (Kind::SwitchingKey, switching.to_bytes(p).unwrap()),
            (Kind::EvaluationKeys, self.keys.to_bytes(p).unwrap()),
            (Kind::Ciphertext, self.ciphertext.to_bytes(p).unwrap()),
            (Kind::SeededCiphertext, self.seeded.to_bytes(p).unwrap()),
        ]
    }
}

fn payload(bytes: &[u8]) -> &[u8] {
    &bytes[HEADER..bytes.len() - CHECKSUM]
}

#[test]
fn objects_come_back_equal_and_take_the_bytes_they_say() {
    let o = objects();
    let p = &o.params;
    let ciphertext = o.ciphertext.to_bytes(p).unwrap();
    assert!(Ciphertext::from_bytes(p, &ciphertext).unwrap() == o.ciphertext);
    assert_eq!(ciphertext.len() as u64, o.ciphertext.serialized_len());
    // Two polynomials of 32 residues modulo 50 and 30 or 31 bits, the nearest prime to 2^30 from either side.
    let bits: u64 = [0, 1].map(|level| p.prime(level).log2().floor() as u64 + 1).iter().sum();
    assert_eq!(ciphertext.len() as u64, 36 + 16 + 2 * 32 * bits / 8 + 16);
    assert!(PublicKey::from_bytes(p, &o.public.to_bytes(p).unwrap()).unwrap() == o.public);
    let keys = o.keys.to_bytes(p).unwrap();
    assert!(EvaluationKeys::from_bytes(p, &keys).unwrap() == o.keys);
    assert_eq!(keys.len() as u64, o.keys.serialized_len());
    // The uniform half is neither in the file nor in memory, and both pack the residues of the other.
    let words = |key: &SwitchingKey| key.digits().iter().map(|b| b.limbs().len() * p.n()).sum::<usize>();
    let sum = |f: &dyn Fn(&SwitchingKey) -> usize| o.keys.iter().map(|(_, key)| f(key)).sum::<usize>();
    let half = 8 * sum(&words);
    assert!(2 * keys.len() < 2 * half, "keys take less than half of both halves: {} of {}", keys.len(), 2 * half);
    // In memory each limb has 64 bytes more, for the kernels.
    let bits = |q: &fhe_ring::Modulus| (u64::BITS - q.value().leading_zeros()) as usize;
    let packed = |b: &fhe_ring::PackedPoly| b.ring().moduli(b.basis()).map(|q| p.n() * bits(q) / 8 + 64).sum::<usize>();
    assert_eq!(o.keys.bytes(), sum(&|key| key.digits().iter().map(packed).sum()));
    for (_, key) in o.keys.iter() {
        assert!(SwitchingKey::from_bytes(p, &key.to_bytes(p).unwrap()).unwrap() == *key);
    }
    let secret = SecretKey::from_bytes_secret(p, &o.secret.to_bytes_secret().unwrap()).unwrap();
    assert_eq!(secret.decrypt(&o.ciphertext), o.secret.decrypt(&o.ciphertext));
    let none = EvaluationKeys::default();
    assert!(EvaluationKeys::from_bytes(p, &none.to_bytes(p).unwrap()).unwrap() == none);
    for (kind, bytes) in o.bytes() {
        assert_eq!(rewrite(p, kind, &bytes).unwrap(), bytes, "{kind}");
        assert_eq!(seal(p, kind, payload(&bytes)), bytes, "{kind}: the frame is as documented");
    }
}

/// Parameters read at another time, on another kernels, and said to be insecure or not are the same parameters.
#[test]
fn objects_pass_between_kernel_sets_and_streams() {
    let o = objects();
    for kernels in fhe_ring::Kernels::available() {
        let params = Parameters::try_from(ParametersLiteral { kernels: Some(kernels), ..literal() }).unwrap();
        for (kind, bytes) in o.bytes() {
            assert_eq!(rewrite(&params, kind, &bytes).unwrap(), bytes, "{kind} on {}", kernels.name());
        }
    }
    // Several in one stream, which gives a byte at a time.
    let mut stream = o.ciphertext.to_bytes(&o.params).unwrap();
    o.keys.write_to(&o.params, &mut stream).unwrap();
    struct Trickle<'a>(&'a [u8]);
    impl Read for Trickle<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let count = out.len().min(1);
            self.0.read(&mut out[..count])
        }
    }
    let mut input = Trickle(&stream);
    assert!(Ciphertext::read_from(&o.params, &mut input).unwrap() == o.ciphertext);
    assert!(EvaluationKeys::read_from(&o.params, &mut input).unwrap() == o.keys);
    assert!(input.0.is_empty());
}

#[test]
fn every_single_bit_flip_is_refused() {
    let o = objects();
    for (kind, bytes) in o.bytes() {
        // All of the small objects, and of the others what is not residues.
        let every = if bytes.len() < 1000 { 1 } else { 13 };
        for bit in (0..8 * bytes.len()).filter(|bit| bit / 8 < 128 || bit % every == 0) {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(rewrite(&o.params, kind, &damaged).is_err(), "{kind}: bit {bit} flipped");
        }
    }
}

#[test]
fn every_truncation_and_extension_is_refused() {
    let o = objects();
    for (kind, bytes) in o.bytes() {
        for len in 0..bytes.len() {
            let refused = rewrite(&o.params, kind, &bytes[..len]);
            assert!(matches!(refused, Err(SerialError::Truncated { .. })), "{kind} cut to {len}: {refused:?}");
        }
        for more in [1, 64, 1000] {
            let mut longer = bytes.clone();
            longer.resize(bytes.len() + more, 0);
            let refused = rewrite(&o.params, kind, &longer);
            let seen = more.min(64) as u64;
            assert!(matches!(refused, Err(SerialError::Trailing { found }) if found == seen), "{kind}: {refused:?}");
        }
    }
}

#[test]
fn objects_of_other_parameters_and_kinds_are_refused() {
    let o = objects();
    let others = [
        ParametersLiteral { log_n: 6, ..literal() },
        ParametersLiteral { main_bits: vec![50, 30], ..literal() },
        ParametersLiteral { main_bits: vec![50, 31, 30], ..literal() },
        ParametersLiteral { special_bits: vec![50, 21], ..literal() },
        ParametersLiteral { secret: SecretDistribution::FixedWeight(8), ..literal() },
        ParametersLiteral { ephemeral_weight: None, ..literal() },
        ParametersLiteral { ephemeral_weight: Some(5), ..literal() },
    ];
    for other in others {
        let params = Parameters::try_from(other.clone()).unwrap();
        for (kind, bytes) in o.bytes() {
            let refused = rewrite(&params, kind, &bytes);
            assert!(matches!(refused, Err(SerialError::Parameters { .. })), "{kind} under {other:?}: {refused:?}");
        }
    }
    for (kind, bytes) in o.bytes() {
        for wanted in Kind::ALL.into_iter().filter(|&wanted| wanted != kind) {
            let message = rewrite(&o.params, wanted, &bytes).unwrap_err().to_string();
            assert_eq!(message, format!("kind of object: found {kind}, wanted {wanted}"));
        }
    }
}

/// Whatever is wrong in a payload is found without the help of the checksum, and named.
#[test]
fn each_field_out_of_range_is_named() {
    let o = objects();
    let p = &o.params;
    let all = o.bytes();
    let original = |kind| payload(&all.iter().find(|(k, _)| *k == kind).unwrap().1).to_vec();
    let check = |kind, at: usize, field: &[u8], wanted: &str| {
        let mut payload = original(kind);
        payload[at..at + field.len()].copy_from_slice(field);
        let message = rewrite(p, kind, &seal(p, kind, &payload)).unwrap_err().to_string();
        assert!(message.starts_with(wanted), "{kind} with {field:?} at {at}: '{message}' for '{wanted}'");
    };
    let n = |value: u32| value.to_le_bytes();

    let c = Kind::Ciphertext;
    check(c, 0, &n(0), "main primes: found 0, wanted 1 to 3");
    check(c, 0, &n(4), "main primes: found 4, wanted 1 to 3");
    check(c, 0, &n(u32::MAX), "main primes: found 4294967295, wanted 1 to 3");
    check(c, 0, &n(1), "length: a ciphertext of this level takes 400 bytes, the header leaves");
    check(c, 0, &n(3), "length: a ciphertext of this level takes");
    for slots in [0, 3, 32, u32::MAX] {
        check(c, 4, &n(slots), &format!("slots: found {slots}, wanted a power of two up to 16"));
    }
    // The ciphertext is at level 1, over primes of 50 and 30 bits.
    let most = p.prime(0).log2() + p.prime(1).log2();
    for scale in [0.0, -0.0, -1.0, 0.999, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE / 2.0] {
        check(c, 8, &scale.to_le_bytes(), &format!("scale: found {scale:e}, wanted 1 to 2^{most:.1}"));
    }
    for scale in [2f64.powi(81), 2f64.powi(126), 2f64.powi(127), f64::MAX] {
        check(c, 8, &scale.to_le_bytes(), &format!("scale: found {scale:e}, wanted 1 to 2^80.0"));
    }
    let q = p.prime(0) as u64;
    let mut first = original(c)[16..24].to_vec();
    first[..6].copy_from_slice(&q.to_le_bytes()[..6]);
    first[6] = first[6] & !3 | (q >> 48) as u8;
    check(c, 16, &first, &format!("residue 0 of limb 0: found {q}, wanted less than the prime {q}"));

    check(Kind::SecretKey, 1, &[0b0001_1000], "secret coefficient 5: found code 2");
    let s = Kind::SwitchingKey;
    check(s, 0, &n(0), "main primes: found 0");
    check(s, 0, &n(4), "main primes: found 4, wanted 1 to 3");
    check(s, 4, &n(0), "special primes: found 0, wanted 1 to 2");
    check(s, 4, &n(3), "special primes: found 3, wanted 1 to 2");
    check(s, 8, &n(0), "main primes in a digit: found 0");
    check(s, 8, &n(9), "main primes in a digit: found 9");

    let e = Kind::EvaluationKeys;
    check(e, 0, &n(9), "length: kind of key takes 1 bytes, the header leaves 0");
    check(e, 0, &n(7), "length: the end of the payload takes 0 bytes, the header leaves");
    check(e, 0, &n(u32::MAX), "number of keys: found 4294967295, wanted 0 to 204");
    check(e, 4, &[6], "kind of key: found 6, wanted 0 to 5");
    check(e, 5, &3u64.to_le_bytes(), "exponent of a key that is not a Galois key: found 3");
    check(e, 4, &[1], "Galois exponent: found 0, wanted an odd number");
    check(e, 4, &[1, 65], "Galois exponent: found 65, wanted 1 to 63");
    // The first two are relinearisation keys over one and three primes.
    check(e, 4, &[2], "order of keys: found relinearization over 3 primes after dense-to-sparse over 1 primes");

    let frame = &all[4].1;
    let header = |at: usize, field: &[u8], wanted: &str| {
        let mut bytes = frame.clone();
        bytes[at..at + field.len()].copy_from_slice(field);
        let message = rewrite(p, c, &bytes).unwrap_err().to_string();
        assert!(message.starts_with(wanted), "header with {field:?} at {at}: '{message}' for '{wanted}'");
    };
    header(0, b"CIPHRLAC", "magic number: found 434950485");
    header(8, &1u16.to_le_bytes(), "format version: found 1, wanted 3");
    header(10, &99u16.to_le_bytes(), "kind of object: found the unknown code 99, wanted ciphertext");
    header(12, &[!frame[12]], "parameters: found digest ");
    header(28, &0u64.to_le_bytes(), "length: main primes takes 4 bytes, the header leaves 0");
    header(28, &u64::MAX.to_le_bytes(), "length: a ciphertext of this level takes");
    header(frame.len() - 1, &[!frame[frame.len() - 1]], "checksum: found ");
}

#[test]
fn a_secret_of_another_weight_is_refused() {
    let o = objects_of(ParametersLiteral { secret: SecretDistribution::FixedWeight(16), ..literal() });
    let bytes = o.secret.to_bytes_secret().unwrap();
    let mut payload = payload(&bytes).to_vec();
    let at = payload.iter().position(|&byte| byte != 0).unwrap();
    payload[at] = 0;
    let message = rewrite(&o.params, Kind::SecretKey, &seal(&o.params, Kind::SecretKey, &payload)).unwrap_err();
    assert!(message.to_string().ends_with("wanted 16"), "{message}");
    // No ternary secret of this many coefficients is as sparse as the ephemeral one.
    let o = objects_of(ParametersLiteral { log_n: 9, ..literal() });
    let mut payload = vec![0; (1 << 9) / 4];
    payload[0] = 0b01_01_01_01;
    let message = rewrite(&o.params, Kind::SecretKey, &seal(&o.params, Kind::SecretKey, &payload)).unwrap_err();
    assert!(message.to_string().ends_with("wanted 256 to 427"), "{message}");
}

#[test]
fn what_cannot_be_read_is_not_written() {
    let o = objects();
    let params = Parameters::try_from(ParametersLiteral { main_bits: vec![50, 31, 30], ..literal() }).unwrap();
    assert!(matches!(o.ciphertext.to_bytes(&params), Err(SerialError::Ring { .. })));
    assert!(matches!(o.keys.to_bytes(&params), Err(SerialError::Ring { .. })));
    assert!(matches!(o.public.to_bytes(&params), Err(SerialError::Ring { .. })));
    // A digit that no base conversion takes would stop the server that reads the key.
    let o = objects_of(ParametersLiteral { main_bits: vec![50; 16], ..literal() });
    for (digit_len, fits) in [(14, true), (15, false)] {
        let mut request = KeyRequest::default();
        request.add(KeyKind::Relinearization, KeyShape { main: 16, special: 1, digit_len });
        let bytes = request.generate(&o.secret, &mut ChaCha20Rng::seed_from_u64(1)).to_bytes(&o.params);
        if fits {
            assert!(EvaluationKeys::from_bytes(&o.params, &bytes.unwrap()).is_ok());
        } else {
            assert!(matches!(bytes, Err(SerialError::Range { found: 15, most: 14, .. })));
        }
    }
    // Those from the ephemeral secret have one digit, which is never converted, and no other has one as wide.
    let o = objects_of(ParametersLiteral { main_bits: vec![50; 16], ephemeral_weight: Some(8), ..literal() });
    for (digit_len, fits) in [(16, true), (14, false)] {
        let mut request = KeyRequest::default();
        request.add(KeyKind::SparseToDense(5), KeyShape { main: 16, special: 1, digit_len });
        let bytes = request.generate(&o.secret, &mut ChaCha20Rng::seed_from_u64(1)).to_bytes(&o.params);
        if fits {
            assert!(EvaluationKeys::from_bytes(&o.params, &bytes.unwrap()).is_ok());
        } else {
            assert!(matches!(bytes, Err(SerialError::Range { found: 14, least: 16, most: 16, .. })));
        }
    }
}

/// Whatever scale, level and slots a ciphertext that was read states: the evaluator computes with it or returns an
/// error.
#[test]
fn no_operation_panics_on_a_ciphertext_that_was_read() {
    let literal = ParametersLiteral { main_bits: vec![50; 6], ..literal() };
    let o = objects_of(literal);
    let evaluator = Evaluator::new(&o.params, o.keys.clone());
    let (_, switching) = o.keys.iter().next().unwrap();
    let mut read = 0;
    for level in [0usize, 1, 5] {
        let honest = o.secret.encrypt_real(&[0.5, -0.25], level, SCALE, &mut ChaCha20Rng::seed_from_u64(2)).unwrap();
        let honest_bytes = honest.to_bytes(&o.params).unwrap();
        for exponent in (-1074..=1023).step_by(9).chain([-1, 0, 49, 125, 126, 127]) {
            let mut payload = payload(&honest_bytes).to_vec();
            payload[8..16].copy_from_slice(&2f64.powi(exponent).to_le_bytes());
            let sealed = seal(&o.params, Kind::Ciphertext, &payload);
            let Ok(a) = Ciphertext::from_bytes(&o.params, &sealed) else { continue };
            read += 1;
            let plain = o.params.encode_real(&[0.5, 1.0], SCALE, fhe_ring::Basis::main(6)).unwrap();
            let _ = evaluator.add_constant(&a, 1.0);
            let _ = evaluator.multiply_constant(&a, 0.5, SCALE);
            let _ = evaluator.square_rescale(&a).and_then(|b| evaluator.multiply(&b, &b));
            let _ = evaluator.multiply_plain(&a, &plain).and_then(|b| evaluator.rescale(b));
            let _ = evaluator.add(&a, &honest).and_then(|b| evaluator.sub(&b, &a));
            let _ = evaluator.rotate(&a, 1).and_then(|b| evaluator.conjugate(&b));
            let _ = evaluator.switch(&a, switching);
            let _ = evaluator.lowered(&a, 3);
            assert!(o.secret.decrypt(&a).iter().all(|slot| slot.is_finite()), "2^{exponent}");
        }
    }
    assert!(read > 10, "some of these scales are sound: {read}");
}

/// A wider key would encrypt the ephemeral secret under a modulus that its security was not checked for.
#[test]
fn the_key_to_the_ephemeral_secret_is_read_over_its_two_primes_only() {
    let o = objects();
    let (kind, key) = o.keys.iter().find(|(_, key)| key.shape().main == 3).unwrap();
    assert_eq!(kind, KeyKind::Relinearization);
    let mut keys = EvaluationKeys::default();
    keys.insert(KeyKind::DenseToSparse, key.clone());
    let refused = keys.to_bytes(&o.params);
    assert!(matches!(refused, Err(SerialError::Range { what: "main primes", found: 3, most: 1, .. })), "{refused:?}");
    let mut keys = EvaluationKeys::default();
    keys.insert(kind, key.clone());
    let mut payload = payload(&keys.to_bytes(&o.params).unwrap()).to_vec();
    payload[4] = 2;
    let read = EvaluationKeys::from_bytes(&o.params, &seal(&o.params, Kind::EvaluationKeys, &payload));
    assert!(matches!(read, Err(SerialError::Range { what: "main primes", found: 3, most: 1, .. })), "{read:?}");
}

/// A stream that says it is endless is read, and stored, only as far as it goes.
#[test]
fn a_stated_length_waits_for_its_bytes() {
    let o = objects();
    let mut header = o.keys.to_bytes(&o.params).unwrap()[..HEADER].to_vec();
    header[28..].copy_from_slice(&u64::MAX.to_le_bytes());
    header.extend(105u32.to_le_bytes());
    let refused = EvaluationKeys::read_from(&o.params, header.as_slice());
    assert!(matches!(refused, Err(SerialError::Truncated { what: "kind of key", found: 0, wanted: 1 })), "{refused:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn ciphertexts_of_any_shape_come_back(seed: u64, level in 0usize..3, log_slots in 0u32..5, log_scale in 1.0f64..40.0) {
        let o = objects();
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let values = vec![0.5; 1 << log_slots];
        let ciphertext = o.secret.encrypt_real(&values, level, log_scale.exp2(), &mut rng).unwrap();
        let bytes = ciphertext.to_bytes(&o.params).unwrap();
        prop_assert_eq!(bytes.len() as u64, ciphertext.serialized_len());
        prop_assert!(Ciphertext::from_bytes(&o.params, &bytes).unwrap() == ciphertext);
    }

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let o = objects();
        for kind in Kind::ALL {
            prop_assert!(rewrite(&o.params, kind, &bytes).is_err());
            // Inside a right frame: refused, or an object with these bytes and no others (a short secret may be one).
            let sealed = seal(&o.params, kind, &bytes);
            if let Ok(again) = rewrite(&o.params, kind, &sealed) {
                prop_assert_eq!(again, sealed);
            }
        }
    }

    /// Damage under a checksum that was put right: refused, or read as exactly what it says.
    #[test]
    fn forged_payloads_are_refused_or_read_as_they_stand(seed: u64) {
        let o = objects();
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        for (kind, bytes) in o.bytes() {
            let mut payload = payload(&bytes).to_vec();
            for _ in 0..1 + rng.next_u32() % 3 {
                // Half of the damage in the fields before the residues.
                let range = if rng.next_u32() % 2 == 0 { payload.len() } else { payload.len().min(70) };
                let at = rng.next_u32() as usize % range;
                match rng.next_u32() % 3 {
                    0 => payload[at] ^= 1 << (rng.next_u32() % 8),
                    1 => payload[at] = rng.next_u32() as u8,
                    _ => payload.truncate(at.max(1)),
                }
            }
            let sealed = seal(&o.params, kind, &payload);
            if let Ok(again) = rewrite(&o.params, kind, &sealed) {
                prop_assert_eq!(again, sealed);
            }
        }
    }
}
