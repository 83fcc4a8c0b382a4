//! Wrong arguments end the program with one line and exit code 2, before any long work starts.
#![allow(missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::cipherlab;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

/// Asserts that `classify` with these arguments is refused in one line that holds each of `words`.
fn refused(arguments: &[&str], words: &[&str]) {
    refused_by("classify", arguments, words);
}

fn refused_by(command: &str, arguments: &[&str], words: &[&str]) {
    let run = cipherlab(&[&[command], arguments].concat(), None);
    let line = run.stderr.trim_end();
    assert_eq!(run.code, Some(2), "{arguments:?}: {line}");
    assert_eq!(run.stdout, "", "{arguments:?}");
    assert_eq!(line.lines().count(), 1, "{arguments:?}: {line}");
    assert!(line.starts_with("error: "), "{line}");
    for word in words {
        assert!(line.contains(word), "{arguments:?}: no '{word}' in '{line}'");
    }
}

#[test]
fn images() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.png");
    std::fs::write(&text, "not a picture").unwrap();
    refused(&["--image", text.to_str().unwrap()], &["notes.png", "wanted a PNG or JPEG"]);
    refused(&["--image", "absent.png"], &["absent.png", "No such file", "a range such as 0..20"]);
    refused(&["--image", "10000"], &["found index 10000", "wanted 0 to 9999"]);
    refused(&["--image", "98..103"], &["found index 100", "0 to 99 of the embedded sample", "datasets fetch"]);
    refused(&["--image", "9..3"], &["empty range '9..3'", "0..20"]);
    refused(&["--image", "1,,2"], &["nothing between commas"]);
}

/// An output that cannot be written is refused before hours of encryption. An existing file stays until there is a new
/// one.
#[test]
fn a_place_to_write_to() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("no/such/folder/noise.json");
    let nowhere = nowhere.to_str().unwrap();
    refused_by("calibrate", &["--image", "0", "--out", nowhere], &["--out", nowhere, "No such file or directory"]);
    let old = folder.path().join("noise.json");
    std::fs::write(&old, "an earlier model").unwrap();
    let old_name = old.to_str().unwrap();
    refused_by("calibrate", &["--relu", "gelu", "--out", old_name], &["--relu gelu"]);
    refused_by("calibrate", &["--max-memory", "1M", "--out", old_name], &["--max-memory", "wanted at most 1.0 MB"]);
    assert_eq!(std::fs::read_to_string(&old).unwrap(), "an earlier model");
}

#[test]
fn parameters() {
    refused(&["--ring-dim", "60000"], &["--ring-dim 60000", "power of two", "65536"]);
    refused(&["--ring-dim", "16384"], &["found 8192 slots, wanted the 16384", "32768 or more"]);
    refused(
        &["--ring-dim", "32768", "--relu", "chebyshev:1023"],
        &[
            "--ring-dim 32768",
            "128-bit limit",
            "would run: --ring-dim 65536 (same weights and polynomials), or ",
            "--weights resnet20-cosine-square (92.60 % of 10000 images right",
            "--relu chebyshev:255 (92.61 %",
            "or --insecure",
        ],
    );
    refused(&["--ring-dim", "262144"], &["too large", "131072"]);
    refused(&["--ring-dim", "many"], &["'many'", "--ring-dim"]);
    refused(&["--relu", "gelu"], &["--relu gelu", "chebyshev:59"]);
    refused(&["--relu", "chebyshev:x"], &["degree 'x'", "2 to 1023"]);
    refused(&["--relu", "chebyshev:100000"], &["'100000'", "2 to 1023"]);
    refused(
        &["--packing", "rows"],
        &["--packing", "unknown packing 'rows'", "fused", "vector", "multiplexed", "diagonal"],
    );
    for headroom in ["0", "inf", "NaN", "101"] {
        refused(&["--headroom", headroom], &["--headroom", &format!("found {headroom}"), "above 0 and at most 100"]);
    }
    refused(&["--headroom", "1e308"], &["--headroom", "at most 100"]);
    refused(&["--kernels", "neon"], &["--kernels", "'neon'", "scalar"]);
    refused(&["--backend", "neon"], &["--kernels", "'neon'", "scalar"]);
    for threads in ["0", "40000", "18446744073709551615"] {
        let words = [&format!("--threads {threads}"), "wanted 1 to "];
        refused(&["--threads", threads], &words);
        refused_by("plan", &["--threads", threads], &words);
    }
    refused(&["--threads", "-1"], &["--threads", "--help"]);
    refused(&["--frobnicate"], &["--frobnicate", "--help"]);
}

#[test]
fn memory() {
    refused(
        &["--max-memory", "300M"],
        &[
            "--max-memory 300M: predicted at least",
            "keys",
            "wanted at most 300.0 MB",
            "raise the limit; or use --ring-dim 32768 --relu cosine+square --weights resnet20-cosine-square (209.2 MB; ",
        ],
    );
    refused(
        &["--max-memory", "100M"],
        &["raise the limit; the least found is --ring-dim 32768 --relu chebyshev:7 --weights"],
    );
    refused(&["--max-memory", "much"], &["--max-memory", "'much'", "lean", "4G"]);
}

/// Writes the embedded weights after `change` to a file.
fn weights(path: &Path, change: impl FnOnce(&mut BTreeMap<String, (Vec<usize>, Vec<u8>)>)) {
    let file = SafeTensors::deserialize(datasets::pretrained::RESNET20).unwrap();
    let mut tensors: BTreeMap<_, _> =
        file.tensors().into_iter().map(|(name, view)| (name, (view.shape().to_vec(), view.data().to_vec()))).collect();
    change(&mut tensors);
    let views = tensors
        .iter()
        .map(|(name, (shape, data))| (name, TensorView::new(safetensors::Dtype::F32, shape.clone(), data).unwrap()));
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn weight_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let file = path.to_str().unwrap();
    refused(&["--weights", file], &["--weights", "w.safetensors", "a shipped network", "No such file"]);
    refused(&["--weights", "resnet20", "--card", file], &["--card", "found a card, wanted none", "resnet20"]);
    std::fs::write(&path, "no tensors").unwrap();
    refused(&["--weights", file], &["w.safetensors", "not a safetensors file"]);

    let name = "layer2.1.conv1.weight";
    weights(&path, |tensors| drop(tensors.remove(name)));
    refused(&["--weights", file], &["w.safetensors", name, "not found"]);
    weights(&path, |tensors| tensors.get_mut(name).unwrap().0 = vec![9, 32, 32, 1]);
    refused(&["--weights", file], &[name, "found shape [9, 32, 32, 1]", "wanted [32, 32, 3, 3]"]);
    weights(&path, |tensors| tensors.get_mut(name).unwrap().1[4..8].copy_from_slice(&f32::NAN.to_le_bytes()));
    refused(&["--weights", file], &[name, "found NaN at element 1", "finite"]);

    weights(&path, |_| ());
    let card = folder.path().join("card.json");
    std::fs::write(&card, "{}").unwrap();
    refused(&["--weights", file, "--card", card.to_str().unwrap()], &["card.json", "missing field"]);
    refused(&["--card", card.to_str().unwrap()], &["--weights", "--help"]);
}
