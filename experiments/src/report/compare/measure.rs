//! The quantities of a pair of cases: values, intervals, tests.

use super::bootstrap::ratio_of_medians;
use super::doubts::{Doubt, Pair};
use super::images::Images;
use super::pairs::backend;
use super::quantity::{Finding, Kind, Quantity};
use super::shares::Shares;
use super::wilcoxon::signed_rank;
use super::yardstick::Yardstick;
use crate::records::ImageRow;
use crate::report::statistics::{mcnemar, median};

/// The fewest pairs by which the signed-rank test can see a difference at 5 %: 2/2⁵ is more, 2/2⁶ is less.
const FEWEST: usize = 6;
/// Peak memories that differ by less are equal: two runs of one case differ by 0.1 %.
const MEMORY_TOLERANCE: f64 = 0.01;

/// Returns the quantities of a pair. Seconds are multiples of the `yardstick` if there is one.
pub(crate) fn quantities(
    pair: Pair<'_>,
    images: &Images<'_>,
    accepted: &[Doubt],
    yardstick: Option<Yardstick>,
) -> Vec<Quantity> {
    let shared = images.both.iter().any(|(a, b)| a.batch.max(b.batch) > Some(1));
    let mut kinds = vec![Kind::Latency, Kind::Amortised, Kind::Memory, Kind::LogitError, Kind::Accuracy, Kind::Flips];
    kinds.retain(|kind| shared || *kind != Kind::Amortised);
    let quantity = |kind: Kind| {
        let (values, found) = match kind {
            Kind::Latency | Kind::Amortised => seconds(kind, images, yardstick),
            Kind::Memory => memory(pair),
            Kind::LogitError => errors(images),
            Kind::Accuracy => shares(kind, images, |row| row.is_right(row.class)),
            Kind::Flips => shares(kind, images, |row| Some(row.class != Some(row.exact_class))),
        };
        let values = if values == [None, None] { recorded(kind, pair, yardstick) } else { values };
        // What was not measured has no other reason.
        let unmeasured = values == [None, None] && !images.both.is_empty();
        let against = if unmeasured { None } else { pair.against(kind, images, accepted, yardstick) };
        let in_yardsticks = kind.is_seconds() && yardstick.is_some();
        Quantity { kind, in_yardsticks, values, finding: against.map_or(found, Err) }
    };
    kinds.into_iter().map(quantity).collect()
}

/// Returns the values in the rows of the cases, where no image is in both.
fn recorded(kind: Kind, pair: Pair<'_>, yardstick: Option<Yardstick>) -> [Option<f64>; 2] {
    let units = units(yardstick);
    std::array::from_fn(|at| {
        let case = pair.cases[at];
        match kind {
            Kind::Latency => case.latency_s.map(|seconds| seconds / units[at]),
            Kind::Amortised => case.amortised_s.map(|seconds| seconds / units[at]),
            Kind::Accuracy => case.accuracy,
            Kind::Flips => case.agreement.map(|agreement| 1.0 - agreement),
            Kind::Memory | Kind::LogitError => None,
        }
    })
}

/// Returns the unit of the seconds of A and of B.
fn units(yardstick: Option<Yardstick>) -> [f64; 2] {
    yardstick.map_or([1.0, 1.0], |yardstick| yardstick.seconds)
}

type Found = ([Option<f64>; 2], Result<Finding, String>);

fn seconds(kind: Kind, images: &Images<'_>, yardstick: Option<Yardstick>) -> Found {
    let value = |row: &ImageRow| match kind {
        Kind::Amortised => Some(row.latency_s? / row.batch.unwrap_or(1) as f64),
        _ => row.latency_s,
    };
    let units = units(yardstick);
    let mut pairs = images.evaluations(value);
    pairs.iter_mut().for_each(|pair| *pair = (pair.0 / units[0], pair.1 / units[1]));
    medians(kind, &pairs, "seconds")
}

fn errors(images: &Images<'_>) -> Found {
    let pair = |(a, b): &(&ImageRow, &ImageRow)| a.max_abs_error.zip(b.max_abs_error);
    let positive = |(a, b): &(f64, f64)| *a > 0.0 && *b > 0.0;
    let pairs: Vec<(f64, f64)> = images.both.iter().filter_map(pair).filter(positive).collect();
    medians(Kind::LogitError, &pairs, "logit errors")
}

/// Compares the medians of paired values.
fn medians(kind: Kind, pairs: &[(f64, f64)], what: &str) -> Found {
    let values = [|pair: &(f64, f64)| pair.0, |pair: &(f64, f64)| pair.1];
    let [a, b] = values.map(|value| median(&pairs.iter().map(value).collect::<Vec<_>>()));
    let found = a.zip(b).zip(ratio_of_medians(pairs)).filter(|_| pairs.len() >= FEWEST);
    let found = found.map(|((a, b), interval)| {
        let logs: Vec<f64> = pairs.iter().map(|(a, b)| (b / a).ln()).collect();
        Finding::tested(kind, pairs.len(), [a, b], interval, ("wilcoxon", signed_rank(&logs)))
    });
    let reason = || match pairs.len() {
        0 => format!("no {what} were measured in both"),
        count => format!("{count} pairs of measurements are too few, {FEWEST} are the fewest that tell at 5 %"),
    };
    ([a, b], found.ok_or_else(reason))
}

/// Compares two peak memories. Each run measures one of a case.
fn memory(pair: Pair<'_>) -> Found {
    let values = pair.cases.map(|case| case.peak_rss_bytes.map(|bytes| bytes as f64));
    if pair.cases.iter().any(|case| matches!(backend(case), "simulated" | "plain")) {
        return (values, Err("without encryption, it is not the memory of the case".to_owned()));
    }
    let [Some(a), Some(b)] = values else { return (values, Err("no peak memory was measured in both".to_owned())) };
    let seen = (b / a - 1.0).abs() >= MEMORY_TOLERANCE;
    let finding = Finding { pairs: 1, difference: b - a, ratio: Some(b / a), interval: None, test: None, seen };
    (values, Ok(finding))
}

fn shares(kind: Kind, images: &Images<'_>, has: impl Fn(&ImageRow) -> Option<bool>) -> Found {
    let shares = Shares::of(images.both.iter().filter_map(|(a, b)| has(a).zip(has(b))));
    let Some(interval) = shares.difference() else {
        let reason = if images.both.is_empty() { "no image in common" } else { "the images have no labels" };
        return ([None, None], Err(reason.to_owned()));
    };
    let (a, b) = shares.values();
    let p = mcnemar(shares.only_first, shares.only_second);
    ([Some(a), Some(b)], Ok(Finding::tested(kind, shares.images(), [a, b], interval, ("mcnemar", p))))
}
