//! Manifests that clients and servers can use, and those that they refuse.

use super::*;
use crate::case::{CaseSpec, HEADROOM, Model};
use fhe_nn::encrypted::Packing;
use serde_json::{Value, json};

fn manifest() -> Value {
    let spec =
        CaseSpec { ring_dim: 1 << 15, relu: "chebyshev:7".parse().unwrap(), packing: Packing::Fused, profile: None };
    let case = Case::new(&spec, Model::embedded(HEADROOM).unwrap(), None).unwrap();
    let file = || File { bytes: 100, checksum: "00".to_owned() };
    serde_json::to_value(Manifest::new(&case, file(), file()).unwrap()).unwrap()
}

#[test]
fn a_client_needs_the_manifest_only() {
    let found = Manifest::parse(&manifest().to_string()).unwrap();
    let ring = found.client_ring().unwrap();
    let interface = found.interface();
    assert_eq!((ring.n(), ring.max_level(), interface.slots(), interface.classes), (8192, 2, 4096, 10));
    assert_eq!(found.normalisation(), Normalisation::CIFAR10);
}

#[test]
fn what_no_client_can_use_is_refused_by_name() {
    let good = manifest();
    for (pointer, value, words) in [
        ("/format", json!(2), "format: found 2, wanted 1"),
        ("/input/images", json!(0), "input.images: found 0, wanted 1 to 1024"),
        ("/input/images", json!(512), "client_ring: found 4096 slots"),
        ("/input/level", json!(18), "input.level: found 18"),
        ("/input/log2_scale", json!(-1.0), "input.log2_scale: found -1, wanted 1 to 120"),
        ("/input/std/1", json!(0.0), "input.std"),
        ("/input/mean/0", json!(125.3), "input.mean"),
        ("/output/classes", json!(["cat"]), "output.classes: found 1, wanted 2 to 1000"),
        ("/output/logit_bound", json!(-3.0), "output.logit_bound"),
        ("/output/digits", json!(18), "output.digits: found 18"),
        ("/ring/main_bits", json!(vec![38; 1000]), "ring: found 1006 primes, wanted 2 to 256"),
        ("/ring/main_bits", json!(vec![38; 24]), "insecure: log_n = 15"),
        ("/ring/main_bits/0", json!(9), "ring"),
        ("/ring/log_n", json!(60), "2^60"),
        ("/ring/digest", json!("0123"), "ring: the manifest states the identity 0123"),
        ("/client_ring/log_n", json!(12), "insecure: log_n = 12"),
        ("/client_ring/log_n", json!(16), "log2 of the dimension of a client's ring: found 16"),
        ("/client_ring/digest", json!("0123"), "client_ring: the manifest states the identity 0123"),
        ("/output", json!(null), "not a manifest"),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        let error = Manifest::parse(&bad.to_string()).and_then(|found| found.client_ring());
        let error = format!("{:#}", error.expect_err(pointer));
        assert!(error.contains(words), "{pointer}: wanted '{words}' in: {error}");
    }
    let text = good.to_string();
    for cut in [0, 1, text.len() / 2, text.len() - 1] {
        assert!(Manifest::parse(&text[..cut]).is_err(), "{cut} bytes");
    }
}
