//! What a reader of a comparison needs to know beside the numbers.

use super::Compared;
use super::doubts::Pair;
use super::images::Images;
use super::yardstick::Yardstick;
use crate::records::ImageRow;

/// A yardstick that moved by more than this share is worth a note.
const STEADY: f64 = 0.02;
/// From so many tests on, some are below 0.05 by chance.
const MANY_TESTS: usize = 20;

/// Returns the notes on a pair: images that count in one case only, the largest errors, other settings.
pub(super) fn of_pair(pair: Pair<'_>, images: &Images<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if images.only_a + images.only_b > 0 {
        let Images { both, only_a, only_b, .. } = images;
        notes
            .push(format!("{} images are in both; {only_a} only in A and {only_b} only in B are left out", both.len()));
    }
    if images.failed > 0 {
        notes.push(format!("{} images are left out, as their evaluation failed in A or in B", images.failed));
    }
    let count = |side: fn(&(&ImageRow, &ImageRow)) -> bool| images.both.iter().filter(|pair| side(pair)).count();
    let without = [count(|pair| pair.0.without_class()), count(|pair| pair.1.without_class())];
    if without != [0, 0] {
        notes.push(format!(
            "images without a class: {} in A, {} in B; they are wrong and are flips",
            without[0], without[1]
        ));
    }
    notes.extend(worst(images));
    let settings = settings(pair);
    if !settings.is_empty() {
        notes.push(format!("A and B differ in {}", settings.join(", ")));
    }
    notes
}

/// Returns the largest logit errors over the images of both.
fn worst(images: &Images<'_>) -> Option<String> {
    let largest =
        |side: fn(&(&ImageRow, &ImageRow)) -> Option<f64>| images.both.iter().filter_map(side).reduce(f64::max);
    let [a, b] = [largest(|pair| pair.0.max_abs_error)?, largest(|pair| pair.1.max_abs_error)?]
        .map(|error| format!("{error:.2e} ({:.1} bits)", -error.log2()));
    Some(format!("largest logit error of all images: {a} in A, {b} in B"))
}

/// Returns the settings in which the cases differ.
fn settings(pair: Pair<'_>) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let short = |digest: &str| digest.get(..12).unwrap_or(digest).to_owned();
    let runs = pair.sources.map(|source| &source.run.provenance);
    let ring = |ring: Option<usize>| ring.map_or_else(|| "none".to_owned(), |ring| ring.to_string());
    // Earlier programs had no choice, and noted none.
    let both = |[a, b]: [Option<String>; 2]| a.zip(b).map_or_else(Default::default, |(a, b)| [a, b]);
    let digest = |digest: &Option<String>| short(&text(digest));
    let all = [
        ("ring dimension", pair.cases.map(|case| ring(case.ring_dim))),
        ("activation", pair.cases.map(|case| case.relu.clone())),
        ("packing", pair.cases.map(|case| text(&case.packing))),
        ("profile", pair.cases.map(|case| text(&case.profile))),
        ("backend", pair.cases.map(|case| case.backend.clone())),
        ("weights", runs.map(|run| short(&run.weights_sha256))),
        ("model card", runs.map(|run| digest(&run.card_sha256))),
        ("noise model", runs.map(|run| digest(&run.noise_sha256))),
        ("threads", pair.threads().map(|threads| threads.to_string())),
        ("kernels", pair.kernels().map(str::to_owned)),
        ("memory", both(pair.cases.map(|case| case.memory.clone()))),
        ("way of holding", both(pair.cases.map(|case| case.holding.clone()))),
        ("seed", runs.map(|run| run.seed.to_string())),
        ("revision", runs.map(|run| text(&run.revision))),
    ];
    let different = all.into_iter().filter(|(_, [a, b])| a != b);
    different.map(|(what, [a, b])| format!("{what} ({a} against {b})")).collect()
}

/// Returns the notes on the whole comparison.
pub(super) fn of_all(pairs: &[Compared], yardstick: Option<Yardstick>, in_yardsticks: bool) -> Vec<String> {
    let found = || {
        pairs
            .iter()
            .flat_map(|pair| &pair.quantities)
            .filter_map(|quantity| Some((quantity, quantity.finding.as_ref().ok()?)))
    };
    let mut notes = Vec::new();
    if found().any(|(quantity, _)| quantity.kind.is_seconds()) {
        notes.push(
            "the interval of seconds is of this pair of runs; a machine that is busier in one of them makes a difference \
             too: alternate the runs and compare again"
                .to_owned(),
        );
        let moved = yardstick.filter(|yardstick| (yardstick.ratio() - 1.0).abs() > STEADY);
        let unit = if in_yardsticks {
            "the values are multiples of it, and its own error is in no interval"
        } else {
            "the seconds are not corrected for it"
        };
        notes.extend(moved.filter(|_| !in_yardsticks).or(yardstick.filter(|_| in_yardsticks)).map(|yardstick| {
            let [a, b] = yardstick.seconds.map(|seconds| 1e6 * seconds);
            format!("the yardstick took {a:.1} µs in A and {b:.1} µs in B (×{:.3}); {unit}", yardstick.ratio())
        }));
    }
    let tests = found().filter(|(_, finding)| finding.test.is_some()).count();
    if tests >= MANY_TESTS {
        let chance = (tests as f64 * 0.05).round();
        notes.push(format!("of {tests} tests at 5 %, about {chance} see a difference where there is none"));
    }
    notes
}
