//! A profile in a few lines.

use std::collections::BTreeMap;

use crate::output::bytes;
use crate::records::{MemoryRow, TimeRow};

use super::time::{IDLE, UNATTRIBUTED, WAITING};
use super::timeline::by_holder;

/// The number of primitives that are named.
const DEAREST: usize = 5;

/// Whether a row belongs to an evaluation, not to work before, between and after them.
pub(super) fn is_evaluation(row: &TimeRow) -> bool {
    !matches!(row.layer.as_str(), "setup" | "client" | "harness")
}

/// Returns the seconds of all evaluations by the clock.
fn wall_of(rows: &[TimeRow], threads: usize) -> f64 {
    let sum: f64 = rows.iter().filter(|row| is_evaluation(row)).map(|row| row.seconds).sum();
    sum / threads as f64
}

/// Returns the dearest primitives and what the peak consists of. `peak` is the kernel's high-water mark in bytes.
pub(super) fn text(time: &[TimeRow], memory: &[MemoryRow], threads: usize, peak: Option<u64>) -> String {
    format!("{}{}", seconds(time, threads), largest(memory, peak))
}

fn seconds(rows: &[TimeRow], threads: usize) -> String {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for row in rows.iter().filter(|row| is_evaluation(row)) {
        *sums.entry(&row.primitive).or_default() += row.seconds;
    }
    let whole: f64 = sums.values().sum();
    let share = |seconds: f64| 100.0 * seconds / whole.max(f64::MIN_POSITIVE);
    let rest = [UNATTRIBUTED, IDLE, WAITING].map(|name| (name, sums.remove(name).unwrap_or(0.0)));
    let mut dearest: Vec<_> = sums.into_iter().collect();
    dearest.sort_by(|a, b| b.1.total_cmp(&a.1));
    let in_words = |(name, seconds): (&str, f64)| format!("{name} {:.1} %", share(seconds));
    let named = dearest.into_iter().take(DEAREST).chain(rest).map(in_words).collect::<Vec<_>>();
    format!("time: {:.2} s of evaluation on {threads} threads: {}\n", wall_of(rows, threads), named.join(", "))
}

fn largest(rows: &[MemoryRow], peak: Option<u64>) -> String {
    let Some(row) = rows.iter().max_by_key(|row| row.rss) else { return "memory: unknown\n".to_owned() };
    let mut holders = by_holder(row).to_vec();
    holders.retain(|&(_, count)| count * 1000 >= row.rss);
    holders.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let in_words = |(name, count): (&str, u64)| format!("{name} {}", bytes(count));
    let holders = holders.into_iter().map(in_words).collect::<Vec<_>>();
    let kernel = peak.map_or(String::new(), |peak| format!(" (the kernel's high-water mark: {})", bytes(peak)));
    let (at, layer, op) = (row.seconds, &row.layer, &row.op);
    format!("memory: most {}{kernel} after {at:.1} s, {layer} {op}: {}\n", bytes(row.rss), holders.join(", "))
}
