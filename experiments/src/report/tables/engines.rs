//! The table of engines: submissions to the benchmarking suite beside encrypted cases of this program.

use super::table::{Cell, Table, fixed, gigabytes, number, percent, whole, words};
use crate::records::{CaseRow, ImageRow};
use crate::report::source::Source;
use crate::report::statistics::median;

/// The backends that the table shows.
const BACKENDS: [&str; 2] = ["encrypted", "suite"];

/// Returns the table of these runs.
pub(super) fn table(sources: &[Source]) -> Table {
    let columns = [
        words("run"),
        words("engine"),
        number("images"),
        number("failed"),
        number("accuracy, %"),
        words("95 % interval"),
        number("plain, %"),
        number("flips"),
        number("keys, s"),
        number("encrypt, s"),
        number("evaluate, s"),
        number("amortised"),
        number("decrypt, s"),
        number("peak, GB"),
        number("keys, GB"),
        number("upload, MB"),
        number("download, MB"),
        number("J an image"),
    ];
    let mut table = Table::new("Engines on CIFAR-10", &columns);
    for source in sources {
        if BACKENDS.iter().any(|backend| source.withheld(backend)) {
            table.push_withheld(source);
        }
        let cases = source.citable().filter(|case| BACKENDS.contains(&&case.backend[..]));
        cases.enumerate().for_each(|(index, case)| table.push(index == 0, row(source, case)));
    }
    table.notes.push(
        "Seconds of a submission to the benchmarking suite are those of its processes: their start, and reading and writing \
         keys and ciphertexts, count. Those of cipherlab are of one process that keeps its keys in memory. Peak: of the \
         largest process. Seconds and bytes are of a call or ciphertext, amortised and joules of an image. Joules are the \
         whole machine's, by the counters of its processor. Flips: against the plaintext model of the run's config with exact \
         ReLUs, which may not be the engine's own network."
            .to_owned(),
    );
    let concerned = |source: &&Source| BACKENDS.iter().any(|backend| source.concerns(backend));
    table.note_sources(sources.iter().filter(concerned));
    table
}

fn row(source: &Source, case: &CaseRow) -> Vec<Cell> {
    let interval = case.accuracy_lo.zip(case.accuracy_hi);
    let of_images = |seconds: fn(&ImageRow) -> Option<f64>| {
        let rows = source.run.images.iter().filter(|row| row.case == case.case && row.evaluated());
        median(&rows.filter_map(seconds).collect::<Vec<_>>())
    };
    vec![
        Some(source.name_of(case)),
        Some(engine(case)),
        whole(Some(case.images)),
        whole(Some(case.failed)),
        percent(case.accuracy),
        interval.map(|(lo, hi)| format!("{:.2} to {:.2}", 100.0 * lo, 100.0 * hi)),
        percent(case.plain_accuracy),
        whole((case.images > case.failed).then_some(case.flips)),
        fixed(case.keygen_s, 1),
        fixed(of_images(|row| row.encrypt_s), 3),
        fixed(case.latency_s, 2),
        // Seconds are amortised only where several images are evaluated together.
        fixed(case.amortised_s.filter(|&seconds| Some(seconds) < case.latency_s), 3),
        fixed(of_images(|row| row.decrypt_s), 3),
        gigabytes(case.peak_rss_bytes),
        gigabytes(case.key_bytes),
        megabytes(case.upload_bytes),
        megabytes(case.download_bytes),
        fixed(case.energy_j, 1),
    ]
}

/// Returns the engine of a case: its label, or this program with ring, packing and activation.
fn engine(case: &CaseRow) -> String {
    let insecure = if case.is_insecure() { ", insecure" } else { "" };
    match &case.engine {
        Some(label) => label.clone(),
        None => {
            let (ring, packing) = (case.ring_dim.unwrap_or_default(), case.packing.as_deref().unwrap_or_default());
            format!("cipherlab, N = {ring}, {packing}, {}{insecure}", case.relu)
        }
    }
}

/// Returns a cell of bytes in units of 10⁶.
fn megabytes(bytes: Option<u64>) -> Cell {
    fixed(bytes.map(|bytes| bytes as f64 / 1e6), 2)
}
