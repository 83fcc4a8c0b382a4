//! The simulated backend in `run`: its noise step by step, its label, and equal results on any number of threads.
#![allow(missing_docs)]

mod common;

use std::path::Path;

use cipherlab::records::Run;
use common::cipherlab;

fn simulate(folder: &Path, name: &str, more: &str) -> common::Run {
    let config = folder.join(format!("{name}.toml"));
    let text = format!(
        "name = \"{name}\"\nquestion = \"How large is the noise?\"\n[data]\nimages = \"0..3\"\n[backend]\n\
         kind = \"simulated\"\ntrace = true\nseed = 5\n{more}\n[sweep]\nring_dim = [65536]\n\
         relu = [\"chebyshev:59\", \"chebyshev:63\"]\npacking = [\"fused\"]\n"
    );
    std::fs::write(&config, text).unwrap();
    cipherlab(&["run", config.to_str().unwrap(), "--out", folder.join(name).to_str().unwrap()], None)
}

#[test]
fn rows_hold_the_noise_and_say_whose_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = [("one", "threads = 1"), ("two", "threads = 2")].map(|(name, threads)| {
        let run = simulate(folder.path(), name, threads);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(
            run.stderr.contains("activation of the noise model: found chebyshev:59, wanted chebyshev:63"),
            "{}",
            run.stderr
        );
        Run::read(&folder.path().join(name)).unwrap()
    });
    assert_eq!((&one.images, &one.layers), (&two.images, &two.layers), "an image's noise is its own");
    assert!(one.provenance.noise_sha256.is_some());

    let [own, borrowed] = &one.cases[..] else { panic!("two cases") };
    assert_eq!(own.backend, "simulated");
    assert_eq!(borrowed.backend, "simulated with noise of 65536-chebyshev:59-fused");
    assert_eq!((own.images, own.failed, own.correct), (3, 0, 3));
    // Encrypted images have errors of about 2e-4. Two-sided: a simulation without noise would be a fault.
    for image in &one.images {
        let error = image.max_abs_error.unwrap();
        assert!((2e-5..4e-3).contains(&error), "logits of image {} err by {error}", image.image);
        assert_eq!(image.class, image.plain_class);
    }
    assert_eq!(one.layers.len(), 2 * 3 * 58);
    let errors = |op: &str| -> Vec<f64> {
        one.layers.iter().filter(|row| row.op == op).map(|row| row.max_abs_error.unwrap()).collect()
    };
    // The first layer has only the noise of a convolution, which is far below that of a bootstrap.
    let (convolution, bootstrap) = (errors("convolution")[0], errors("bootstrap")[0]);
    assert!(convolution > 0.0 && bootstrap > 10.0 * convolution, "{convolution}, {bootstrap}");
    assert!(one.layers.iter().all(|row| row.latency_s.is_none() && row.level.is_some()));
}

#[test]
fn a_noise_model_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("noise.json"), "{}").unwrap();
    for (name, more, words) in [
        ("absent", "noise = \"absent.json\"", ["backend.noise", "absent.json", "No such file"]),
        ("empty", "noise = \"noise.json\"", ["backend.noise", "noise model", "missing field"]),
    ] {
        let run = simulate(folder.path(), name, more);
        assert_eq!((run.code, run.stderr.lines().count()), (Some(2), 1), "{}", run.stderr);
        words.iter().for_each(|word| assert!(run.stderr.contains(word), "no '{word}' in {}", run.stderr));
        assert!(!folder.path().join(name).exists(), "nothing was begun");
    }
}
