//! The table of accuracy: the plaintext model against encrypted, simulated and plain cases.

use super::literature::Literature;
use super::table::{Cell, Table, difference, number, percent, text, whole, words};
use crate::records::CaseRow;
use crate::report::source::{Source, Standing};

/// Returns the table of these runs.
pub(super) fn table(literature: &Literature, sources: &[Source]) -> Table {
    let columns = [
        words("run"),
        words("backend"),
        number("N"),
        words("ReLU"),
        words("packing"),
        number("images"),
        number("failed"),
        number("plain, exact, %"),
        number("plain, polynomial, %"),
        number("this backend, %"),
        words("95 % interval"),
        number("difference, points"),
        number("flips"),
        number("flips by noise"),
        number("McNemar p"),
    ];
    let mut table = Table::new("Accuracy on CIFAR-10, plaintext against encrypted or simulated", &columns);
    let paper = &literature.paper;
    let (encrypted, plain) = (Some(paper.encrypted_accuracy), Some(paper.plain_accuracy));
    let mut published =
        vec![text("the paper"), text("encrypted"), whole(Some(1 << paper.log_n)), None, text(&paper.packing)];
    published.extend([None, None, percent(plain), None, percent(encrypted), None]);
    published.push(points(encrypted, plain));
    published.resize(columns.len(), None);
    table.push(true, published);
    for source in sources {
        if source.standing != Standing::Complete {
            table.push_withheld(source);
        }
        source.citable().enumerate().for_each(|(index, case)| table.push(index == 0, row(source, case)));
    }
    table.notes.push(format!("The paper: {}; of how many encrypted images is not known to us.", paper.source));
    table.notes.push(format!(
        "The paper's released weights score {:.2} % in cleartext over the 10,000 test images, and {:.2} % on pixels that are \
         not normalised, as its published program feeds them; measured by us.",
        100.0 * paper.released_weights_accuracy,
        100.0 * paper.released_weights_bare_accuracy
    ));
    table.notes.push(
        "Interval: Wilson. Difference, flips and McNemar's exact test: against the plaintext model with exact ReLUs on the \
         same images; flips by noise: against the one with the same polynomials. Simulated is not encrypted: it is the \
         same circuit in cleartext with calibrated noise."
            .to_owned(),
    );
    table.note_sources(sources);
    table
}

fn row(source: &Source, case: &CaseRow) -> Vec<Cell> {
    let interval = case.accuracy_lo.zip(case.accuracy_hi);
    let compared = case.images > case.failed;
    vec![
        Some(source.name_of(case)),
        Some(backend(case)),
        whole(case.ring_dim),
        text(&case.relu),
        case.packing.clone(),
        whole(Some(case.images)),
        whole(Some(case.failed)),
        percent(case.plain_accuracy),
        percent(case.polynomial_accuracy),
        percent(case.accuracy),
        interval.map(|(lo, hi)| format!("{:.2} to {:.2}", 100.0 * lo, 100.0 * hi)),
        points(case.accuracy, case.plain_accuracy),
        whole(compared.then_some(case.flips)),
        whole((compared && case.engine.is_none()).then_some(case.polynomial_flips)),
        case.mcnemar_p.map(|p| match p {
            0.0 => "< 1e-300".to_owned(),
            p if p < 1e-3 => format!("{p:.1e}"),
            p => format!("{p:.3}"),
        }),
    ]
}

/// Returns the backend, with the label of an engine that is not this program.
fn backend(case: &CaseRow) -> String {
    let insecure = if case.is_insecure() { ", insecure" } else { "" };
    let engine = case.engine.as_ref().map_or(String::new(), |label| format!(": {label}"));
    format!("{}{engine}{insecure}", case.backend)
}

fn points(ours: Option<f64>, theirs: Option<f64>) -> Cell {
    difference(ours.map(|share| 100.0 * share), theirs.map(|share| 100.0 * share), 2)
}
