//! An archive or a folder, seen as a set of named files.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::GzDecoder;

use crate::Error;

/// No file of either source is larger; a longer one is cut here and fails its digest, instead of filling the memory.
const LARGEST: u64 = 64 << 20;

/// Folders that either archive unpacks into.
const INSIDE: [&str; 3] = ["", "cifar-10-batches-bin", "package"];

/// Called with name (without folders) and content of a file.
type Take<'a> = &'a mut dyn FnMut(&str, Vec<u8>) -> Result<(), Error>;

/// Where the files of a source lie.
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

    /// Calls `take` for each file whose name `wants` accepts, in the order they lie in.
    pub(super) fn each(&self, wants: &dyn Fn(&str) -> bool, take: Take) -> Result<(), Error> {
        match self {
            Self::Archive(path) => each_entry(path, wants, take),
            Self::Folder(path) => each_file(path, wants, take),
        }
    }
}

fn each_entry(path: &Path, wants: &dyn Fn(&str) -> bool, take: Take) -> Result<(), Error> {
    let file = File::open(path).map_err(Error::io(path))?;
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    for entry in archive.entries().map_err(Error::io(path))? {
        let entry = entry.map_err(Error::io(path))?;
        let inside = entry.path().map_err(Error::io(path))?.into_owned();
        if let Some(name) = inside.file_name().and_then(|n| n.to_str()).filter(|n| wants(n)) {
            take(name, read(entry).map_err(Error::io(path))?)?;
        }
    }
    Ok(())
}

fn each_file(path: &Path, wants: &dyn Fn(&str) -> bool, take: Take) -> Result<(), Error> {
    // a wrong path is told as such, not as a missing batch
    std::fs::read_dir(path).map_err(Error::io(path))?;
    for folder in INSIDE.map(|inside| path.join(inside)).iter().filter(|f| f.is_dir()) {
        for entry in std::fs::read_dir(folder).map_err(Error::io(folder))? {
            let file = entry.map_err(Error::io(folder))?.path();
            if let Some(name) = file.file_name().and_then(|n| n.to_str()).filter(|n| wants(n)) {
                take(name, File::open(&file).and_then(read).map_err(Error::io(&file))?)?;
            }
        }
    }
    Ok(())
}

fn read(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
