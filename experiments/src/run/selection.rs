//! Selects the images of a run.

use anyhow::{Context, Result, ensure};
use datasets::cifar::{CLASS_NAMES, Image};
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha20Rng;

use crate::config::{Data, Sample};
use crate::images::Numbered;
use crate::records::ExactRow;
use datasets::digest::sha256_of;

/// An image of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Subject {
    /// Its index in the set.
    pub index: usize,
    /// Its class by the set; `None` if it has no label.
    pub label: Option<u16>,
    /// Its pixels.
    pub image: Image,
}

/// Returns all images to choose from, for a network with this number of classes. Images of the test set have no labels
/// for a network whose classes cannot be theirs.
///
/// # Errors
/// A set that was not fetched.
pub(super) fn pool(data: &Data, classes: usize) -> Result<Vec<Subject>> {
    let own = data.set.as_ref();
    let mut numbered = Numbered::new(own.map(|own| &*own.pictures));
    let subject = |&index: &usize| {
        let image = numbered.get(index).with_context(|| data.place.clone())?.clone();
        let theirs = own.is_some() || classes == CLASS_NAMES.len();
        let label = image.label.filter(|_| theirs);
        Ok(Subject { index, label, image })
    };
    data.pool.iter().map(subject).collect()
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
        Some(Sample::Stratified(count)) => stratified(data, pool, count, &mut rng)?,
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

fn stratified(data: &Data, pool: &[Subject], count: usize, rng: &mut ChaCha20Rng) -> Result<Vec<usize>> {
    let classes = data.set.as_ref().map_or(CLASS_NAMES.len(), |own| own.pictures.labels_end());
    let each = count / classes;
    let mut chosen = Vec::new();
    let name = |class: usize| match &data.set {
        None => CLASS_NAMES[class].to_owned(),
        Some(_) => class.to_string(),
    };
    for class in 0..classes {
        let members: Vec<usize> =
            (0..pool.len()).filter(|&at| pool[at].label.map(usize::from) == Some(class)).collect();
        let (place, found) = (&data.place, members.len());
        ensure!(
            found >= each,
            "{place}: found {found} images of class {}, wanted {each} for the stratified sample",
            name(class)
        );
        chosen.extend(index::sample(rng, found, each).into_iter().map(|at| members[at]));
    }
    Ok(chosen)
}

/// Returns the SHA-256 of the images in order, in the official binary layout. A label takes one byte, two with the low
/// one first if it is above 255, and none if there is no label.
pub(super) fn digest(subjects: &[Subject]) -> String {
    let labels: Vec<Vec<u8>> = subjects.iter().map(|subject| label_bytes(subject.label)).collect();
    sha256_of(subjects.iter().zip(&labels).flat_map(|(subject, label)| [&label[..], &subject.image.pixels[..]]))
}

fn label_bytes(label: Option<u16>) -> Vec<u8> {
    match label.map(|label| (u8::try_from(label), label)) {
        None => Vec::new(),
        Some((Ok(byte), _)) => vec![byte],
        Some((Err(_), label)) => label.to_le_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(sample: Option<Sample>) -> Data {
        Data { set: None, pool: (0..100).collect(), sample, seed: 5, place: "here".to_owned() }
    }

    fn none() -> Result<Vec<ExactRow>> {
        panic!("the plaintext model is not needed")
    }

    #[test]
    fn samples_are_drawn_as_asked() {
        let pool = pool(&data(None), 10).unwrap();
        assert_eq!(choose(&data(None), &pool, none).unwrap(), (0..100).collect::<Vec<_>>());
        let random = choose(&data(Some(Sample::Random(20))), &pool, none).unwrap();
        assert_eq!(random.len(), 20);
        assert!(random.is_sorted() && random != (0..20).collect::<Vec<_>>());
        assert_eq!(choose(&data(Some(Sample::Random(20))), &pool, none).unwrap(), random, "the seed decides");
        let strata = choose(&data(Some(Sample::Stratified(20))), &pool, none).unwrap();
        for class in 0..10 {
            assert_eq!(strata.iter().filter(|&&at| pool[at].label == Some(class)).count(), 2, "class {class}");
        }
        let error = choose(&data(Some(Sample::Stratified(1000))), &pool, none).unwrap_err().to_string();
        assert!(error.starts_with("here: found ") && error.contains("wanted 100"), "{error}");
    }

    #[test]
    fn the_smallest_margins_are_taken() {
        let pool = pool(&data(None), 10).unwrap();
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
        let pool = pool(&data(None), 10).unwrap();
        // of the first 307,300 bytes of the official test batch
        assert_eq!(digest(&pool), "440e5480f4f4a46030e496053a7f3d793d4bd5e284f762e076c2ee22afe98666");
    }
}
