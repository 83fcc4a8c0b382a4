//! The rows of a run: their values, failures, marks of insecurity, samples.

use std::path::Path;

use cipherlab::records::{ExactRow, ImageRow, Run, rows};

use super::place::{Place, ended_well, refused};

#[test]
fn every_file_is_written() {
    let place = Place::new("0..4", true);
    let output = place.run("out", &[]);
    ended_well(&output);
    assert_eq!(output.stderr.lines().count(), 3, "a line a case: {}", output.stderr);
    assert!(output.stderr.starts_with("case 1/3 plain-exact: 4 of 4 right"), "{}", output.stderr);
    assert!(output.stdout.starts_with("fixture: Is nothing lost?\n"), "{}", output.stdout);

    let run = place.read("out");
    assert_eq!(run.config, std::fs::read_to_string(place.path("config")).unwrap());
    assert!(run.complete() && run.provenance.ended.is_some());
    assert_eq!((run.provenance.planned_images, run.provenance.name.as_str()), (12, "fixture"));
    let ids: Vec<&str> = run.cases.iter().map(|row| row.case.as_str()).collect();
    assert_eq!(ids, ["plain-exact", "plain-chebyshev:13", "plain-chebyshev:27"]);
    assert!(run.cases.iter().all(|row| row.images == 4 && row.plain_accuracy == Some(1.0) && row.ring_dim.is_none()));
    assert_eq!((run.cases[0].accuracy, run.cases[0].flips, run.cases[0].mcnemar_p), (Some(1.0), 0, Some(1.0)));
    assert!(run.cases[1].flips > 0, "degree 13 is too low for this network");
    let exact: Vec<ExactRow> = rows(&place.path("out")).unwrap();
    assert_eq!(exact.iter().map(|row| row.image).collect::<Vec<_>>(), [0, 1, 2, 3]);

    // 19 convolutions, 19 activations, a classifier.
    assert_eq!(run.layers.len(), 12 * 39);
    let of = |case: &'static str| run.layers.iter().filter(move |row| row.case == case);
    assert!(of("plain-exact").all(|row| row.approximation_max_error == Some(0.0) && row.max_abs_error.is_none()));
    let mean = |case: &'static str| of(case).map(|row| row.approximation_mean_error.unwrap()).sum::<f64>();
    assert!(mean("plain-chebyshev:13") > 2.0 * mean("plain-chebyshev:27"));
    assert!(mean("plain-chebyshev:27") > 0.0);
    assert!(of("plain-exact").all(|row| row.overflow.is_some() == (row.op == "activation")));
}

/// Encrypts an image in a ring that is too small to be secure, as the config allows. The name of the case says so in
/// every row, bootstraps have a precision of their own, and the harness takes less than a hundredth of the time.
#[test]
fn an_insecure_run_says_so_in_every_row() {
    let place = Place::new("0", true);
    place.configure(
        "name = \"fixture\"\nquestion = \"What does security cost?\"\n[data]\nimages = \"0\"\n[backend]\n\
         kind = \"encrypted\"\ninsecure = true\ntrace = true\nseed = 1\n[sweep]\nring_dim = [32768]\n\
         relu = [\"chebyshev:1023\"]\n",
    );
    ended_well(&place.run("out", &[]));
    let run = Run::read(&place.path("out")).unwrap();
    let [case] = &run.cases[..] else { panic!("one case") };
    assert_eq!((case.ring_dim, case.security), (Some(32768), Some(0)));
    assert!(case.log_qp.unwrap() > case.log_qp_limit.unwrap());
    let stamped = |case: &str| case.ends_with("-insecure");
    assert!(stamped(&case.case) && run.images.iter().all(|row| stamped(&row.case)));
    assert!(run.layers.len() == 58 && run.layers.iter().all(|row| stamped(&row.case)));
    assert_eq!((run.images[0].class, run.images[0].error.as_deref()), (run.images[0].plain_class, None));

    let own: Vec<f64> = run.layers.iter().filter_map(|row| row.own_precision_bits).collect();
    assert_eq!(own.len(), 19, "only bootstraps have it");
    // Two-sided: a bootstrap that adds no noise would be a fault.
    assert!(own.iter().all(|bits| (14.0..26.0).contains(bits)), "{own:?}");
    assert!(run.layers.iter().all(|row| row.own_precision_bits.is_none() || row.op == "bootstrap"));

    let image = &run.images[0];
    let parts =
        [image.encrypt_s, image.latency_s, image.decrypt_s, image.trace_s, image.overhead_s].map(Option::unwrap);
    assert!(parts.iter().all(|&seconds| seconds > 0.0), "{parts:?}");
    let overhead = case.overhead.unwrap();
    println!("harness: {:.3} % of an encrypted image; {parts:?} s", 100.0 * overhead);
    assert!(overhead < 0.01, "the harness takes {overhead} of an image");
}

/// With intervals that are far too narrow, the polynomials grow without bound.
#[test]
fn failures_are_rows_and_the_sweep_goes_on() {
    let place = Place::new("0..3", false);
    place.edit("config", "[data]", "[model]\nheadroom = 0.1\n[data]");
    let output = place.run("out", &[]);
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    let run = place.read("out");
    assert!(run.complete());
    let classless: Vec<_> = run.images.iter().filter(|row| row.class.is_none()).collect();
    assert!(
        !classless.is_empty()
            && classless.iter().all(|row| row.error.as_ref().unwrap().contains("left their intervals"))
    );
    let case = &run.cases[2];
    assert_eq!((case.images, case.failed, case.correct, case.accuracy), (3, 0, 0, Some(0.0)));
    // The row of the case, its line and the last line count the same images.
    assert_eq!(case.without_class, Some(3));
    let without_class = run.images.iter().filter(|row| row.class.is_none()).count();
    assert!(output.stderr.contains(", 3 without a class\n") && !output.stderr.contains("failed"), "{}", output.stderr);
    let last = format!("3 cases, 9 evaluations, {without_class} without a class\n");
    assert!(output.stdout.ends_with(&last), "{}", output.stdout);
    assert_eq!(run.cases[0].accuracy, Some(1.0), "the exact case has no interval");
    // An image without a class is done: it is not evaluated again.
    let again = place.run("out", &[]);
    assert_eq!((again.code, again.stderr.as_str()), (Some(1), ""));
}

#[test]
fn a_model_that_belies_its_card_is_refused() {
    let place = Place::new("0..100", false);
    std::fs::write(place.path("w.safetensors"), datasets::pretrained::RESNET20).unwrap();
    std::fs::write(place.path("card.json"), datasets::pretrained::RESNET20_CARD).unwrap();
    // A card without the normalisation of the training.
    let mut card: serde_json::Value = serde_json::from_str(datasets::pretrained::RESNET20_CARD).unwrap();
    let claimed = format!("wanted the {:.2} %", 100.0 * card["test_accuracy"].as_f64().unwrap());
    card["mean"] = serde_json::json!([0.0, 0.0, 0.0]);
    card["std"] = serde_json::json!([1.0, 1.0, 1.0]);
    std::fs::write(place.path("bare.json"), card.to_string()).unwrap();
    place.edit("config", "[data]", "[model]\nweights = \"w.safetensors\"\ncard = \"bare.json\"\n[data]");
    refused(&place.run("out", &[]), &["model.card", "of 100 images right", &claimed, "mean and std"]);
    assert!(!Path::new(&place.path("out")).exists());
    place.edit("config", "bare.json", "card.json");
    place.edit("config", "\"exact\", \"chebyshev:13\", \"chebyshev:27\"", "\"exact\"");
    ended_well(&place.run("out", &[]));
}

#[test]
fn samples_are_runs_too() {
    let place = Place::new("0..100", false);
    place.edit("config", "images = \"0..100\"", "images = \"0..60\"\nsample = { smallest_margin = 5 }");
    ended_well(&place.run("out", &[]));
    let run = place.read("out");
    let margin = |row: &&ImageRow| row.margin;
    let largest = run.images.iter().map(|row| margin(&row)).fold(0.0, f64::max);
    let all = Place::new("0..60", false);
    ended_well(&all.run("out", &[]));
    let smaller = rows::<ExactRow>(&all.path("out")).unwrap().iter().filter(|row| row.margin <= largest).count();
    assert_eq!((run.images.len(), smaller), (15, 5));
    // A second run takes the images that the first one chose.
    ended_well(&place.run("out", &[]));
}
