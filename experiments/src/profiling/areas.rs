//! The memory timeline: areas above each other, with lines where layers begin.

use crate::records::MemoryRow;
use crate::report::plot::figure::{Axis, Figure, Look, Mark, Panel};

use super::timeline::by_holder;

/// The most moments of the figure. Of more, the one with the largest memory stands for its neighbours.
const MOMENTS: usize = 600;

/// The areas from the bottom up: words, the names of their holders, and the number of their colour.
const AREAS: [(&str, &[&str], usize); 10] = [
    ("the program", &["the program"], 4),
    ("rotation keys", &["rotation keys"], 0),
    ("other keys", &["relinearization keys", "encapsulation keys", "client-ring keys", "secret keys"], 7),
    ("keys in files", &["keys in files"], 5),
    ("bootstrapping constants", &["bootstrapping constants"], 2),
    ("tables, plaintext models", &["tables, permutations", "plaintext models"], 9),
    ("ciphertexts, encoded weights", &["ciphertexts", "encoded weights"], 3),
    ("scratch in use", &["scratch in use"], 1),
    ("scratch waiting", &["scratch waiting"], 8),
    ("unattributed", &["unattributed"], 13),
];

/// Returns the timeline. `peak` is the kernel's high-water mark in bytes.
pub(super) fn figure(rows: &[MemoryRow], peak: Option<u64>, title: &str) -> Figure {
    let moments: Vec<&MemoryRow> = rows
        .chunks(rows.len().div_ceil(MOMENTS).max(1))
        .filter_map(|few| few.iter().max_by_key(|row| row.rss))
        .collect();
    let mut bottoms = vec![0.0; moments.len()];
    let (mut marks, mut legend) = (Vec::new(), Vec::new());
    for (words, holders, colour) in AREAS {
        let of = |row: &MemoryRow| -> f64 {
            let those = by_holder(row).into_iter().filter(|(name, _)| holders.contains(name));
            those.map(|(_, bytes)| bytes as f64 / 1e6).sum()
        };
        let ends: Vec<(f64, f64, f64)> =
            moments.iter().zip(&bottoms).map(|(row, &bottom)| (row.seconds, bottom, bottom + of(row))).collect();
        bottoms = ends.iter().map(|&(_, _, top)| top).collect();
        if ends.iter().any(|(_, bottom, top)| top > bottom) {
            marks.push(Mark::Band(ends, Look::area(colour)));
            legend.push((words.to_owned(), Look::area(colour)));
        }
    }
    if let Some(peak) = peak {
        marks.push(Mark::Level(peak as f64 / 1e6, Look::reference()));
        legend.push(("the kernel's high-water mark".to_owned(), Look::reference()));
    }
    marks.extend(boundaries(rows));
    let tops = bottoms.iter().copied().chain(peak.map(|peak| peak as f64 / 1e6));
    let last = rows.last().map_or(1.0, |row| row.seconds);
    let x = Axis::from_zero("seconds since the start", [last], 8).cut([0.0, last]);
    let panel = Panel { title: String::new(), x, y: Axis::from_zero("resident memory in MB", tops, 6), marks };
    let caption = vec!["Lines stand where a layer begins.".to_owned()];
    Figure { title: title.to_owned(), caption, legend, panels: vec![panel], columns: 1, panel_height: 380 }
}

/// Returns a line where each layer begins. The first layer of a stage, and work that is no layer, has its name there.
fn boundaries(rows: &[MemoryRow]) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut before = ("", "");
    for row in rows {
        let stage = row.layer.split('.').next().unwrap_or_default();
        if row.layer != before.1 && row.layer != "harness" && row.layer != "client" {
            // The activation of the first layer begins where that layer's word still stands.
            let word = if stage == before.0 || stage == "act" { "" } else { stage };
            marks.push(Mark::Divider(row.seconds, word.to_owned()));
            before = (stage, &row.layer);
        }
    }
    marks
}
