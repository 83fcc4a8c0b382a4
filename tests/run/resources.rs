//! Sweeps over threads and kernels.

use cipherlab::records::{CaseRow, ImageRow};
use fhe_ring::Kernels;

use super::place::{Place, ended_well};
use crate::common::cipherlab;
use crate::tiny;

/// Returns the images of a case without its name and without seconds.
fn without_times(images: &[ImageRow], case: &CaseRow) -> Vec<ImageRow> {
    let blank = |row: &ImageRow| ImageRow {
        case: String::new(),
        encrypt_s: None,
        latency_s: None,
        decrypt_s: None,
        overhead_s: None,
        energy_j: None,
        ..row.clone()
    };
    images.iter().filter(|row| row.case == case.case).map(blank).collect()
}

#[test]
fn a_simulation_is_the_same_on_any_number_of_threads() {
    let place = Place::new("0..3", false);
    place.configure(
        "name = \"threads\"\nquestion = \"Do threads change a result?\"\n[data]\nimages = \"0..3\"\n[backend]\n\
         kind = \"simulated\"\n[sweep]\nrelu = [\"chebyshev:59\"]\nthreads = [1, 3, 2]\n[[exclude]]\nthreads = 3\n",
    );
    ended_well(&place.run("out", &[]));
    let run = place.read("out");
    let names: Vec<&str> = run.cases.iter().map(|row| row.case.as_str()).collect();
    assert_eq!(names, ["simulated-65536-chebyshev:59-fused-threads:1", "simulated-65536-chebyshev:59-fused-threads:2"]);
    assert_eq!((run.cases[0].threads, run.cases[1].threads, run.provenance.threads), (Some(1), Some(2), 2));
    assert_eq!(without_times(&run.images, &run.cases[0]), without_times(&run.images, &run.cases[1]));
}

/// A network of seven activations in an INSECURE ring of dimension 2^13.
#[test]
fn threads_and_kernels_are_axes_of_an_encrypted_sweep() {
    let place = Place::new("0..1", false);
    tiny::write(&place.path("weights"), [3, 1], 1);
    let fastest = Kernels::available()[0].name();
    let config = |backend: &str, sweep: &str| {
        format!(
            "name = \"axes\"\nquestion = \"Who is faster?\"\n[model]\nweights = \"weights\"\n[data]\nimages = \"0..1\"\n\
             [backend]\nkind = \"encrypted\"\ninsecure = true\n{backend}\n[sweep]\nrelu = [\"chebyshev:7\"]\n\
             ring_dim = [8192]\n{sweep}\n"
        )
    };
    place.configure(&config(
        "",
        &format!(
            "threads = [1, 2]\nkernels = [\"{fastest}\", \"scalar\"]\n[[exclude]]\nthreads = 1\nkernels = \"scalar\""
        ),
    ));
    ended_well(&place.run("sweep", &[]));
    let run = place.read("sweep");
    let base = "encrypted-8192-chebyshev:7-fused";
    let wanted = [(1, fastest), (2, fastest), (2, "scalar")];
    assert_eq!(run.cases.len(), wanted.len());
    for (case, (threads, kernels)) in run.cases.iter().zip(wanted) {
        assert_eq!(case.case, format!("{base}-threads:{threads}-{kernels}-insecure"));
        assert_eq!((case.threads, case.kernels.as_deref(), case.failed), (Some(threads), Some(kernels), 0));
        assert_eq!(without_times(&run.images, case), without_times(&run.images, &run.cases[0]), "{}", case.case);
    }
    assert_eq!(run.provenance.kernels, format!("{fastest}, scalar"));

    let figure = |folder: &str| {
        let (folder, out) = (place.path(folder), place.path("plots"));
        let [folder, out] = [&folder, &out].map(|path| path.to_str().unwrap());
        cipherlab(&["plot", "--figure", "speedup", "--out", out, folder], None)
    };
    ended_well(&figure("sweep"));
    let svg = place.text("plots/axes-speedup.svg");
    let series = format!("encrypted, {fastest}, below 128 bits");
    let words = ["Speed-up against threads · axes", "speed-up over 1 thread", &series];
    words.iter().for_each(|word| assert!(svg.contains(word), "no '{word}'"));

    // A run with as many threads and the same kernels as one of the cases is held against that case.
    place.configure(&config("threads = 1", ""));
    ended_well(&place.run("alone", &[]));
    let [a, b] = ["alone", "sweep"].map(|name| place.path(name).to_str().unwrap().to_owned());
    let compared = cipherlab(&["compare", &a, &b, "--accept", "security,dirty", "--format", "csv"], None);
    ended_well(&compared);
    let pairs: Vec<&str> = compared.stdout.lines().skip(1).map(|line| line.split(",latency").next().unwrap()).collect();
    assert!(
        pairs[0].contains(&format!("{base}-insecure")) && pairs[0].contains(&format!("threads:1-{fastest}")),
        "{pairs:?}"
    );
    assert!(!compared.stdout.contains("other threads") && !compared.stdout.contains("other kernels"));
    let nothing = figure("alone");
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.stderr.contains("`threads = [1, 2]` in [sweep]"), "{}", nothing.stderr);
}
