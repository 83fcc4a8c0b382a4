//! The table of the sweep: the cost and the yield of every encrypted case.

use super::table::{Cell, Table, fixed, gigabytes, number, text, whole, words};
use crate::records::CaseRow;
use crate::report::cost::Cost;
use crate::report::source::Source;

/// Returns the table of these runs, ring by ring, the fastest case first.
pub(super) fn table(sources: &[Source]) -> Table {
    let columns = [
        words("run"),
        number("N"),
        words("packing"),
        words("ReLU"),
        number("logQP"),
        number("images"),
        number("as the polynomial model"),
        number("as the exact model"),
        number("largest logit error"),
        number("worst logit, bits"),
        number("latency, s"),
        number("±"),
        number("kNTT"),
        number("amortised"),
        number("peak, GB"),
        number("keys, GB"),
        words("beaten by"),
    ];
    let mut table = Table::new("What each case costs and yields", &columns);
    sources.iter().filter(|source| source.withheld("encrypted")).for_each(|source| table.push_withheld(source));
    let cases = |source| Source::citable(source).filter(|case| case.backend == "encrypted");
    let mut rows: Vec<(&Source, &CaseRow)> =
        sources.iter().flat_map(|source| cases(source).map(move |case| (source, case))).collect();
    let seconds = |case: &CaseRow| case.latency_s.unwrap_or(f64::INFINITY);
    rows.sort_by(|(_, a), (_, b)| a.ring_dim.cmp(&b.ring_dim).then(seconds(a).total_cmp(&seconds(b))));
    let (mut ring, yardstick) = (None, Yardstick::common(sources));
    for (source, case) in &rows {
        let first = ring.replace(case.ring_dim) != Some(case.ring_dim);
        table.push(first, row(source, case, yardstick.of(source), &rows));
    }
    table.notes.push(format!(
        "As a model: images with its class, of those that did not fail. Largest error and bits: of the worst logit of all \
         images, against the plaintext model with the same polynomials. latency: median and half the distance of the \
         quartiles; kNTT: the same in thousands of the yardstick, {} on \
         one thread of that machine, where the run measured it; amortised: over the images of a ciphertext, where it \
         holds several. Beaten by: the fastest other case of the same machine and as secure here that is no worse in latency, \
         amortised seconds, peak memory, bits and images with the exact model's class, and better in one.",
        yardstick.in_words()
    ));
    table.notes.extend(yardstick.note(sources));
    table.note_sources(sources.iter().filter(|source| source.concerns("encrypted")));
    table
}

/// The unit of the column kNTT. Runs of earlier versions timed the `tfhe-ntt` crate, later ones the reference
/// transform; the factor between the two differs from machine to machine, so a table has only one of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Yardstick {
    TfheNtt,
    Reference,
}

impl Yardstick {
    /// The older one if any run has it.
    fn common(sources: &[Source]) -> Self {
        let all = |has: fn(&Source) -> bool| sources.iter().any(has);
        let old = all(|source| source.run.provenance.ntt_us.is_some());
        let new = all(|source| source.run.provenance.reference_ntt_us.is_some());
        if new && !old { Self::Reference } else { Self::TfheNtt }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::TfheNtt => "a forward transform at N = 2^16 by the tfhe-ntt crate",
            Self::Reference => "the reference transform at N = 2^16",
        }
    }

    /// Microseconds of the unit on the machine of a run.
    fn of(self, source: &Source) -> Option<f64> {
        let run = &source.run.provenance;
        match self {
            Self::TfheNtt => run.ntt_us,
            Self::Reference => run.reference_ntt_us,
        }
    }

    /// Names the runs that measured only another unit.
    fn note(self, sources: &[Source]) -> Option<String> {
        let other = |source: &&Source| self.of(source).is_none() && source.run.provenance.reference_ntt_us.is_some();
        let names: Vec<&str> = sources.iter().filter(other).map(Source::name).collect();
        let text = "kNTT is empty for these runs, whose yardstick is the reference transform (results/METHODOLOGY.md)";
        (!names.is_empty()).then(|| format!("{text}: {}", names.join(", ")))
    }
}

fn row(source: &Source, case: &CaseRow, yardstick_us: Option<f64>, rows: &[(&Source, &CaseRow)]) -> Vec<Cell> {
    let compared = case.images.saturating_sub(case.failed);
    let same = |flips: usize| Some(format!("{} of {compared}", compared.saturating_sub(flips)));
    let name = source.name_of(case) + if case.is_insecure() { ", insecure" } else { "" };
    vec![
        Some(name),
        whole(case.ring_dim),
        case.packing.clone(),
        text(&case.relu),
        fixed(case.log_qp, 0),
        whole(Some(case.images)),
        same(case.polynomial_flips),
        same(case.flips),
        case.precision_bits.map(|bits| format!("{:.1e}", (-bits).exp2())),
        fixed(case.precision_bits, 1),
        fixed(case.latency_s, 1),
        fixed(case.latency_spread_s, 1),
        fixed(case.latency_s.zip(yardstick_us).map(|(s, us)| s / us * 1e3), 0),
        fixed(case.amortised_s.filter(|&seconds| Some(seconds) < case.latency_s), 1),
        gigabytes(case.peak_rss_bytes),
        gigabytes(case.key_bytes),
        beaten_by(source, case, rows),
    ]
}

/// Returns the first of `rows` that beats the case, in words that identify it; "none" if none does.
fn beaten_by(source: &Source, case: &CaseRow, rows: &[(&Source, &CaseRow)]) -> Cell {
    let cost = Cost::of(source, case)?;
    let better = rows.iter().filter_map(|(source, other)| Some((source, other, Cost::of(source, other)?)));
    let fastest = better.filter(|(.., other)| other.beats(cost)).min_by(|a, b| a.2.seconds.total_cmp(&b.2.seconds));
    Some(fastest.map_or("none".to_owned(), |(source, other, _)| {
        let packing = other.packing.as_deref().unwrap_or_default();
        let insecure = if other.is_insecure() { ", insecure" } else { "" };
        let [_, kernels, memory] = source.resources(other);
        let resources: String =
            [kernels, memory].iter().filter(|word| !word.is_empty()).map(|word| format!(", {word}")).collect();
        format!("{packing}, {}, N = {}{resources}{insecure}", other.relu, other.ring_dim.unwrap_or_default())
    }))
}
