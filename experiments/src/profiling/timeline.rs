//! The rows of `memory.csv`.

use std::time::Instant;

use fhe_ring::meter::Holder;

use super::memory::Sample;
use super::steps::Step;
use crate::records::MemoryRow;

/// Returns the rows of some samples that were taken during some steps, which began at `start`.
///
/// Resident pages of files are the program's as long as no keys or constants are in files, and from then on as many as
/// there were before.
pub(super) fn rows(samples: &[Sample], steps: &[Step], start: Instant) -> Vec<MemoryRow> {
    let mut program = 0;
    let row_of = |sample: &Sample| {
        let file = sample.resident.file;
        program = if sample.held(Holder::Files) == 0 { file } else { program.min(file) };
        row(sample, step_at(steps, sample.at), start, program)
    };
    samples.iter().map(row_of).collect()
}

/// Returns the step of a moment.
fn step_at(steps: &[Step], at: Instant) -> Option<&Step> {
    let next = steps.partition_point(|step| step.ends().is_some_and(|(_, end)| end < at));
    steps.get(next).or(steps.last())
}

fn row(sample: &Sample, step: Option<&Step>, start: Instant, program: u64) -> MemoryRow {
    let held = |holder| sample.held(holder);
    let in_limbs = [Holder::Tables, Holder::Weights, Holder::Ciphertexts, Holder::Secrets].map(held).iter().sum();
    let mut row = MemoryRow {
        seconds: (sample.at - start).as_secs_f64(),
        ciphertext: step.map_or(0, |step| step.ciphertext),
        layer: step.map_or(String::new(), |step| step.layer.clone()),
        op: step.map_or(String::new(), |step| step.op.clone()),
        rotation_keys: held(Holder::RotationKeys),
        relinearization_keys: held(Holder::RelinearizationKeys),
        encapsulation_keys: held(Holder::EncapsulationKeys),
        client_keys: held(Holder::ClientKeys),
        secrets: held(Holder::Secrets),
        constants: held(Holder::Matrices),
        weights: held(Holder::Weights),
        ciphertexts: held(Holder::Ciphertexts),
        scratch: (sample.limbs.in_use as u64).saturating_sub(in_limbs),
        pool: sample.limbs.waiting as u64,
        tables: held(Holder::Tables) + held(Holder::Permutations),
        models: held(Holder::Models),
        files: sample.resident.file - program,
        program,
        unattributed: 0,
        rss: sample.resident.total(),
    };
    row.unattributed = row.rss.saturating_sub(attributed(&row));
    row
}

/// The memory of a row by what holds it, in the order of the columns.
pub(super) fn by_holder(row: &MemoryRow) -> [(&'static str, u64); 15] {
    [
        ("rotation keys", row.rotation_keys),
        ("relinearization keys", row.relinearization_keys),
        ("encapsulation keys", row.encapsulation_keys),
        ("client-ring keys", row.client_keys),
        ("secret keys", row.secrets),
        ("bootstrapping constants", row.constants),
        ("encoded weights", row.weights),
        ("ciphertexts", row.ciphertexts),
        ("scratch in use", row.scratch),
        ("scratch waiting", row.pool),
        ("tables, permutations", row.tables),
        ("plaintext models", row.models),
        ("keys in files", row.files),
        ("the program", row.program),
        ("unattributed", row.unattributed),
    ]
}

/// Returns the bytes of which it is known what holds them.
pub(super) fn attributed(row: &MemoryRow) -> u64 {
    by_holder(row).iter().map(|(_, bytes)| bytes).sum::<u64>() - row.unattributed
}

#[cfg(test)]
mod tests {
    use fhe_ring::buffer::LimbBytes;

    use super::*;
    use crate::machine::Resident;
    use crate::profiling::memory::HOLDERS;

    fn sample(at: Instant, file: u64, held: &[(Holder, u64)]) -> Sample {
        let of = |holder| held.iter().find(|(other, _)| *other == holder).map_or(0, |(_, bytes)| *bytes);
        let limbs = LimbBytes { in_use: 500, waiting: 70 };
        Sample { at, resident: Resident { anonymous: 1000, file }, limbs, held: HOLDERS.map(of) }
    }

    #[test]
    fn columns_add_up_and_mapped_files_are_not_the_program() {
        let start = Instant::now();
        let limbs = [(Holder::Tables, 100), (Holder::Weights, 40), (Holder::Ciphertexts, 30), (Holder::Secrets, 10)];
        let mapped = [&limbs[..], &[(Holder::Files, 5000), (Holder::RotationKeys, 0)]].concat();
        let keys = [&limbs[..], &[(Holder::RotationKeys, 300), (Holder::Permutations, 5)]].concat();
        let samples = [sample(start, 200, &keys), sample(start, 900, &mapped), sample(start, 150, &mapped)];
        let rows = rows(&samples, &[], start);
        let found: Vec<_> = rows.iter().map(|row| (row.program, row.files, row.scratch, row.tables)).collect();
        assert_eq!(found, [(200, 0, 320, 105), (200, 700, 320, 100), (150, 0, 320, 100)]);
        for row in rows {
            assert_eq!(by_holder(&row).iter().map(|(_, bytes)| bytes).sum::<u64>(), row.rss, "{row:?}");
            assert_eq!(attributed(&row), row.rss - row.unattributed);
        }
    }
}
