//! Folders of pictures: one for each class, or one without labels.

use std::path::{Path, PathBuf};

use super::{MOST_CLASSES, PictureSet, refused};
use crate::cifar::{CLASS_NAMES, Image};
use crate::image_file::{self, Changes};
use crate::{Error, files};

/// The largest picture of a set, in bytes of its file and of its pixels.
const MAX_PICTURE: u64 = 32 << 20;

/// Reads a folder with a folder of pictures for each class, or with pictures alone.
pub(super) fn load(path: &Path) -> Result<PictureSet, Error> {
    let (folders, pictures) = content(path)?;
    let mut reader = Reader { images: Vec::new(), first: None };
    let classes = match (folders.is_empty(), pictures.is_empty()) {
        (true, true) => return Err(refused(path, "an empty folder", "pictures, or a folder of them for each class")),
        (false, false) => {
            let found = format!("{} beside folders", pictures[0].display());
            return Err(refused(path, found, "pictures alone, which have no labels, or a folder for each class"));
        }
        (true, false) => {
            pictures.iter().try_for_each(|picture| reader.read(picture, None))?;
            None
        }
        (false, true) => {
            let (labels, classes) = labels(path, &folders)?;
            for (folder, label) in folders.iter().zip(labels) {
                let (inner, pictures) = content(folder)?;
                if let Some(inner) = inner.first() {
                    return Err(refused(inner, "a folder in the folder of a class", "pictures only"));
                }
                if pictures.is_empty() {
                    return Err(refused(folder, "the folder of a class without pictures", "one or more"));
                }
                pictures.iter().try_for_each(|picture| reader.read(picture, Some(label)))?;
            }
            Some(classes)
        }
    };
    Ok(PictureSet { notes: reader.notes(), images: reader.images, classes })
}

/// Returns the folders and the files in a folder, each by name. Hidden ones are left out.
fn content(path: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Error> {
    let (mut folders, mut pictures) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(path).map_err(Error::io(path))? {
        let entry = entry.map_err(Error::io(path))?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let file = entry.path();
        if file.extension().is_some_and(|ending| ending == "npy" || ending == "bin") {
            let found = format!("the array or batch {}", file.display());
            return Err(refused(path, found, "the name of that file in place of its folder's"));
        }
        if file.is_dir() { folders.push(file) } else { pictures.push(file) }
    }
    folders.sort();
    pictures.sort();
    Ok((folders, pictures))
}

/// Returns the label of each folder, and the names of the classes by label. Names that are CIFAR-10's classes have its
/// labels; numbers are labels themselves; other names are numbered in their order.
fn labels(path: &Path, folders: &[PathBuf]) -> Result<(Vec<u16>, Vec<String>), Error> {
    let name = |folder: &PathBuf| folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names: Vec<String> = folders.iter().map(name).collect();
    if names.len() > MOST_CLASSES {
        let wanted = format!("at most {MOST_CLASSES} classes");
        return Err(refused(path, format!("{} folders of classes", names.len()), wanted));
    }
    let cifar = names.iter().map(|name| CLASS_NAMES.iter().position(|class| class == name));
    if let Some(labels) = cifar.collect::<Option<Vec<usize>>>() {
        let labels = labels.into_iter().map(|label| label as u16).collect();
        return Ok((labels, CLASS_NAMES.map(str::to_owned).to_vec()));
    }
    let numbers = names.iter().map(|name| name.parse().ok().filter(|&label: &u16| usize::from(label) < MOST_CLASSES));
    if let Some(labels) = numbers.collect::<Option<Vec<u16>>>() {
        let end = labels.iter().copied().max().unwrap_or(0);
        return Ok((labels, (0..=end).map(|label| label.to_string()).collect()));
    }
    Ok(((0..names.len() as u16).collect(), names))
}

/// Pictures of one size, as they are read.
struct Reader {
    images: Vec<Image>,
    /// The first picture, and what was changed to bring it to its size.
    first: Option<(PathBuf, Changes)>,
}

impl Reader {
    fn read(&mut self, path: &Path, label: Option<u16>) -> Result<(), Error> {
        files::open(path)?;
        let loaded = image_file::load_within(path, MAX_PICTURE)?;
        let Changes { width, height, .. } = loaded.changes;
        let (first, size) = self.first.get_or_insert_with(|| (path.to_owned(), loaded.changes));
        if (size.width, size.height) != (width, height) {
            let wanted = format!(
                "{} x {}, the size of {}: bring all pictures to one size",
                size.width,
                size.height,
                first.display()
            );
            return Err(refused(path, format!("{width} x {height} pixels"), wanted));
        }
        self.images.push(Image { label, ..loaded.image });
        Ok(())
    }

    fn notes(&self) -> Vec<String> {
        let changed = self.first.iter().filter(|(_, changes)| changes.cropped() || changes.resized());
        changed.map(|(_, changes)| format!("each picture has {changes}")).collect()
    }
}
