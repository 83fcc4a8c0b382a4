//! The end of a run.

use super::place::{Place, ended_well, refused, same_rows, write};

#[test]
fn a_complete_run_stays_as_it_is() {
    let place = Place::new("0..2", false);
    ended_well(&place.run("out", &[]));
    let before = std::fs::read(place.path("out/run.json")).unwrap();
    let again = place.run("out", &[]);
    ended_well(&again);
    assert_eq!(again.stderr, "", "no case was run");
    assert!(again.stdout.contains("case 1/3 plain-exact: 2 of 2 right"), "{}", again.stdout);
    assert!(again.stdout.ends_with("finished before; 3 cases, 6 evaluations\n"), "{}", again.stdout);
    assert_eq!(std::fs::read(place.path("out/run.json")).unwrap(), before);
    // As if the run had been stopped after the last row, before its end was noted.
    let ended = format!("{:?}", place.read("out").provenance.ended.unwrap());
    place.edit("out/run.json", &format!("\"ended\": {ended}"), "\"ended\": null");
    std::fs::write(place.path("out/config.toml"), "").unwrap();
    ended_well(&place.run("out", &[]));
    let run = place.read("out");
    assert!(run.provenance.ended.is_some());
    assert_eq!(run.config, std::fs::read_to_string(place.path("config")).unwrap());
}

/// A run without its last row, or without the note of its end, is not complete.
#[test]
fn a_run_is_complete_when_it_has_ended() {
    let place = Place::new("0..2", false);
    ended_well(&place.run("out", &[]));
    let whole = place.read("out");
    assert_eq!((whole.complete(), whole.provenance.planned_cases), (true, 3));
    write(&place.path("out"), &whole.cases[..2]);
    assert!(!place.read("out").complete(), "all images, but a case without its row");
    ended_well(&place.run("out", &[]));
    let mut run = place.read("out");
    same_rows(&run, &whole);
    assert!(run.complete());
    run.provenance.ended = None;
    assert!(!run.complete());
}

#[test]
fn one_process_at_a_time() {
    let place = Place::new("0..2", false);
    ended_well(&place.run("out", &[]));
    let copy = std::fs::File::open(place.path("out/config.toml")).unwrap();
    copy.lock().unwrap();
    // A finished run is read only: no lock is needed.
    ended_well(&place.run("out", &[]));
    write(&place.path("out"), &place.read("out").cases[..2]);
    refused(&place.run("out", &[]), &["another process is running there"]);
}
