use super::*;

#[test]
fn stages_are_those_of_the_harness() {
    let names: Vec<_> = Stage::ALL.iter().map(|stage| stage.name()).collect();
    let wanted = "client_key_generation server_preprocess_model client_preprocess_input client_encode_encrypt_input \
                  server_encrypted_compute client_decrypt_decode client_postprocess";
    assert_eq!(names.join(" "), wanted);
    assert!(Stage::ALL.is_sorted());
    assert_eq!(Stage::ONCE, [Stage::ClientKeyGeneration, Stage::ServerPreprocessModel]);
    assert_eq!((Stage::EACH.len(), Stage::EACH[0]), (5, Stage::ClientPreprocessInput));
    let untold: Vec<_> = Stage::ALL.into_iter().filter(|stage| !stage.takes_size()).collect();
    assert_eq!(untold, [Stage::ServerPreprocessModel]);
}

#[test]
fn a_script_comes_before_a_program_that_was_built() {
    let place = tempfile::tempdir().unwrap();
    let stage = Stage::ClientPostprocess;
    assert!(stage.command(place.path(), Size::Medium).is_none());
    let words = |stage: Stage| -> Vec<String> {
        let command = stage.command(place.path(), Size::Medium).unwrap();
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let root = format!("{}/", place.path().display());
        words.map(|word| word.to_str().unwrap().replace(&root, "")).collect()
    };
    std::fs::create_dir(place.path().join("build")).unwrap();
    for stage in [stage, Stage::ServerPreprocessModel] {
        std::fs::write(place.path().join("build").join(stage.name()), "").unwrap();
    }
    assert_eq!(words(stage), ["build/client_postprocess", "2"]);
    assert_eq!(words(Stage::ServerPreprocessModel), ["build/server_preprocess_model"]);
    std::fs::write(place.path().join("client_postprocess.py"), "").unwrap();
    assert_eq!(words(stage), ["python3", "client_postprocess.py", "2"]);
}

#[test]
fn sizes_hold_their_numbers_of_images() {
    for (at, size) in Size::ALL.into_iter().enumerate() {
        assert_eq!((size.number(), Size::of_number(at)), (at, Some(size)));
        assert_eq!(Size::holding(size.images()), Some(size));
    }
    assert_eq!(Size::of_number(4), None);
    let found = [0, 1, 2, 100, 101, 1_000, 1_001, 10_000, 10_001].map(Size::holding);
    let (small, medium, large) = (Some(Size::Small), Some(Size::Medium), Some(Size::Large));
    assert_eq!(found, [None, Some(Size::Single), small, small, medium, medium, large, large, None]);
}

#[test]
fn places_are_below_the_root() {
    let places = Instance::new(Path::new(""), Size::Single);
    assert_eq!(places.pixels(), Path::new("datasets/single/intermediate/test_pixels.txt"));
    assert_eq!(places.predictions(), Path::new("io/single/encrypted_model_predictions.txt"));
    let small = Instance::new(Path::new("/fork"), Size::Small);
    let folders = [small.public_keys(), small.secret_key(), small.intermediate(), small.upload(), small.download()];
    let names = folders.map(|folder| folder.strip_prefix("/fork/io/small").unwrap().display().to_string());
    assert_eq!(names, ["public_keys", "secret_key", "intermediate", "ciphertexts_upload", "ciphertexts_download"]);
    let counted: Vec<_> = Stage::ALL.into_iter().filter_map(|stage| small.counted_after(stage)).collect();
    assert_eq!(counted, [small.public_keys(), small.upload(), small.download()]);
}

#[test]
fn submissions_are_found_by_either_name() {
    let place = tempfile::tempdir().unwrap();
    assert_eq!(submission(place.path()), None);
    for name in ["submission", "submissions/cifar10"] {
        std::fs::create_dir_all(place.path().join(name)).unwrap();
        assert_eq!(submission(place.path()), Some(place.path().join(name)));
    }
}

#[test]
fn bytes_are_those_of_files_and_of_folders() {
    let place = tempfile::tempdir().unwrap();
    let (folder, inner) = (place.path().join("a"), place.path().join("a/b"));
    std::fs::create_dir_all(&inner).unwrap();
    let empty = bytes_in(&folder).unwrap();
    std::fs::write(inner.join("file"), [0; 1000]).unwrap();
    std::fs::write(folder.join("file"), [0; 24]).unwrap();
    assert_eq!(bytes_in(&folder).unwrap(), empty + 1024);
    let error = format!("{:#}", bytes_in(&folder.join("none")).unwrap_err());
    assert!(error.contains("/a/none: "), "{error}");
}
