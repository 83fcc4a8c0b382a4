//! Profiles from files as an axis of a sweep.

use std::path::Path;

use super::place::{Place, ended_well};
use crate::tiny;

/// A network of seven activations in an INSECURE ring of dimension 2^13, in the program's profile and in one from a file.
#[test]
fn profiles_are_an_axis_and_never_mix() {
    let place = Place::new("0..1", false);
    tiny::write(&place.path("weights"), [3, 1], 1);
    let known = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_configs/profiles/quick.toml");
    let profile = std::fs::read_to_string(known).unwrap();
    std::fs::create_dir(place.path("profiles")).unwrap();
    let write = |text: &str| std::fs::write(place.path("profiles/quick.toml"), text).unwrap();
    write(&profile);
    let config = |exclude: &str| {
        format!(
            "name = \"profiles\"\nquestion = \"Which circuit?\"\n[model]\nweights = \"weights\"\n[data]\nimages = \"0..1\"\n\
             [backend]\nkind = \"encrypted\"\ninsecure = true\n[sweep]\nrelu = [\"chebyshev:7\"]\nring_dim = [8192]\n\
             profile = [\"default\", \"profiles/quick.toml\"]\n{exclude}"
        )
    };
    place.configure(&config(""));
    ended_well(&place.run("both", &[]));
    let run = place.read("both");
    let base = "encrypted-8192-chebyshev:7-fused";
    let [own, quick] = &run.cases[..] else { panic!("{} cases", run.cases.len()) };
    let label = quick.profile.as_deref().expect("the label of the file");
    assert!(label.starts_with("quick-") && label.len() == 14, "{label}");
    assert_eq!((own.case.as_str(), own.profile.as_deref()), (format!("{base}-insecure").as_str(), None));
    assert_eq!(quick.case, format!("{base}-{label}-insecure"));
    assert_eq!((own.failed, quick.failed), (0, 0));
    assert_ne!(own.log_qp, quick.log_qp);
    // Real bootstraps of both: the class is the same, the noise is not.
    assert_eq!(run.images[0].class, run.images[1].class);
    let bits = run.images.iter().map(|row| row.precision_bits.unwrap()).collect::<Vec<_>>();
    assert!(bits.iter().all(|bits| (5.0..24.0).contains(bits)) && bits[0] != bits[1], "{bits:?}");
    assert_eq!(run.provenance.profiles.len(), 1);
    assert_eq!(run.provenance.profiles[0].name, "quick");

    // A finished run is shown again; with other numbers in the file it is another run.
    ended_well(&place.run("both", &[]));
    write(&profile.replace("base = 40", "base = 41"));
    let refused = place.run("both", &[]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("profiles: found other numbers in quick"), "{}", refused.stderr);

    place.configure(&config("[[exclude]]\nprofile = \"default\"\n"));
    ended_well(&place.run("one", &[]));
    let cases: Vec<String> = place.read("one").cases.into_iter().map(|case| case.case).collect();
    assert!(cases.len() == 1 && cases[0].starts_with(&format!("{base}-quick-")) && cases[0] != quick.case, "{cases:?}");
}
