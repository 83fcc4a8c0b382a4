//! An archive or a folder, seen as a set of named files.

use std::io::{self, BufReader, Read};
use std::path::Path;

use super::archive;
use crate::{Error, files};

/// Largest file that is read from a source; the official files have 31 MB.
const LARGEST: u64 = 64 << 20;

/// Folders that either archive unpacks into.
const INSIDE: [&str; 3] = ["", "cifar-10-batches-bin", "package"];

/// Called with the name (without folders) and the content of a file.
type Take<'a> = &'a mut dyn FnMut(&str, Vec<u8>) -> Result<(), Error>;

/// The place of the files of a source.
#[derive(Clone, Copy)]
pub(super) enum Container<'a> {
    Archive(&'a Path),
    Folder(&'a Path),
}

impl Container<'_> {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Archive(path) | Self::Folder(path) => path,
        }
    }

    /// Calls `take` for each file whose name `wants` accepts, in the order of the source.
    ///
    /// # Errors
    /// [`Error::WrongKind`] for a file that is not an archive, [`Error::CutArchive`] for one that ends early or is
    /// damaged,
    /// [`Error::TooLarge`] for a file of more than 64 MiB, [`Error::NotAFile`], [`Error::Io`], and those of `take`.
    pub(super) fn each(&self, wants: &dyn Fn(&str) -> bool, take: Take) -> Result<(), Error> {
        match self {
            Self::Archive(path) => each_entry(path, wants, take),
            Self::Folder(path) => each_file(path, wants, take),
        }
    }
}

fn each_entry(path: &Path, wants: &dyn Fn(&str) -> bool, take: Take) -> Result<(), Error> {
    let file = files::open(path)?;
    let length = file.metadata().map_err(Error::io(path))?.len();
    let cut = |reason: io::Error| archive::failure(path, length, reason);
    let mut archive = tar::Archive::new(archive::unpacked(path, BufReader::new(file))?);
    for entry in archive.entries().map_err(cut)? {
        let entry = entry.map_err(cut)?;
        let inside = entry.path().map_err(cut)?.into_owned();
        let name = inside.file_name().and_then(|name| name.to_str());
        let Some(name) = name.filter(|name| wants(name) && entry.header().entry_type().is_file()) else {
            continue;
        };
        let found = entry.size();
        if found > LARGEST {
            return Err(Error::TooLarge { path: path.join(&inside), found, wanted: LARGEST });
        }
        let mut bytes = Vec::new();
        entry.take(LARGEST).read_to_end(&mut bytes).map_err(cut)?;
        if bytes.len() as u64 != found {
            return Err(cut(io::ErrorKind::UnexpectedEof.into()));
        }
        take(name, bytes)?;
    }
    Ok(())
}

fn each_file(path: &Path, wants: &dyn Fn(&str) -> bool, take: Take) -> Result<(), Error> {
    // A wrong path is reported as such, not as a missing batch.
    std::fs::read_dir(path).map_err(Error::io(path))?;
    for folder in INSIDE.map(|inside| path.join(inside)).iter().filter(|f| f.is_dir()) {
        for entry in std::fs::read_dir(folder).map_err(Error::io(folder))? {
            let file = entry.map_err(Error::io(folder))?.path();
            if let Some(name) = file.file_name().and_then(|n| n.to_str()).filter(|n| wants(n)) {
                take(name, files::read(&file, LARGEST)?)?;
            }
        }
    }
    Ok(())
}
