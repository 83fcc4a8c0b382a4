//! The rows that belong to an image, its layers and stages: which images have all of theirs.

use std::collections::HashMap;

use super::recover::Recovered;
use crate::records::{ImageRow, LayerRow, StageRow};

/// How many rows of each kind belong to an image.
#[derive(Clone, Copy, Default)]
struct Parts {
    layers: usize,
    stages: usize,
}

impl Parts {
    fn all(self) -> usize {
        self.layers + self.stages
    }
}

/// Drops images without all their layers and stages, and layers and stages without their image. A stage before all images
/// stays: keys were made then, whatever became of the images. Returns how many images were dropped, and the number of
/// rows that belong to each image, by case and index.
pub(super) fn keep_whole(
    images: &mut Recovered<ImageRow>,
    layers: &mut Recovered<LayerRow>,
    mut stages: Option<&mut Recovered<StageRow>>,
) -> (usize, HashMap<(String, usize), usize>) {
    let positions: HashMap<(&str, usize), usize> =
        images.rows.iter().enumerate().map(|(at, kept)| ((&kept.row.case[..], kept.row.image), at)).collect();
    let owner = |case: &str, image: usize| positions.get(&(case, image)).copied();
    let mut found = vec![Parts::default(); images.rows.len()];
    let of_layer = |row: &LayerRow| owner(&row.case, row.image);
    let of_stage = |row: &StageRow| row.image.map(|image| owner(&row.case, image));
    layers.rows.iter().filter_map(|kept| of_layer(&kept.row)).for_each(|image| found[image].layers += 1);
    let stage_rows = stages.iter().flat_map(|stages| &stages.rows);
    stage_rows.filter_map(|kept| of_stage(&kept.row).flatten()).for_each(|image| found[image].stages += 1);
    let whole = whole(images, &found);

    layers.retain(|kept| of_layer(&kept.row).is_some_and(|image| whole[image]));
    if let Some(stages) = &mut stages {
        stages.retain(|kept| of_stage(&kept.row).is_none_or(|image| image.is_some_and(|image| whole[image])));
    }
    let key = |row: &ImageRow| (row.case.clone(), row.image);
    let count = images.rows.iter().zip(&found).map(|(kept, found)| (key(&kept.row), found.all())).collect();
    let mut at = whole.iter();
    (images.retain(|_| at.next() == Some(&true)), count)
}

/// Whether each image has all its layers and stages, of which `found` are there. How many it must have is in its digest;
/// without one, as many layers as any other image of its case has.
fn whole(images: &Recovered<ImageRow>, found: &[Parts]) -> Vec<bool> {
    let mut most: HashMap<&str, usize> = HashMap::new();
    for (kept, found) in images.rows.iter().zip(found) {
        let most = most.entry(&kept.row.case).or_default();
        *most = found.layers.max(*most);
    }
    let wanted = |row: &ImageRow| if row.evaluated() { most[&row.case[..]] } else { 0 };
    let rows = images.rows.iter().zip(found);
    rows.map(|(kept, found)| match kept.digest.and_then(|digest| digest.layers) {
        Some(told) => found.all() == told,
        None => found.layers == wanted(&kept.row),
    })
    .collect()
}
