//! The table of systems: others as they report themselves, then ours.

use super::literature::{Literature, System};
use super::table::{Cell, Table, fixed, gigabytes, number, percent, text, words};
use crate::records::CaseRow;
use crate::report::source::Source;

/// Returns the table of these runs.
pub(super) fn table(literature: &Literature, sources: &[Source]) -> Table {
    let columns = [
        words("system"),
        words("library"),
        number("year"),
        words("packing"),
        words("activation"),
        words("bootstraps"),
        words("machine"),
        number("s an image"),
        number("amortised"),
        number("memory, GB"),
        number("encrypted, %"),
        number("plain, %"),
        words("source"),
    ];
    let mut table = Table::new("Encrypted ResNet-20 on CIFAR-10, each as reported by its source", &columns);
    for (index, system) in literature.system.iter().enumerate() {
        table.push(index == 0, theirs(system));
    }
    for source in sources {
        if source.withheld("encrypted") {
            table.push_withheld(source);
        }
        let encrypted = source.citable().filter(|case| case.backend == "encrypted");
        encrypted.enumerate().for_each(|(index, case)| table.push(index == 0, ours(source, case)));
    }
    table.notes.push(
        "Machines, images and security levels differ from row to row: read columns, not ranks. Ours are encrypted runs; \
         the interval beside an accuracy is Wilson's at 95 %."
            .to_owned(),
    );
    table.note_sources(sources.iter().filter(|source| source.concerns("encrypted")));
    table
}

fn theirs(system: &System) -> Vec<Cell> {
    let System { name, year, source, library, packing, activation, bootstraps, machine, .. } = system;
    let System { seconds, amortised, memory_gb, encrypted, plain, .. } = system;
    let middle = [packing, activation, bootstraps, machine, seconds, amortised, memory_gb, encrypted, plain];
    let mut cells = vec![text(name), library.clone(), Some(year.to_string())];
    cells.extend(middle.map(Clone::clone));
    cells.push(text(source));
    cells
}

fn ours(source: &Source, case: &CaseRow) -> Vec<Cell> {
    let run = &source.run.provenance;
    let cpu = run.cpu.as_deref().unwrap_or("unknown processor");
    let machine = format!("{cpu}, {} threads", source.threads(case));
    let bootstraps = source.run.bootstraps(&case.case).map(|count| count.to_string());
    // The accuracy does not count images that failed.
    let images = match case.failed {
        0 => format!("{} images", case.images),
        failed => format!("{} images, {failed} more failed", case.images.saturating_sub(failed)),
    };
    let encrypted = percent(case.accuracy).map(|accuracy| match case.accuracy_lo.zip(case.accuracy_hi) {
        Some((lo, hi)) => format!("{accuracy} ({:.2} to {:.2}, {images})", 100.0 * lo, 100.0 * hi),
        None => format!("{accuracy} ({images})"),
    });
    vec![
        Some(format!("cipherlab, {}{}", source.name_of(case), if case.is_insecure() { ", insecure" } else { "" })),
        Some(format!("its own, {}", run.version)),
        run.started.get(..4).map(str::to_owned),
        case.packing.clone(),
        text(&case.relu),
        bootstraps,
        Some(machine),
        fixed(case.latency_s, 1),
        // Seconds are amortised only where a ciphertext holds several images.
        fixed(case.amortised_s.filter(|&seconds| Some(seconds) < case.latency_s), 1),
        gigabytes(case.peak_rss_bytes),
        encrypted,
        percent(case.plain_accuracy),
        Some(format!("{}, {}", source.run.folder.display(), case.case)),
    ]
}
