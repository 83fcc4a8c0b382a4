//! The rows of a run while they are written. Whatever moment the process or the machine stops at, the next process goes
//! on from the rows that are whole: an image's layers are on the disk before the image, a case's images before the
//! case.

use std::collections::{HashMap, HashSet};

use anyhow::{Result, ensure};

use super::append::Appender;
use super::folder::Folder;
use super::recover::{Recovered, sort};
use crate::records::{CaseRow, ImageRow, LayerRow, Row, RunProvenance};

/// The rows that a run is to have, in the order in which an uninterrupted run writes them.
pub(crate) struct Order {
    /// The names of the cases.
    pub cases: Vec<String>,
    /// The images of each case, by their indices in the test set.
    pub images: Vec<usize>,
}

/// A folder with rows.
pub(crate) struct Store {
    folder: Folder,
    order: Order,
    provenance: RunProvenance,
    /// Rows of images, by case, in the order of their making.
    done: HashMap<String, Vec<ImageRow>>,
    /// Rows of cases that have all their images.
    cases: HashMap<String, CaseRow>,
    /// Whether rows were dropped, so that new ones may come out of order.
    mended: bool,
    case_rows: Appender<CaseRow>,
    image_rows: Appender<ImageRow>,
    layer_rows: Appender<LayerRow>,
}

impl Store {
    /// Goes on from the rows in a folder. An image counts if its row and all its layers are there. Other rows are
    /// dropped, and a line about them goes to `say`.
    ///
    /// # Errors
    /// If a row is not one of the run's, or is there twice; see also [`Recovered::read`].
    pub(crate) fn open(
        folder: Folder,
        provenance: RunProvenance,
        order: Order,
        say: &mut dyn FnMut(String),
    ) -> Result<Self> {
        let path = &folder.path;
        let mut images = Recovered::<ImageRow>::read(path)?;
        let mut layers = Recovered::<LayerRow>::read(path)?;
        let mut cases = Recovered::<CaseRow>::read(path)?;
        let unchecked = [images.checked, layers.checked, cases.checked].contains(&false);
        if unchecked && !images.rows.is_empty() {
            say(format!("{}: rows without digests are taken as they are, unchecked", path.display()));
        }
        let place = path.join(ImageRow::FILE).display().to_string();
        drop_copies(&mut images, &order, &place)?;

        let positions: HashMap<(&str, usize), usize> =
            images.rows.iter().enumerate().map(|(at, kept)| ((&kept.row.case[..], kept.row.image), at)).collect();
        let owner = |row: &LayerRow| positions.get(&(&row.case[..], row.image)).copied();
        let owners: Vec<Option<usize>> = layers.rows.iter().map(|kept| owner(&kept.row)).collect();
        let mut found = vec![0; images.rows.len()];
        owners.iter().flatten().for_each(|&image| found[image] += 1);
        let whole = whole(&images, &found);
        let count: HashMap<(String, usize), usize> = images
            .rows
            .iter()
            .zip(&found)
            .map(|(kept, &found)| ((kept.row.case.clone(), kept.row.image), found))
            .collect();
        drop(positions);

        let mut at = owners.iter();
        layers.retain(|_| at.next().is_some_and(|owner| owner.is_some_and(|image| whole[image])));
        let mut at = whole.iter();
        let incomplete = images.retain(|_| at.next() == Some(&true));
        if incomplete > 0 {
            say(format!("{}: images without all their layers are evaluated anew: {incomplete}", path.display()));
        }
        let mut done: HashMap<String, Vec<ImageRow>> = HashMap::new();
        images.rows.iter().for_each(|kept| done.entry(kept.row.case.clone()).or_default().push(kept.row.clone()));
        let mut seen = HashSet::new();
        let all = |case: &str| done.get(case).map_or(0, Vec::len) == order.images.len();
        let failed = cases.retain(|kept| {
            let row = &kept.row;
            row.error.is_none() && all(&row.case) && order.cases.contains(&row.case) && seen.insert(row.case.clone())
        });
        let mended = incomplete + failed > 0 || images.mended() || layers.mended() || cases.mended();
        // Layers last: without its image's row, a layer is dropped by the next process.
        cases.store(path, |_| None, say)?;
        images.store(path, |row| count.get(&(row.case.clone(), row.image)).copied(), say)?;
        layers.store(path, |_| None, say)?;

        let (case_rows, image_rows, layer_rows) = (Appender::open(path)?, Appender::open(path)?, Appender::open(path)?);
        let cases = cases.rows.into_iter().map(|kept| (kept.row.case.clone(), kept.row)).collect();
        Ok(Self { folder, order, provenance, done, cases, mended, case_rows, image_rows, layer_rows })
    }

    /// The row of a case that is done.
    pub(crate) fn case(&self, case: &str) -> Option<&CaseRow> {
        self.cases.get(case)
    }

    /// The rows of a case's images so far.
    pub(crate) fn images(&self, case: &str) -> &[ImageRow] {
        self.done.get(case).map_or(&[], Vec::as_slice)
    }

    /// Writes images with their layers.
    pub(crate) fn add_images(&mut self, rows: Vec<(ImageRow, Vec<LayerRow>)>) -> Result<()> {
        self.layer_rows.append(rows.iter().flat_map(|(_, layers)| layers).map(|layer| (layer, None)))?;
        self.image_rows.append(rows.iter().map(|(image, layers)| (image, Some(layers.len()))))?;
        rows.into_iter().for_each(|(image, _)| self.done.entry(image.case.clone()).or_default().push(image));
        Ok(())
    }

    /// Writes a case.
    pub(crate) fn add_case(&mut self, row: &CaseRow) -> Result<()> {
        self.case_rows.append([(row, None)])
    }

    /// Takes the yardstick as it was measured again. The least counts: other programs can only make it longer.
    pub(crate) fn measured(&mut self, yardstick_us: f64) -> Result<()> {
        let known = self.provenance.reference_ntt_us.unwrap_or(f64::INFINITY);
        self.provenance.reference_ntt_us = Some(known.min(yardstick_us));
        self.folder.write(&self.provenance)
    }

    /// Takes back the time of an earlier end.
    pub(crate) fn reopen(&mut self) -> Result<()> {
        if self.provenance.ended.take().is_some() {
            self.folder.write(&self.provenance)?;
        }
        Ok(())
    }

    /// Notes the time of the end, after it has put rows that were evaluated out of order into their places.
    pub(crate) fn end(&mut self, at: String) -> Result<()> {
        if self.mended {
            let (path, order) = (&self.folder.path, &self.order);
            let cases: HashMap<&str, usize> =
                order.cases.iter().enumerate().map(|(at, case)| (&case[..], at)).collect();
            let images: HashMap<usize, usize> =
                order.images.iter().enumerate().map(|(at, &image)| (image, at)).collect();
            sort(path, |row: &CaseRow| cases.get(&row.case[..]).copied())?;
            sort(path, |row: &ImageRow| (cases.get(&row.case[..]).copied(), images.get(&row.image).copied()))?;
            sort(path, |row: &LayerRow| (cases.get(&row.case[..]).copied(), images.get(&row.image).copied()))?;
            self.mended = false;
        }
        if self.provenance.ended.is_none() {
            self.provenance.ended = Some(at);
            self.folder.write(&self.provenance)?;
        }
        Ok(())
    }
}

/// Fails on rows of other cases or images and on images that are there twice. Of two rows of one image, a row without a
/// digest is dropped.
fn drop_copies(images: &mut Recovered<ImageRow>, order: &Order, place: &str) -> Result<()> {
    let cases: HashSet<&str> = order.cases.iter().map(String::as_str).collect();
    let wanted: HashSet<usize> = order.images.iter().copied().collect();
    let key = |row: &ImageRow| (row.case.clone(), row.image);
    for kept in &images.rows {
        let ImageRow { case, image, .. } = &kept.row;
        ensure!(
            cases.contains(&case[..]) && wanted.contains(image),
            "{place}: case {case}, image {image} is not one of the run's; delete the row, or take another --out"
        );
    }
    let genuine: HashSet<(String, usize)> =
        images.rows.iter().filter(|kept| kept.digest.is_some()).map(|kept| key(&kept.row)).collect();
    images.retain(|kept| kept.digest.is_some() || !genuine.contains(&key(&kept.row)));
    let mut seen = HashSet::new();
    for kept in &images.rows {
        let (case, image) = (&kept.row.case, kept.row.image);
        ensure!(
            seen.insert((&case[..], image)),
            "{place}: found case {case}, image {image} twice; delete one of the rows"
        );
    }
    Ok(())
}

/// Whether each image has all its layers, of which `found` are there. How many it must have is in its digest; without
/// one, as many as any other image of its case has.
fn whole(images: &Recovered<ImageRow>, found: &[usize]) -> Vec<bool> {
    let mut most: HashMap<&str, usize> = HashMap::new();
    for (kept, &found) in images.rows.iter().zip(found) {
        let most = most.entry(&kept.row.case).or_default();
        *most = found.max(*most);
    }
    let wanted = |row: &ImageRow| if row.evaluated() { most[&row.case[..]] } else { 0 };
    let rows = images.rows.iter().zip(found);
    rows.map(|(kept, &found)| {
        let told = kept.digest.and_then(|digest| digest.layers);
        found == told.unwrap_or_else(|| wanted(&kept.row))
    })
    .collect()
}

#[cfg(test)]
mod tests;
