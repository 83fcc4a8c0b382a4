//! The table of parameters: the paper's four sets, and ours.

use super::literature::{Literature, Measured, Paper, ParameterSet};
use super::planned::{Planned, Planner};
use super::table::{Cell, Table, difference, fixed, gigabytes, number, ratio, text, whole, words};
use crate::records::{CaseRow, LayerRow, Run};
use crate::report::source::Source;

/// The places where the paper measures its precision.
const STAGES: [&str; 5] = ["initial", "stage 1", "stage 2", "stage 3", "classifier"];

/// Returns the table of these runs.
pub(super) fn table(literature: &Literature, sources: &[Source], planner: &dyn Planner) -> Table {
    let columns = [
        words("parameters"),
        words("case"),
        number("logQP"),
        number("limit"),
        words("128 bits today"),
        number("digits"),
        number("depth"),
        number("bootstraps"),
        number("memory, GB"),
        number("s an image"),
        number("predicted, s"),
        number("bootstrap, bits"),
    ];
    let mut table = Table::new(
        "The paper's parameter sets: as published, by today's security tables, and repaired to 128 bits",
        &[&columns[..], &STAGES.map(number)].concat(),
    );
    for set in &literature.set {
        table.push(set.set == 1, published(literature, set));
        if set.set == literature.measured.set {
            table.push(false, run_here(literature, set));
        }
    }
    for source in sources {
        if source.withheld("encrypted") {
            table.push_withheld(source);
        }
        for case in source.citable().filter(|case| case.backend == "encrypted") {
            let ours = Ours::new(&source.run, case, planner);
            table.push(true, ours.cells(&label(literature, case, source.name())));
            for set in literature.set.iter().filter(|set| set.relu == case.relu) {
                table.push(false, ours.against(set));
                if set.set == literature.measured.set {
                    table.push(false, ours.against_measured(&literature.measured));
                }
            }
        }
    }
    notes(literature, &mut table);
    table.note_sources(sources.iter().filter(|source| source.concerns("encrypted")));
    table
}

fn published(literature: &Literature, set: &ParameterSet) -> Vec<Cell> {
    let limit = literature.paper.uniform_limit(set.log_qp);
    let security = limit.map(|limit| match limit.bits {
        0 => format!("no: {:.0} over, and sparse", set.log_qp - limit.limit),
        bits => format!("{bits} if it were uniform"),
    });
    let head = [
        Some(format!("set {}, published", set.set)),
        text(&set.relu),
        fixed(Some(set.log_qp), 0),
        fixed(limit.map(|limit| limit.limit), 0),
        security,
        whole(Some(set.digits)),
        whole(Some(set.depth)),
        whole(Some(set.bootstraps)),
        fixed(Some(set.memory_gb), 1),
        None,
        None,
        fixed(Some(set.bootstrap_bits), 2),
    ];
    head.into_iter().chain(set.precision.map(|precision| fixed(Some(precision), 4))).collect()
}

fn run_here(literature: &Literature, set: &ParameterSet) -> Vec<Cell> {
    let Measured { seconds, memory_gb, bootstrap_bits, .. } = literature.measured;
    let mut cells = vec![None; 12 + STAGES.len()];
    cells[0] = Some(format!("set {}, run by us", set.set));
    cells[1] = text(&set.relu);
    cells[8] = fixed(Some(memory_gb), 1);
    cells[9] = fixed(Some(seconds), 0);
    cells[11] = fixed(Some(bootstrap_bits), 2);
    cells
}

/// An encrypted case in the paper's terms.
struct Ours<'a> {
    case: &'a CaseRow,
    planned: Option<Planned>,
    bootstraps: Option<usize>,
    /// Precision of a single bootstrap in bits, and whether the run itself measured it.
    bootstrap_bits: Option<(f64, bool)>,
    precision: [Option<f64>; 5],
}

impl<'a> Ours<'a> {
    fn new(run: &Run, case: &'a CaseRow, planner: &dyn Planner) -> Self {
        let layers: Vec<_> = run.layers.iter().filter(|row| row.case == case.case).collect();
        let bootstraps = run.bootstraps(&case.case);
        let own = layers.iter().filter_map(|row| row.own_precision_bits).reduce(f64::min).map(|bits| (bits, true));
        let bootstrap_bits = own.or_else(|| Some((planner.bootstrap_bits(case.ring_dim?)?, false)));
        Self { case, planned: planner.plan(case), bootstraps, bootstrap_bits, precision: stages(&layers) }
    }

    fn cells(&self, name: &str) -> Vec<Cell> {
        let case = self.case;
        let security = case.security.map(|bits| match (bits, case.log_qp, case.log_qp_limit) {
            (0, Some(log_qp), Some(limit)) => format!("no: {:.0} over", log_qp - limit),
            (0, ..) => "no".to_owned(),
            (bits, ..) => format!("yes: {bits}"),
        });
        let head = [
            text(name),
            text(&case.case),
            fixed(case.log_qp, 1),
            fixed(case.log_qp_limit, 0),
            security,
            whole(self.planned.as_ref().map(|planned| planned.digits)),
            whole(self.planned.as_ref().map(|planned| planned.depth)),
            whole(self.bootstraps),
            gigabytes(case.peak_rss_bytes),
            fixed(case.latency_s, 1),
            fixed(case.predicted_latency_s, 1),
            self.bootstrap_bits.and_then(|(bits, own)| Some(fixed(Some(bits), 2)? + if own { "" } else { " (bench)" })),
        ];
        head.into_iter().chain(self.precision.map(near_one)).collect()
    }

    fn against(&self, set: &ParameterSet) -> Vec<Cell> {
        let depth = self.planned.as_ref().map(|planned| planned.depth as f64);
        let digits = self.planned.as_ref().map(|planned| planned.digits as f64);
        let head = [
            Some(format!("against set {}, published", set.set)),
            text("difference"),
            difference(self.case.log_qp, Some(set.log_qp), 1),
            None,
            None,
            difference(digits, Some(set.digits as f64), 0),
            difference(depth, Some(set.depth as f64), 0),
            difference(self.bootstraps.map(|count| count as f64), Some(set.bootstraps as f64), 0),
            ratio(self.gigabytes(), Some(set.memory_gb)),
            None,
            None,
            difference(self.bootstrap_bits.map(|(bits, _)| bits), Some(set.bootstrap_bits), 2),
        ];
        // The published precision includes the error of the polynomials, ours does not.
        head.into_iter().chain(STAGES.map(|_| None)).collect()
    }

    fn against_measured(&self, measured: &Measured) -> Vec<Cell> {
        let mut cells = vec![None; 12 + STAGES.len()];
        cells[0] = Some(format!("against set {}, run by us", measured.set));
        cells[1] = text("difference");
        cells[8] = ratio(self.gigabytes(), Some(measured.memory_gb));
        cells[9] = ratio(self.case.latency_s, Some(measured.seconds));
        cells[11] = difference(self.bootstrap_bits.map(|(bits, _)| bits), Some(measured.bootstrap_bits), 2);
        cells
    }

    fn gigabytes(&self) -> Option<f64> {
        Some(self.case.peak_rss_bytes? as f64 / 1e9)
    }
}

/// Returns the name of a case: the sets that it repairs, if it has their ring, activation and packing at 128 bits.
fn label(literature: &Literature, case: &CaseRow, name: &str) -> String {
    let Paper { log_n, packing, .. } = &literature.paper;
    let same =
        case.ring_dim == Some(1 << log_n) && case.packing.as_ref() == Some(packing) && case.security >= Some(128);
    let sets = literature.set.iter().filter(|set| same && set.relu == case.relu);
    let sets: Vec<String> = sets.map(|set| set.set.to_string()).collect();
    match &sets[..] {
        [] => name.to_owned(),
        [set] => format!("set {set}, repaired: {name}"),
        sets => format!("sets {}, repaired: {name}", sets.join(" and ")),
    }
}

/// Returns a precision with the decimals that distinguish it from 1.
fn near_one(precision: Option<f64>) -> Cell {
    let short = (1.0 - precision?).abs();
    let nines = if short > 0.0 { -short.log10().floor() } else { 0.0 };
    fixed(precision, (nines.clamp(3.0, 11.0) + 1.0) as usize)
}

/// Returns the paper's measure of precision after the initial layer, each stage and the classifier: the mean over the
/// traced images.
fn stages(layers: &[&LayerRow]) -> [Option<f64>; 5] {
    let stage = |row: &LayerRow| match row.op.as_str() {
        "classifier" => Some(4),
        "activation" => fhe_nn::network::stage(&row.layer).filter(|&stage| stage < 4),
        _ => None,
    };
    let mut sums = [(0.0, 0_usize); 5];
    for (index, row) in layers.iter().enumerate() {
        let Some(at) = stage(row) else { continue };
        // The last activation of a stage gives its result.
        let later = layers[index + 1..].iter().take_while(|later| later.image == row.image);
        let last = !later.into_iter().any(|later| stage(later) == Some(at));
        if let Some(precision) = row.paper_precision.filter(|_| last) {
            sums[at].0 += precision;
            sums[at].1 += 1;
        }
    }
    sums.map(|(sum, count)| (count > 0).then(|| sum / count as f64))
}

fn notes(literature: &Literature, table: &mut Table) {
    let paper = &literature.paper;
    let widest = literature.set.iter().map(|set| set.log_qp).fold(0.0, f64::max);
    table.notes.push(format!("Published sets: {}, {}, N = 2^{}.", paper.title, paper.source, paper.log_n));
    if let Some(uniform) = paper.uniform_limit(widest) {
        let sparse = paper.sparse_limit(widest).map_or(String::new(), |sparse| {
            format!(
                ". No table here has that weight; the {} allows {:.0} for the next lighter secret that it lists",
                sparse.table, sparse.limit
            )
        });
        table.notes.push(format!(
            "Limit: the largest logQP with 128 bits of security under a uniform ternary secret, by the {}. The published \
             sets draw a sparse secret (weight {}), which is less secure{sparse}.",
            uniform.table, paper.secret_weight
        ));
    }
    table.notes.push(format!("Run by us: {}.", literature.measured.what));
    table.notes.push(
        "Repaired: the set's ring dimension, activation and packing under a uniform ternary secret, an ephemeral one of weight \
         32 across the modulus raise, and a modulus within the limit. As published a set cannot run here: bootstraps go through \
         the ephemeral secret, and primes end at 50 bits."
            .to_owned(),
    );
    table.notes.push(
        "Bootstrap, bits: −log₂ of a bootstrap's own largest error over all slots, on values in [−1, 1]; ours, the worst of \
         all bootstraps of the images that were looked into, or, marked (bench), that of the shipped microbenchmark at this \
         ring dimension. Predicted: seconds by `plan`, before the run."
            .to_owned(),
    );
    table.notes.push(
        "Precision after a stage: 1 - Σ|v - v'| / Σ|v|; published, of a single image against the model with exact ReLUs, so that \
         most of what is missing is the polynomials' error; ours, against the plaintext model with the same polynomials, which \
         leaves what encryption adds, the mean over the images that were looked into."
            .to_owned(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_precision_is_never_rounded_to_one() {
        let text = |precision| near_one(Some(precision)).unwrap();
        assert_eq!([0.9344, 0.99995, 0.99999968, 1.0].map(text), ["0.9344", "0.999950", "0.99999968", "1.0000"]);
        assert_eq!(near_one(None), None);
    }

    fn row(image: usize, layer: &str, op: &str, precision: f64) -> LayerRow {
        LayerRow {
            case: String::new(),
            image,
            layer: layer.to_owned(),
            op: op.to_owned(),
            level: None,
            latency_s: None,
            rss_bytes: None,
            max_abs_error: None,
            mean_abs_error: None,
            precision_bits: None,
            paper_precision: Some(precision),
            approximation_max_error: None,
            approximation_mean_error: None,
            overflow: None,
            own_precision_bits: None,
        }
    }

    /// The last activation of a stage counts, and of several images the mean.
    #[test]
    fn stages_end_in_their_last_activation() {
        let image = |image: usize, shift: f64| {
            [
                row(image, "conv1", "convolution", 0.1),
                row(image, "act", "activation", 0.9 + shift),
                row(image, "layer1.0.act1", "activation", 0.2),
                row(image, "layer1.2.act2", "activation", 0.8 + shift),
                row(image, "layer2.0.conv1", "bootstrap", 0.3),
                row(image, "fc", "classifier", 0.6),
            ]
        };
        let rows = [image(3, 0.0), image(7, 0.02)].concat();
        let found = stages(&rows.iter().collect::<Vec<_>>());
        let wanted = [Some(0.91), Some(0.81), None, None, Some(0.6)];
        for (found, wanted) in found.into_iter().zip(wanted) {
            assert!(found.zip(wanted).map_or(found == wanted, |(a, b): (f64, f64)| (a - b).abs() < 1e-12), "{found:?}");
        }
    }
}
