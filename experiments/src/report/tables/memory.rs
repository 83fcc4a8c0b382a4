//! The table of memory: keys, constants, ciphertexts and the rest of an encrypted case.

use super::literature::Literature;
use super::planned::Planner;
use super::table::{Cell, Table, fixed, gigabytes, number, text, words};
use crate::records::CaseRow;
use crate::report::source::Source;

/// Returns the table of these runs.
pub(super) fn table(literature: &Literature, sources: &[Source], planner: &dyn Planner) -> Table {
    let columns = [
        words("run"),
        words("case"),
        number("rotation keys, GB"),
        number("relinearisation, GB"),
        number("other keys, GB"),
        number("all keys, GB"),
        number("bootstrap constants, GB"),
        number("encoded weights, GB"),
        number("ciphertexts, GB"),
        number("scratch and the rest, GB"),
        number("peak, GB"),
        number("predicted peak, GB"),
    ];
    let mut table = Table::new("Memory of encrypted inference, attributed", &columns);
    for set in &literature.set {
        let mut cells = vec![Some(format!("set {}, published", set.set)), text(&set.relu)];
        cells.resize(columns.len(), None);
        cells[10] = fixed(Some(set.memory_gb), 2);
        table.push(set.set == 1, cells);
    }
    let measured = &literature.measured;
    let mut cells = vec![None; columns.len()];
    cells[0] = Some(format!("set {}, run by us", measured.set));
    cells[5] = fixed(Some(measured.key_gb), 2);
    cells[10] = fixed(Some(measured.memory_gb), 2);
    table.push(false, cells);
    for source in sources {
        if source.withheld("encrypted") {
            table.push_withheld(source);
        }
        let encrypted = source.citable().filter(|case| case.backend == "encrypted");
        encrypted.enumerate().for_each(|(index, case)| table.push(index == 0, row(source, case, planner)));
    }
    table.notes.push(format!(
        "Published sets: {}. Run by us: {}; its keys as they stand on disk.",
        literature.paper.source, measured.what
    ));
    table.notes.push(
        "Measured: all keys, bootstrap constants, peak (the process's high-water mark). By plan: how the keys divide, where \
         it agrees with their measured sum. Encoded weights are made as they are used and not kept: those in use count as \
         scratch. Ciphertexts: the widest between two steps and a shortcut as wide. The rest is what remains of the peak: \
         transform tables, scratch, weights, the program."
            .to_owned(),
    );
    table.note_sources(sources.iter().filter(|source| source.concerns("encrypted")));
    table
}

fn row(source: &Source, case: &CaseRow, planner: &dyn Planner) -> Vec<Cell> {
    let planned = planner.plan(case);
    let keys = |wanted: fn(&str) -> bool| gigabytes(planned.as_ref().and_then(|planned| planned.key_bytes(wanted)));
    let ciphertexts = ciphertext_bytes(source, case);
    let known = [case.key_bytes, case.constant_bytes, ciphertexts];
    let rest = known.into_iter().try_fold(case.peak_rss_bytes, |rest, part| Some(rest?.checked_sub(part?))).flatten();
    vec![
        text(source.name()),
        text(&case.case),
        keys(|kind| kind == "rotation"),
        keys(|kind| kind == "relinearization"),
        keys(|kind| !matches!(kind, "rotation" | "relinearization")),
        gigabytes(case.key_bytes),
        gigabytes(case.constant_bytes),
        text("not kept"),
        gigabytes(ciphertexts),
        gigabytes(rest),
        gigabytes(case.peak_rss_bytes),
        gigabytes(case.predicted_bytes),
    ]
}

/// Returns the bytes of two ciphertexts, of two polynomials each, at the highest level of any step.
fn ciphertext_bytes(source: &Source, case: &CaseRow) -> Option<u64> {
    let rows = source.run.layers.iter().filter(|row| row.case == case.case);
    let level = rows.filter_map(|row| row.level).max()?;
    Some(2 * 2 * 8 * (level as u64 + 1) * case.ring_dim? as u64)
}
