//! Bytes kept in `corpus/` with what reading them must give: objects of this format stay readable, and every way of
//! being malformed that was thought of or found stays refused for the same reason.
//!
//! `corpus/outcomes.tsv` has a line a file: its name, the kind it is read as, and `ok` or the error. After a change of
//! format, `cargo test -p fhe-ckks --test corpus -- --ignored` writes it anew; raise
//! [`VERSION`](fhe_ckks::serial::VERSION) then.
#![allow(missing_docs)]

mod frames;

use std::path::PathBuf;

use fhe_ckks::serial::Kind;
use fhe_ckks::*;
use frames::{CHECKSUM, HEADER, literal, rewrite, seal};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;

const VALUES: [f64; 4] = [0.5, -0.25, 0.125, 1.0];

fn corpus(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(file)
}

fn read(file: &str) -> Vec<u8> {
    let path = corpus(file);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn params() -> Parameters {
    Parameters::try_from(literal()).unwrap()
}

fn outcome(params: &Parameters, kind: Kind, bytes: &[u8]) -> String {
    match rewrite(params, kind, bytes) {
        Ok(again) if again == bytes => "ok".to_owned(),
        Ok(_) => "written differently".to_owned(),
        Err(e) => e.to_string(),
    }
}

#[test]
fn every_file_has_its_outcome() {
    let params = params();
    let outcomes = String::from_utf8(read("outcomes.tsv")).unwrap();
    let mut files = 0;
    for line in outcomes.lines() {
        let [file, kind, wanted] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("three columns: {line}") };
        let kind = Kind::ALL.into_iter().find(|known| known.to_string() == kind).unwrap();
        assert_eq!(outcome(&params, kind, &read(file)), wanted, "{file}");
        files += 1;
    }
    let kept = std::fs::read_dir(corpus("")).unwrap().count() - 1;
    assert_eq!(files, kept, "every file of the corpus has a line in outcomes.tsv");
}

/// Files of an earlier release keep their meaning: the keys compute with the ciphertext, and the secret decrypts it.
#[test]
fn kept_objects_still_work_together() {
    let params = params();
    let secret = SecretKey::from_bytes_secret(&params, &read("ok-secret-key.bin")).unwrap();
    let keys = EvaluationKeys::from_bytes(&params, &read("ok-evaluation-keys.bin")).unwrap();
    let public = PublicKey::from_bytes(&params, &read("ok-public-key.bin")).unwrap();
    let a = Ciphertext::from_bytes(&params, &read("ok-ciphertext.bin")).unwrap();
    let evaluator = Evaluator::new(&params, keys);
    let near = |found: &Ciphertext, wanted: &dyn Fn(usize) -> f64| {
        for (i, v) in secret.decrypt_real(found).iter().enumerate() {
            assert!((v - wanted(i)).abs() < 1e-5, "slot {i}: {v} for {}", wanted(i));
        }
    };
    near(&a, &|i| VALUES[i]);
    near(&evaluator.rotate(&a, 1).unwrap(), &|i| VALUES[(i + 1) % 4]);
    near(&evaluator.square_rescale(&a).unwrap(), &|i| VALUES[i].powi(2));
    let plain = params.encode_real(&VALUES, a.scale(), a.basis()).unwrap();
    near(&public.encrypt(&params, &plain, &mut ChaCha20Rng::seed_from_u64(1)), &|i| VALUES[i]);
}

#[test]
#[ignore = "writes the corpus anew: for a change of format"]
fn write() {
    let params = params();
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let secret = SecretKey::generate(&params, &mut rng);
    let mut request = KeyRequest::default();
    request.add(KeyKind::Relinearization, KeyShape { main: 2, special: 1, digit_len: 1 });
    request.rotation(&params, 1, 1);
    let keys = request.generate(&secret, &mut rng);
    let ciphertext = secret.encrypt_real(&VALUES, 1, 2f64.powi(30), &mut rng).unwrap().to_bytes(&params).unwrap();
    let (_, switching) = keys.iter().next().unwrap();
    let edited = |at: usize, field: &[u8]| {
        let mut bytes = ciphertext.clone();
        bytes[at..at + field.len()].copy_from_slice(field);
        bytes
    };
    // With the checksum put right.
    let forged = |at: usize, field: &[u8]| {
        let bytes = edited(HEADER + at, field);
        seal(&params, Kind::Ciphertext, &bytes[HEADER..bytes.len() - CHECKSUM])
    };
    let other = Parameters::try_from(ParametersLiteral { main_bits: vec![50, 31], ..literal() }).unwrap();
    let foreign = SecretKey::generate(&other, &mut rng).to_bytes_secret().unwrap();
    let plain = params.encode_real(&VALUES, 2f64.powi(30), fhe_ring::Basis::main(2)).unwrap();
    let seeded = secret.encrypt_seeded(&plain, &mut rng).to_bytes(&params).unwrap();
    let mut noise = vec![0; 100];
    rng.fill_bytes(&mut noise);
    let mut longer = ciphertext.clone();
    longer.push(0);
    let c = Kind::Ciphertext;
    let files: Vec<(&str, Kind, Vec<u8>)> = vec![
        ("ok-secret-key.bin", Kind::SecretKey, secret.to_bytes_secret().unwrap().to_vec()),
        ("ok-public-key.bin", Kind::PublicKey, PublicKey::generate(&secret, &mut rng).to_bytes(&params).unwrap()),
        ("ok-switching-key.bin", Kind::SwitchingKey, switching.to_bytes(&params).unwrap()),
        ("ok-evaluation-keys.bin", Kind::EvaluationKeys, keys.to_bytes(&params).unwrap()),
        ("ok-no-keys.bin", Kind::EvaluationKeys, EvaluationKeys::default().to_bytes(&params).unwrap()),
        ("ok-ciphertext.bin", c, ciphertext.clone()),
        ("ok-seeded-ciphertext.bin", Kind::SeededCiphertext, seeded),
        ("empty.bin", c, Vec::new()),
        ("noise.bin", c, noise),
        ("header-only.bin", c, ciphertext[..HEADER].to_vec()),
        ("truncated.bin", c, ciphertext[..ciphertext.len() / 2].to_vec()),
        ("trailing.bin", c, longer),
        ("flipped-residue-bit.bin", c, edited(100, &[!ciphertext[100]])),
        ("version-1.bin", c, edited(8, &[1])),
        ("wrong-kind.bin", Kind::PublicKey, ciphertext.clone()),
        ("unknown-kind.bin", c, edited(10, &[200])),
        ("foreign-parameters.bin", Kind::SecretKey, foreign.to_vec()),
        ("endless.bin", c, edited(28, &[0xff; 8])),
        ("no-primes.bin", c, forged(0, &[0])),
        ("too-many-primes.bin", c, forged(0, &[0xff; 4])),
        ("other-level.bin", c, forged(0, &[3])),
        ("three-slots.bin", c, forged(4, &[3])),
        ("too-many-slots.bin", c, forged(4, &[32])),
        ("scale-zero.bin", c, forged(8, &[0; 8])),
        ("scale-negative.bin", c, forged(8, &(-1f64).to_le_bytes())),
        ("scale-nan.bin", c, forged(8, &f64::NAN.to_le_bytes())),
        ("scale-infinite.bin", c, forged(8, &f64::INFINITY.to_le_bytes())),
        ("scale-subnormal.bin", c, forged(8, &(f64::MIN_POSITIVE / 2.0).to_le_bytes())),
        ("scale-above-modulus.bin", c, forged(8, &2f64.powi(81).to_le_bytes())),
        ("scale-huge.bin", c, forged(8, &2f64.powi(127).to_le_bytes())),
        ("unreduced-residue.bin", c, forged(16, &[0xff; 7])),
        ("secret-code-2.bin", Kind::SecretKey, seal(&params, Kind::SecretKey, &[2; 8])),
        ("endless-keys.bin", Kind::EvaluationKeys, seal(&params, Kind::EvaluationKeys, &[0xff; 4])),
        ("missing-keys.bin", Kind::EvaluationKeys, seal(&params, Kind::EvaluationKeys, &[3, 0, 0, 0])),
        (
            "even-galois.bin",
            Kind::EvaluationKeys,
            seal(&params, Kind::EvaluationKeys, &[1, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0, 0]),
        ),
        (
            "digit-of-nothing.bin",
            Kind::SwitchingKey,
            seal(&params, Kind::SwitchingKey, &[1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]),
        ),
    ];
    std::fs::create_dir_all(corpus("")).unwrap();
    let mut outcomes = String::new();
    for (file, kind, bytes) in files {
        let found = outcome(&params, kind, &bytes);
        assert_eq!(found == "ok", file.starts_with("ok-"), "{file}: {found}");
        outcomes += &format!("{file}\t{kind}\t{found}\n");
        std::fs::write(corpus(file), bytes).unwrap();
    }
    std::fs::write(corpus("outcomes.tsv"), outcomes).unwrap();
}
