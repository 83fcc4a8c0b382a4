//! Runs on pictures that a user brings.

use std::path::Path;

use cipherlab::records::Run;
use datasets::cifar::embedded_test_sample;

use super::place::{Place, ended_well, refused};
use crate::common::cipherlab;
use crate::npy;

/// A config over the set `set`, with these lines more in `[data]`.
fn place(set: &str, more: &str) -> Place {
    let place = Place::new("0", false);
    place.configure(&format!(
        "name = \"own\"\nquestion = \"Does it hold elsewhere?\"\n[data]\nset = \"{set}\"\n{more}\n[backend]\nkind = \"plain\"\n\
         [sweep]\nrelu = [\"exact\", \"chebyshev:13\"]\n"
    ));
    place
}

fn labels(count: usize) -> Vec<u8> {
    embedded_test_sample()[..count].iter().map(|image| image.label.unwrap() as u8).collect()
}

#[test]
fn a_labelled_array_has_the_rows_of_the_test_set() {
    let own = place("ten_data.npy", "");
    npy::pictures(own.path("ten_data.npy"), &embedded_test_sample()[..10]);
    npy::write(&own.path("ten_labels.npy"), "(10,)", &labels(10));
    let output = own.run("out", &[]);
    ended_well(&output);
    assert!(output.stderr.contains("ten_data.npy: labels are those of "), "{}", output.stderr);
    let test_set = Place::new("0..10", false);
    ended_well(&test_set.run("out", &[]));
    let (found, wanted) = (own.read("out"), test_set.read("out"));
    let rows = |run: &Run| -> Vec<_> {
        let rows = run.images.iter().filter(|row| row.case == "plain-exact");
        rows.map(|row| (row.image, row.label, row.class, row.margin)).collect()
    };
    assert_eq!((rows(&found), rows(&found).len()), (rows(&wanted), 10));
    assert_eq!(found.provenance.data_sha256, wanted.provenance.data_sha256);
    // The run is finished: it is only read.
    let again = own.run("out", &[]);
    assert!(again.stdout.contains("finished before"), "{}{}", again.stdout, again.stderr);
}

#[test]
fn a_labelled_array_is_simulated_and_has_tables() {
    // Named as the files of CIFAR-10.1.
    let own = Place::new("0", false);
    own.configure(
        "name = \"own\"\nquestion = \"Does it hold elsewhere?\"\n[data]\nset = \"cifar10.1_v6_data.npy\"\n[backend]\n\
         kind = \"simulated\"\nseed = 5\n[sweep]\nring_dim = [65536]\nrelu = [\"chebyshev:59\"]\npacking = [\"fused\"]\n",
    );
    npy::pictures(own.path("cifar10.1_v6_data.npy"), &embedded_test_sample()[..10]);
    // The first label is wrong.
    let labels = [vec![9], labels(10).split_off(1)].concat();
    npy::write(&own.path("cifar10.1_v6_labels.npy"), "(10,)", &labels);
    let output = own.run("out", &[]);
    ended_well(&output);
    let run = own.read("out");
    let [case] = &run.cases[..] else { panic!("one case") };
    assert_eq!((case.images, case.failed, case.accuracy), (10, 0, Some(case.correct as f64 / 10.0)));
    let right = run.images.iter().filter(|row| row.class == row.label.map(usize::from));
    assert_eq!(right.count(), case.correct);
    assert!(case.correct <= 9 && case.agreement == Some(1.0), "{} right", case.correct);
    let out = own.path("out");
    let accuracy = format!("{:.2}", 10.0 * case.correct as f64);
    let tables = cipherlab(&["tables", out.to_str().unwrap(), "--table", "accuracy"], None);
    assert_eq!(tables.code, Some(0), "{}", tables.stderr);
    assert!(tables.stdout.contains(&accuracy), "{accuracy}: {}", tables.stdout);
}

#[test]
fn pictures_without_labels_have_classes_and_no_accuracy() {
    let own = place("ten.npy", "sample = { random = 8 }");
    npy::pictures(own.path("ten.npy"), &embedded_test_sample()[..10]);
    let output = own.run("out", &[]);
    ended_well(&output);
    assert!(
        output.stderr.starts_with("case 1/2 plain-exact: 8 images without labels, 0 otherwise"),
        "{}",
        output.stderr
    );
    let run = own.read("out");
    for case in &run.cases {
        assert_eq!((case.accuracy, case.accuracy_lo, case.plain_accuracy, case.mcnemar_p), (None, None, None, None));
        assert_eq!((case.polynomial_accuracy, case.images, case.correct), (None, 8, 0));
        assert!(case.agreement.is_some());
    }
    assert!(run.images.iter().all(|row| row.label.is_none() && row.class.is_some()));
    let (out, folder) = (own.path("out"), own.path("plots"));
    let [out, folder] = [&out, &folder].map(|path| path.to_str().unwrap());
    for table in ["sweep", "accuracy", "parameters"] {
        let tables = cipherlab(&["tables", out, "--table", table], None);
        assert_eq!(tables.code, Some(0), "{table}: {}", tables.stderr);
    }
    let plot = cipherlab(&["plot", out, "--figure", "flips", "--out", folder], None);
    assert_eq!(plot.code, Some(0), "{}", plot.stderr);
    let compared = cipherlab(&["compare", out, out, "--case-a", "plain-exact", "--case-b", "plain-chebyshev:13"], None);
    assert!(compared.stdout.contains("the images have no labels"), "{}{}", compared.stdout, compared.stderr);
}

#[test]
fn a_folder_of_class_folders_is_a_set() {
    let own = place("pictures", "images = \"1..3\"");
    for (at, name) in ["cat", "ship"].iter().enumerate() {
        for side in [32, 32] {
            let folder = own.path("pictures").join(name);
            std::fs::create_dir_all(&folder).unwrap();
            let picture = image::RgbImage::from_pixel(side, side, image::Rgb([60 * at as u8; 3]));
            picture.save(folder.join("a.png")).unwrap();
            picture.save(folder.join("b.png")).unwrap();
        }
    }
    ended_well(&own.run("out", &[]));
    let found: Vec<_> = own.read("out").images.iter().take(2).map(|row| (row.image, row.label)).collect();
    assert_eq!(found, [(1, Some(3)), (2, Some(8))]);
}

#[test]
fn sets_and_labels_that_do_not_fit_are_refused() {
    let own = place("ten.npy", "");
    refused(&own.run("out", &[]), &["config:4: data.set = \"ten.npy\": ", "ten.npy: No such file"]);
    npy::pictures(own.path("ten.npy"), &embedded_test_sample()[..3]);
    npy::write(&own.path("other.npy"), "(3,)", &[0, 9, 10]);
    own.edit("config", "set = \"ten.npy\"\n", "set = \"ten.npy\"\nlabels = \"other.npy\"\n");
    let words = ["data.set = \"ten.npy\": found label 10 of image 2, wanted 0 to 9, the classes of the network"];
    refused(&own.run("out", &[]), &words);
    // `plan` sees it too.
    refused(&cipherlab(&["plan", own.path("config").to_str().unwrap()], None), &words);
    own.edit("config", "labels = \"other.npy\"\n", "");
    own.edit("config", "set = \"ten.npy\"\n", "set = \"ten.npy\"\nsample = { stratified = 2 }");
    refused(&own.run("out", &[]), &["data.sample.stratified = 2: found images without labels, wanted random"]);
    own.edit("config", "sample = { stratified = 2 }", "images = \"0..4\"");
    refused(&own.run("out", &[]), &["data.images = \"0..4\": found index 3, wanted 0 to 2, the set's"]);
    own.edit("config", "set = \"ten.npy\"\n", "labels = \"labels.npy\"\n");
    refused(&own.run("out", &[]), &["data.labels = \"labels.npy\": found labels without data.set, wanted both"]);
    assert!(!own.path("out").exists());
}

#[test]
fn classify_numbers_the_pictures_of_a_set() {
    let own = place("none", "");
    let set = npy::pictures(own.path("one.npy"), &embedded_test_sample()[..1]);
    let refusal = |set: &Path, image: &str| {
        let run = cipherlab(&["classify", "--set", set.to_str().unwrap(), "--image", image], None);
        refused(&run, &[]);
        run.stderr
    };
    assert!(refusal(&set, "1").contains("--image 1: found index 1, wanted 0 to 0, the set's"));
    assert!(refusal(&own.path("absent.npy"), "0").contains("--set: "));
}
