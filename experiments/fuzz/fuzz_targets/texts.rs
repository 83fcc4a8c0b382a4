//! Arbitrary text as each text that travels between programs: an error, or something that can be used.
#![no_main]

use cipherlab::contract::{pixels, predictions};
use cipherlab::roles::manifest::Manifest;
use cipherlab::roles::parcel::Parcel;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(manifest) = Manifest::parse(text) {
        let _ = manifest.client_ring();
    }
    if let Ok(parcel) = Parcel::parse(text) {
        assert!((0..parcel.ciphertexts()).map(|k| parcel.images_of(k)).all(|images| images > 0));
    }
    if let Ok(images) = pixels::read(text) {
        assert!(images.iter().flatten().all(|value| (0.0..=1.0).contains(value)));
    }
    if let Ok(classes) = predictions::read(text, text.lines().count()) {
        assert!(classes.iter().flatten().all(|&class| class < 10));
    }
});
