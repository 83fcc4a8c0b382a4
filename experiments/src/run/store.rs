//! The rows of a run while they are written. Whatever moment the process or the machine stops at, the next process goes
//! on from the rows that are whole: an image's layers are on the disk before the image, a case's images before the
//! case.

use std::collections::{HashMap, HashSet};

use anyhow::{Result, ensure};

use super::append::Appender;
use super::folder::Folder;
use super::parts;
use super::recover::{Recovered, sort};
use super::rows::ImageRows;
use crate::records::{CaseRow, ImageRow, LayerRow, Row, RunProvenance, StageRow};

/// The rows that a run is to have, in the order in which an uninterrupted run writes them.
pub(crate) struct Order {
    /// The names of the cases.
    pub cases: Vec<String>,
    /// The images of each case, by their indices in the test set.
    pub images: Vec<usize>,
    /// Whether the cases have stages.
    pub stages: bool,
}

/// A folder with rows.
pub(crate) struct Store {
    folder: Folder,
    places: Places,
    /// The last place of a row so far.
    last: Place,
    provenance: RunProvenance,
    /// Rows of images, by case, in the order of their making.
    done: HashMap<String, Vec<ImageRow>>,
    /// Rows of cases that have all their images.
    cases: HashMap<String, CaseRow>,
    /// Whether rows were dropped or are out of order.
    mended: bool,
    case_rows: Appender<CaseRow>,
    image_rows: Appender<ImageRow>,
    layer_rows: Appender<LayerRow>,
    /// Rows of stages, by case.
    stages: HashMap<String, Vec<StageRow>>,
    /// `None` if the cases have no stages.
    stage_rows: Option<Appender<StageRow>>,
}

impl Store {
    /// Goes on from the rows in a folder. An image counts if its row and all its layers and stages are there. Other rows
    /// are dropped, and a line about them goes to `say`.
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
        let mut stages = order.stages.then(|| Recovered::<StageRow>::read(path)).transpose()?;
        let unchecked = [images.checked, layers.checked, cases.checked].contains(&false);
        if unchecked && !images.rows.is_empty() {
            say(format!("{}: rows without digests are taken as they are, unchecked", path.display()));
        }
        let place = path.join(ImageRow::FILE).display().to_string();
        drop_copies(&mut images, &order, &place)?;

        let (incomplete, count) = parts::keep_whole(&mut images, &mut layers, stages.as_mut());
        if incomplete > 0 {
            let parts = if order.stages { "stages" } else { "layers" };
            say(format!("{}: images without all their {parts} are evaluated anew: {incomplete}", path.display()));
        }
        let done = by_case(images.rows.iter().map(|kept| kept.row.clone()), |row| &row.case);
        let mut seen = HashSet::new();
        let all = |case: &str| done.get(case).map_or(0, Vec::len) == order.images.len();
        let failed = cases.retain(|kept| {
            let row = &kept.row;
            row.error.is_none() && all(&row.case) && order.cases.contains(&row.case) && seen.insert(row.case.clone())
        });
        let mended = incomplete + failed > 0
            || images.mended()
            || layers.mended()
            || cases.mended()
            || stages.as_ref().is_some_and(Recovered::mended);
        let places = Places::of(&order);
        let in_order = images.rows.is_sorted_by_key(|kept| places.of_image(&kept.row))
            && cases.rows.is_sorted_by_key(|kept| places.of_case(&kept.row.case));
        let last_image = images.rows.iter().map(|kept| places.of_image(&kept.row)).max();
        let last_case = cases.rows.iter().map(|kept| (places.of_case(&kept.row.case), None)).max();
        let last = last_image.max(last_case).unwrap_or_default();
        // Layers last: without its image's row, a layer is dropped by the next process.
        cases.store(path, |_| None, say)?;
        images.store(path, |row| count.get(&(row.case.clone(), row.image)).copied(), say)?;
        layers.store(path, |_| None, say)?;
        stages.iter().try_for_each(|stages| stages.store(path, |_| None, say))?;

        let (case_rows, image_rows, layer_rows) = (Appender::open(path)?, Appender::open(path)?, Appender::open(path)?);
        let stage_rows = stages.is_some().then(|| Appender::open(path)).transpose()?;
        let cases = cases.rows.into_iter().map(|kept| (kept.row.case.clone(), kept.row)).collect();
        let kept = stages.into_iter().flat_map(|stages| stages.rows).map(|kept| kept.row);
        let stages = by_case(kept, |row| &row.case);
        Ok(Self {
            folder,
            places,
            last,
            provenance,
            done,
            cases,
            mended: mended || !in_order,
            case_rows,
            image_rows,
            layer_rows,
            stages,
            stage_rows,
        })
    }

    /// The row of a case that is done.
    pub(crate) fn case(&self, case: &str) -> Option<&CaseRow> {
        self.cases.get(case)
    }

    /// The rows of a case's images so far.
    pub(crate) fn images(&self, case: &str) -> &[ImageRow] {
        self.done.get(case).map_or(&[], Vec::as_slice)
    }

    /// The rows of a case's stages so far.
    pub(crate) fn stages(&self, case: &str) -> &[StageRow] {
        self.stages.get(case).map_or(&[], Vec::as_slice)
    }

    /// Writes images with their layers and stages.
    pub(crate) fn add_images(&mut self, rows: Vec<ImageRows>) -> Result<()> {
        self.layer_rows.append(rows.iter().flat_map(|rows| &rows.layers).map(|layer| (layer, None)))?;
        self.add_stages(rows.iter().flat_map(|rows| rows.stages.clone()).collect())?;
        for rows in &rows {
            let place = self.places.of_image(&rows.image);
            self.mended |= place < self.last;
            self.last = place.max(self.last);
        }
        let parts = |rows: &ImageRows| Some(rows.layers.len() + rows.stages.len());
        self.image_rows.append(rows.iter().map(|rows| (&rows.image, parts(rows))))?;
        rows.into_iter().for_each(|rows| self.done.entry(rows.image.case.clone()).or_default().push(rows.image));
        Ok(())
    }

    /// Writes stages. Without some it does nothing.
    ///
    /// # Panics
    /// If the cases of the run have no stages.
    pub(crate) fn add_stages(&mut self, rows: Vec<StageRow>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let file = self.stage_rows.as_mut().expect("a run whose cases have stages");
        file.append(rows.iter().map(|row| (row, None)))?;
        rows.into_iter().for_each(|row| self.stages.entry(row.case.clone()).or_default().push(row));
        Ok(())
    }

    /// Writes a case.
    pub(crate) fn add_case(&mut self, row: &CaseRow) -> Result<()> {
        let place = self.places.of_case(&row.case);
        self.mended |= place < self.last.0;
        self.last = self.last.max((place, None));
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
            let (path, Places { cases, images }) = (&self.folder.path, &self.places);
            sort(path, |row: &CaseRow| cases.get(&row.case).copied())?;
            sort(path, |row: &ImageRow| self.places.of_image(row))?;
            sort(path, |row: &LayerRow| (cases.get(&row.case).copied(), images.get(&row.image).copied()))?;
            if self.stage_rows.is_some() {
                // `None`, for the stages before all images, comes first.
                let place = |row: &StageRow| row.image.map(|image| images.get(&image).copied());
                sort(path, |row: &StageRow| (cases.get(&row.case).copied(), place(row)))?;
            }
            self.mended = false;
        }
        if self.provenance.ended.is_none() {
            self.provenance.ended = Some(at);
            self.folder.write(&self.provenance)?;
        }
        Ok(())
    }
}

/// The places of cases and images in the order of a run.
struct Places {
    cases: HashMap<String, usize>,
    images: HashMap<usize, usize>,
}

/// The place of an image's row: that of its case, then its own.
type Place = (Option<usize>, Option<usize>);

impl Places {
    fn of(order: &Order) -> Self {
        let cases = order.cases.iter().enumerate().map(|(at, case)| (case.clone(), at)).collect();
        let images = order.images.iter().enumerate().map(|(at, &image)| (image, at)).collect();
        Self { cases, images }
    }

    fn of_case(&self, case: &str) -> Option<usize> {
        self.cases.get(case).copied()
    }

    fn of_image(&self, row: &ImageRow) -> Place {
        (self.of_case(&row.case), self.images.get(&row.image).copied())
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

/// Rows by their case, in their order.
fn by_case<R>(rows: impl Iterator<Item = R>, case: impl Fn(&R) -> &String) -> HashMap<String, Vec<R>> {
    let mut found: HashMap<String, Vec<R>> = HashMap::new();
    rows.for_each(|row| found.entry(case(&row).clone()).or_default().push(row));
    found
}

#[cfg(test)]
mod tests;
