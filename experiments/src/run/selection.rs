//! Selects the images of a run.

use anyhow::{Context, Result, ensure};
use datasets::cifar::{CLASS_NAMES, Image};
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha20Rng;

use crate::config::{Data, Sample};
use crate::images::TestSet;
use crate::records::ExactRow;
use datasets::digest::sha256_of;

/// A test image.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Subject {
    /// Its index in the test set.
    pub index: usize,
    /// Its class by the data set.
    pub label: u8,
    /// Its pixels.
    pub image: Image,
}

/// Returns all images to choose from.
pub(super) fn pool(data: &Data) -> Result<Vec<Subject>> {
    let mut test_set = TestSet::default();
    let subject = |&index: &usize| {
        let image = test_set.get(index)?.clone();
        let label = image.label.context("found a test image without a label")?;
        Ok(Subject { index, label, image })
    };
    data.pool.iter().map(subject).collect::<Result<_>>().with_context(|| data.place.clone())
}

/// Returns the positions of the chosen images in the pool, in ascending order. Calls `exact` for the plaintext model's
/// answers on the whole pool if the choice depends on them.
pub(super) fn choose(
    data: &Data,
    pool: &[Subject],
    exact: impl FnOnce() -> Result<Vec<ExactRow>>,
) -> Result<Vec<usize>> {
    let mut rng = ChaCha20Rng::seed_from_u64(data.seed);
    let mut chosen = match data.sample {
        None => (0..pool.len()).collect(),
        Some(Sample::Random(count)) => index::sample(&mut rng, pool.len(), count).into_vec(),
        Some(Sample::Stratified(count)) => stratified(data, pool, count / CLASS_NAMES.len(), &mut rng)?,
        Some(Sample::SmallestMargin(count)) => {
            let exact = exact()?;
            let mut by_margin: Vec<usize> = (0..pool.len()).collect();
            by_margin.sort_by(|&a, &b| exact[a].margin.total_cmp(&exact[b].margin));
            by_margin.truncate(count);
            by_margin
        }
    };
    chosen.sort_unstable();
    Ok(chosen)
}

fn stratified(data: &Data, pool: &[Subject], each: usize, rng: &mut ChaCha20Rng) -> Result<Vec<usize>> {
    let mut chosen = Vec::new();
    for (class, name) in CLASS_NAMES.iter().enumerate() {
        let members: Vec<usize> = (0..pool.len()).filter(|&at| usize::from(pool[at].label) == class).collect();
        let (place, found) = (&data.place, members.len());
        ensure!(
            found >= each,
            "{place}: found {found} images of class {name}, wanted {each} for the stratified sample"
        );
        chosen.extend(index::sample(rng, found, each).into_iter().map(|at| members[at]));
    }
    Ok(chosen)
}

/// Returns the SHA-256 of the images in order, in the official binary layout.
pub(super) fn digest(subjects: &[Subject]) -> String {
    sha256_of(subjects.iter().flat_map(|subject| [std::slice::from_ref(&subject.label), &subject.image.pixels[..]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(sample: Option<Sample>) -> Data {
        Data { pool: (0..100).collect(), sample, seed: 5, place: "here".to_owned() }
    }

    fn none() -> Result<Vec<ExactRow>> {
        panic!("the plaintext model is not needed")
    }

    #[test]
    fn samples_are_drawn_as_asked() {
        let pool = pool(&data(None)).unwrap();
        assert_eq!(choose(&data(None), &pool, none).unwrap(), (0..100).collect::<Vec<_>>());
        let random = choose(&data(Some(Sample::Random(20))), &pool, none).unwrap();
        assert_eq!(random.len(), 20);
        assert!(random.is_sorted() && random != (0..20).collect::<Vec<_>>());
        assert_eq!(choose(&data(Some(Sample::Random(20))), &pool, none).unwrap(), random, "the seed decides");
        let strata = choose(&data(Some(Sample::Stratified(20))), &pool, none).unwrap();
        for class in 0..10 {
            assert_eq!(strata.iter().filter(|&&at| pool[at].label == class).count(), 2, "class {class}");
        }
        let error = choose(&data(Some(Sample::Stratified(1000))), &pool, none).unwrap_err().to_string();
        assert!(error.starts_with("here: found ") && error.contains("wanted 100"), "{error}");
    }

    #[test]
    fn the_smallest_margins_are_taken() {
        let pool = pool(&data(None)).unwrap();
        let margin = |image: usize| ((image * 37) % 100) as f64;
        let row = |subject: &Subject| ExactRow {
            image: subject.index,
            label: subject.label,
            class: 0,
            margin: margin(subject.index),
        };
        let exact = || Ok(pool.iter().map(row).collect());
        let chosen = choose(&data(Some(Sample::SmallestMargin(10))), &pool, exact).unwrap();
        assert!(chosen.is_sorted() && chosen.len() == 10);
        assert!(chosen.iter().all(|&at| margin(at) < 10.0));
    }

    #[test]
    fn the_digest_is_of_the_official_layout() {
        let pool = pool(&data(None)).unwrap();
        // of the first 307,300 bytes of the official test batch
        assert_eq!(digest(&pool), "440e5480f4f4a46030e496053a7f3d793d4bd5e284f762e076c2ee22afe98666");
    }
}
