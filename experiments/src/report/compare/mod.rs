//! Holds the cases of two runs against each other: pairs, intervals, tests, verdicts.

mod bootstrap;
mod doubts;
pub(crate) mod export;
mod images;
pub(crate) mod limit;
mod measure;
mod notes;
mod pairs;
pub(crate) mod quantity;
mod shares;
pub(crate) mod show;
mod wilcoxon;
mod yardstick;

use anyhow::{Context, Result};

pub(crate) use doubts::Doubt;
use doubts::Pair;
use images::Images;
use quantity::Quantity;
use yardstick::Yardstick;

use crate::report::source::Source;

/// What a user chooses.
pub(crate) struct Options<'a> {
    /// Names of the cases in A and B; `None` for all.
    pub cases: [Option<&'a str>; 2],
    /// Differences between the runs that do not matter.
    pub accept: &'a [Doubt],
    /// Whether seconds are compared in multiples of the yardstick.
    pub in_yardsticks: bool,
}

/// The comparison of two runs, A and B.
pub(crate) struct Comparison {
    /// The folders of A and B.
    pub folders: [String; 2],
    /// The provenance of A and B, in a line each.
    pub provenance: [String; 2],
    /// The pairs of cases.
    pub pairs: Vec<Compared>,
    /// Notes on all of them.
    pub notes: Vec<String>,
}

/// A pair of cases.
pub(crate) struct Compared {
    /// The names of the cases in A and B.
    pub cases: [String; 2],
    /// Images that were evaluated in both.
    pub images: usize,
    /// The quantities.
    pub quantities: Vec<Quantity>,
    /// Notes on this pair.
    pub notes: Vec<String>,
}

/// Compares two runs.
///
/// # Errors
/// If no cases make a pair, a named case is not there, a case has two rows of an image, or a yardstick is asked for and
/// the runs have none in common.
pub(crate) fn compare(sources: [&Source; 2], options: &Options<'_>) -> Result<Comparison> {
    let common = Yardstick::of(sources.map(|source| &source.run.provenance));
    let yardstick = options.in_yardsticks.then(|| {
        common
            .context("--in-yardsticks: found no yardstick in common, wanted one that both runs measured; see run.json")
    });
    let yardstick = yardstick.transpose()?;
    let pairs = pairs::of(sources, options.cases)?.into_iter().map(|cases| {
        let names = cases.map(|case| case.case.as_str());
        let images = Images::of(sources, names)?;
        let pair = Pair { sources, cases };
        let quantities = measure::quantities(pair, &images, options.accept, yardstick);
        let notes = notes::of_pair(pair, &images);
        Ok(Compared { cases: names.map(str::to_owned), images: images.both.len(), quantities, notes })
    });
    let pairs = pairs.collect::<Result<Vec<_>>>()?;
    let notes = notes::of_all(&pairs, common, options.in_yardsticks);
    let folders = sources.map(|source| source.run.folder.display().to_string());
    Ok(Comparison { folders, provenance: sources.map(Source::provenance), pairs, notes })
}
