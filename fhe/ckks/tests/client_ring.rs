//! A client in a smaller ring than the server's: both ways, sizes and security.
#![allow(missing_docs)]

use fhe_ckks::*;
use fhe_ring::{Basis, MappedFile};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

const SCALE: f64 = (1u64 << 30) as f64;
const VALUES: [f64; 4] = [0.5, -0.25, 0.125, 1.0];

fn literal(log_n: u32) -> ParametersLiteral {
    ParametersLiteral {
        log_n,
        main_bits: vec![40, 30, 30, 30],
        special_bits: vec![40, 40],
        secret: SecretDistribution::UniformTernary,
        ephemeral_weight: None,
        insecure: true,
        kernels: None,
    }
}

struct World {
    rng: ChaCha20Rng,
    client_ring: Parameters,
    client: SecretKey,
    evaluator: Evaluator,
}

/// A server at dimension 2^9 and a client at 2^`log_m`, whose ciphertexts have two levels.
fn world(log_m: u32) -> World {
    let params = Parameters::try_from(literal(9)).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let secret = SecretKey::generate(&params, &mut rng);
    let client_ring = params.client_ring_of(log_m, 2).unwrap();
    let client = SecretKey::generate(&client_ring, &mut rng);
    let mut request = KeyRequest::default();
    request.client_ring(&params, &client_ring);
    request.relinearization(&params, 2);
    let keys = request.generate_for(&secret, Some(&client), &mut rng);
    assert_eq!((keys.len(), keys.bytes()), (3, request.bytes(&params)));
    World { rng, client_ring, client, evaluator: Evaluator::new(&params, keys) }
}

fn worst(found: &[f64], wanted: impl Fn(usize) -> f64) -> f64 {
    assert_eq!(found.len(), VALUES.len());
    found.iter().enumerate().map(|(i, v)| (v - wanted(i)).abs()).fold(0.0, f64::max)
}

#[test]
fn a_product_of_the_server_comes_back_to_a_client_of_any_dimension() {
    for log_m in 5..=9 {
        let World { mut rng, client_ring, client, evaluator } = world(log_m);
        assert_eq!(client_ring.n(), 1 << log_m);
        let sent = client.encrypt_real(&VALUES, 2, SCALE, &mut rng).unwrap();
        let inside = evaluator.from_client(&sent).unwrap();
        assert_eq!((inside.level(), inside.scale(), inside.slots()), (2, SCALE, 4));
        let square = evaluator.square_rescale(&inside).unwrap();
        let back = evaluator.to_client(&client_ring, &square).unwrap();
        assert_eq!((back.level(), back.slots(), back.parts()[0].ring().n()), (0, 4, 1 << log_m));
        let error = worst(&client.decrypt_real(&back), |i| VALUES[i].powi(2));
        // Errors of deviation 3.2 in some hundred coefficients, and the rounding of three switches.
        assert!((1e-9..2e-5).contains(&error), "dimension 2^{log_m}: error {error:e}");
    }
}

#[test]
fn another_client_reads_nothing() {
    let World { mut rng, client_ring, client, evaluator } = world(6);
    let sent = client.encrypt_real(&VALUES, 2, SCALE, &mut rng).unwrap();
    let back = evaluator.to_client(&client_ring, &evaluator.from_client(&sent).unwrap()).unwrap();
    let other = SecretKey::generate(&client_ring, &mut rng);
    assert!(worst(&client.decrypt_real(&back), |i| VALUES[i]) < 1e-5);
    assert!(worst(&other.decrypt_real(&back), |i| VALUES[i]) > 1.0);
}

#[test]
fn a_public_key_belongs_to_one_secret() {
    let World { mut rng, client_ring, client, .. } = world(6);
    let public = PublicKey::generate(&client, &mut rng);
    let other = SecretKey::generate(&client_ring, &mut rng);
    assert!(public.belongs_to(&client) && !public.belongs_to(&other));
}

#[test]
fn a_seeded_ciphertext_is_the_ciphertext_at_half_the_bytes() {
    let World { mut rng, client_ring, client, .. } = world(8);
    let plain = client_ring.encode_real(&VALUES, SCALE, Basis::main(3)).unwrap();
    let seeded = client.encrypt_seeded(&plain, &mut rng);
    let bytes = seeded.to_bytes(&client_ring).unwrap();
    assert_eq!(
        [seeded.serialized_len(), SeededCiphertext::serialized_len_at(&client_ring, 2)],
        [bytes.len() as u64; 2]
    );
    let read = SeededCiphertext::from_bytes(&client_ring, &bytes).unwrap();
    assert!(read == seeded);
    let whole = read.expand();
    assert!(worst(&client.decrypt_real(&whole), |i| VALUES[i]) < 1e-5);
    let halves = 2 * (bytes.len() - 36 - 16 - 16 - 32) + 36 + 16 + 16;
    assert_eq!(whole.to_bytes(&client_ring).unwrap().len(), halves);
    assert_eq!(Ciphertext::serialized_len_at(&client_ring, 2), halves as u64);
}

#[test]
fn what_a_client_ring_cannot_hold_is_an_error() {
    let World { mut rng, client_ring, client, evaluator } = world(5);
    let params = evaluator.params();
    for (log_m, level) in [(4, 1), (10, 1), (5, 4)] {
        assert!(params.client_ring_of(log_m, level).is_err(), "2^{log_m} at level {level}");
    }
    // Sixteen slots are all that a ring of 32 has.
    let many = client.encrypt_real(&[0.5; 16], 2, SCALE, &mut rng).unwrap();
    let many = evaluator.from_client(&many).unwrap();
    assert!(evaluator.to_client(&client_ring, &many).is_ok());
    let more = Ciphertext::from_parts(many.into_parts(), SCALE, 32);
    assert!(matches!(evaluator.to_client(&client_ring, &more), Err(CkksError::Slots { found: 32, max: 16 })));
    let without = Evaluator::new(params, EvaluationKeys::default());
    assert!(matches!(
        without.from_client(&client.encrypt_real(&VALUES, 1, SCALE, &mut rng).unwrap()),
        Err(CkksError::MissingKey { .. })
    ));
}

/// The smallest dimension is that of the tables for the primes of the client, or what the slots ask for.
#[test]
fn the_smallest_secure_ring_is_chosen() {
    let mut literal = literal(15);
    literal.insecure = false;
    literal.main_bits = vec![38, 32, 32, 32, 38, 38, 38, 38];
    let params = Parameters::try_from(literal).unwrap();
    let log_m = |level, slots| params.client_ring(level, slots).unwrap().log_n();
    // At most 105 bits at 2^12, 212 at 2^13; with a special prime of 40 bits.
    assert_eq!([0, 1, 3, 5].map(|level| log_m(level, 16)), [12, 13, 13, 14]);
    assert_eq!((log_m(3, 4096), log_m(3, 8192)), (13, 14));
    assert!(params.client_ring_of(12, 3).is_err(), "174 bits are too many at 2^12");
    let found = params.client_ring(3, 4096).unwrap();
    assert!(found.security_bits() >= 128 && (found.log_qp() - 174.0).abs() < 0.1);
    assert!([0, 3].into_iter().all(|level| found.prime(level) == params.prime(level)), "the server's primes");
    assert_ne!(found.digest(), params.digest());
}

#[test]
fn keys_in_a_mapped_file_are_those_that_were_written() {
    let World { mut rng, client_ring, client, evaluator } = world(6);
    let (params, folder) = (evaluator.params(), std::env::temp_dir());
    let path = folder.join(format!("fhe-ckks-mapped-{}.keys", std::process::id()));
    let bytes = evaluator.keys().to_bytes(params).unwrap();
    std::fs::write(&path, &bytes).unwrap();
    let mapped = EvaluationKeys::from_mapped(params, &MappedFile::open(&path).unwrap()).unwrap();
    assert!(mapped == *evaluator.keys());
    let mapped = Evaluator::new(params, mapped);
    let sent = client.encrypt_real(&VALUES, 2, SCALE, &mut rng).unwrap();
    let back =
        |evaluator: &Evaluator| evaluator.to_client(&client_ring, &evaluator.from_client(&sent).unwrap()).unwrap();
    assert!(back(&mapped) == back(&evaluator));

    // Each damage is refused as in a stream.
    for cut in [0, 20, 36, 100, bytes.len() / 2, bytes.len() - 17, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let (file, stream) = (MappedFile::open(&path).unwrap(), EvaluationKeys::from_bytes(params, &bytes[..cut]));
        let (found, wanted) = (EvaluationKeys::from_mapped(params, &file).unwrap_err(), stream.unwrap_err());
        assert_eq!(found.to_string(), wanted.to_string(), "{cut} bytes");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    std::fs::write(&path, &longer).unwrap();
    let error = EvaluationKeys::from_mapped(params, &MappedFile::open(&path).unwrap()).unwrap_err();
    assert!(matches!(error, SerialError::Trailing { .. }), "{error}");
    assert!(MappedFile::open(&folder).is_err(), "a folder");
    std::fs::remove_file(&path).unwrap();
}
