//! Arbitrary bytes as each kind of object: an error, or an object with these bytes and no others.
#![no_main]

#[path = "../../tests/frames/mod.rs"]
mod frames;

use std::sync::LazyLock;

use fhe_ckks::Parameters;
use fhe_ckks::serial::{Kind, MAGIC};
use frames::{CHECKSUM, HEADER, literal, rewrite, seal};
use libfuzzer_sys::fuzz_target;

static PARAMS: LazyLock<Parameters> = LazyLock::new(|| Parameters::try_from(literal()).expect("valid"));

fn check(kind: Kind, bytes: &[u8]) {
    if let Ok(again) = rewrite(&PARAMS, kind, bytes) {
        assert_eq!(again, bytes, "{kind} has two encodings");
    }
}

// A checksum cannot be guessed: beside the bytes as they are, their payload is tried in a right frame of each kind.
fuzz_target!(|bytes: &[u8]| {
    let framed = bytes.starts_with(&MAGIC) && bytes.len() >= HEADER + CHECKSUM;
    let payload = if framed { &bytes[HEADER..bytes.len() - CHECKSUM] } else { bytes };
    for kind in Kind::ALL {
        check(kind, bytes);
        check(kind, &seal(&PARAMS, kind, payload));
    }
});
