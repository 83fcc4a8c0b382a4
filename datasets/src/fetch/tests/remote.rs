use super::server::{Answer, Server};
use super::*;

fn remote(server: &Server, content: &[u8]) -> Remote {
    Remote { url: server.url.clone().into(), sha256: digest::sha256(content).into() }
}

fn quiet(_: Progress) {}

#[test]
fn a_download_is_checked_installed_and_tidied_away() {
    let (_folder, cache) = cache();
    let content = archive(&official());
    let server = Server::start(content.clone(), &[Answer::Full]);
    let mut last = (0, None);
    let progress = &mut |p: Progress| {
        if let Progress::Downloading { received, total } = p {
            last = (received, total);
        }
    };
    cache.fetch(&Source::Remote(remote(&server, &content)), progress).unwrap();
    assert_whole(&cache);
    assert_eq!(last, (content.len() as u64, Some(content.len() as u64)));
}

#[test]
fn a_cut_download_resumes_where_it_stopped() {
    let (_folder, cache) = cache();
    let content = archive(&npm());
    let server = Server::start(content.clone(), &[Answer::Cut(1000), Answer::Cut(234), Answer::Full]);
    let source = Source::Remote(remote(&server, &content));
    let error = cache.fetch(&source, &mut quiet).unwrap_err().to_string();
    let wanted = format!("found 1000 of {} bytes before the connection ended", content.len());
    assert!(error.contains(&wanted) && error.contains("to resume"), "{error}");
    let error = cache.fetch(&source, &mut quiet).unwrap_err().to_string();
    assert!(error.contains("found 1234 of"), "{error}");
    cache.fetch(&source, &mut quiet).unwrap();
    assert_whole(&cache);
    assert_eq!(*server.asked.lock().unwrap(), [None, Some(1000), Some(1234)]);
}

#[test]
fn a_server_without_ranges_starts_again() {
    let (_folder, cache) = cache();
    let content = archive(&official());
    let server = Server::start(content.clone(), &[Answer::Cut(1000), Answer::NoRanges]);
    let source = Source::Remote(remote(&server, &content));
    cache.fetch(&source, &mut quiet).unwrap_err();
    cache.fetch(&source, &mut quiet).unwrap();
    assert_whole(&cache);
}

#[test]
fn a_wrong_digest_is_an_error_and_leaves_nothing_behind() {
    let (_folder, cache) = cache();
    let content = archive(&official());
    let server = Server::start(content.clone(), &[Answer::Full, Answer::Full]);
    let wrong = Remote { sha256: "00".repeat(32).into(), ..remote(&server, &content) };
    let error = cache.fetch(&Source::Remote(wrong), &mut quiet).unwrap_err().to_string();
    for part in ["/set.tgz: found SHA-256", &digest::sha256(&content), &"00".repeat(32), "another source"] {
        assert!(error.contains(part), "{part} not in: {error}");
    }
    assert_eq!(std::fs::read_dir(cache.folder()).unwrap().count(), 0);
    cache.fetch(&Source::Remote(remote(&server, &content)), &mut quiet).unwrap();
    assert_whole(&cache);
}

#[test]
fn a_whole_part_file_needs_no_server_and_a_spoilt_one_is_dropped() {
    let (_folder, cache) = cache();
    let content = archive(&official());
    let server = Server::start(content.clone(), &[Answer::Full, Answer::Full]);
    let remote = remote(&server, &content);
    let part = remote.part(cache.folder());
    std::fs::create_dir_all(cache.folder()).unwrap();

    // longer than the archive: the server answers 416
    std::fs::write(&part, vec![0; content.len() + 1]).unwrap();
    assert!(matches!(cache.fetch(&Source::Remote(remote.clone()), &mut quiet), Err(Error::WrongDigest { .. })));
    assert!(!part.exists());

    std::fs::write(&part, &content).unwrap();
    cache.fetch(&Source::Remote(remote), &mut quiet).unwrap();
    assert_whole(&cache);
    assert_eq!(server.asked.lock().unwrap().len(), 1);
}

#[test]
fn refusals_and_dead_servers_are_told() {
    let (_folder, cache) = cache();
    let server = Server::start(Vec::new(), &[Answer::Status(404)]);
    let error = cache.fetch(&Source::Remote(remote(&server, b"x")), &mut quiet).unwrap_err().to_string();
    assert!(error.contains("found HTTP status 404, wanted 200 or 206"), "{error}");
    let dead = Remote { url: "http://127.0.0.1:1/set.tgz".into(), sha256: "00".into() };
    let error = cache.fetch(&Source::Remote(dead), &mut quiet).unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1") && error.contains("local archive"), "{error}");
}

#[test]
fn two_downloads_do_not_share_a_file() {
    let (_folder, cache) = cache();
    let server = Server::start(Vec::new(), &[]);
    let remote = remote(&server, b"x");
    std::fs::create_dir_all(cache.folder()).unwrap();
    let held = std::fs::File::create(remote.part(cache.folder())).unwrap();
    held.lock().unwrap();
    let error = cache.fetch(&Source::Remote(remote), &mut quiet).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
}
