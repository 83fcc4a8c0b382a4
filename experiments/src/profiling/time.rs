//! The rows of `time.csv`.

use std::time::Duration;

use fhe_ring::meter::{Part, Primitive, Span};

use super::steps::Step;
use crate::records::TimeRow;

/// The name of processor time in no scope.
pub(super) const UNATTRIBUTED: &str = "unattributed";
/// The name of the time in which threads had nothing to do.
pub(super) const IDLE: &str = "idle";
/// The name of the time in which other programs held the processors.
pub(super) const WAITING: &str = "waiting for a processor";

/// Returns the rows of some steps on so many threads.
///
/// The time for which threads waited for a processor that another program held is a row of its own. The kernel knows it, but
/// not in which scope it fell: all scopes are shortened in proportion. Idle is what remains of the time of all threads.
pub(super) fn rows(steps: &[Step], threads: usize) -> Vec<TimeRow> {
    steps.iter().flat_map(|step| of_step(step, threads as f64)).collect()
}

fn of_step(step: &Step, threads: f64) -> Vec<TimeRow> {
    let mut parts: Vec<(Option<Part>, Vec<&Span>)> = Vec::new();
    for span in &step.spans {
        match parts.iter_mut().find(|(part, _)| *part == span.part) {
            Some((_, spans)) => spans.push(span),
            None => parts.push((span.part, vec![span])),
        }
    }
    let all = wall(step.spans.iter());
    let parts = parts.into_iter().flat_map(|(part, spans)| {
        let wall = wall(spans.iter().copied());
        let waited = step.waited.as_secs_f64() * if all > 0.0 { wall / all } else { 0.0 };
        let row = |primitive: &str, seconds: f64, calls: u64| TimeRow {
            ciphertext: step.ciphertext,
            layer: step.layer.clone(),
            op: step.op.clone(),
            part: part.map_or(String::new(), in_words),
            primitive: primitive.to_owned(),
            seconds,
            calls,
        };
        let mut rows: Vec<TimeRow> = Primitive::ALL
            .into_iter()
            .map(|primitive| {
                let seconds = spans.iter().map(|span| span.totals.seconds(primitive)).sum();
                row(primitive.name(), seconds, spans.iter().map(|span| span.totals.calls(primitive)).sum())
            })
            .filter(|row| row.calls > 0 || row.seconds > 0.0)
            .collect();
        let sum = |rows: &[TimeRow]| -> f64 { rows.iter().map(|row| row.seconds).sum() };
        let processor: Option<Duration> = spans.iter().map(|span| span.processor).sum();
        let processor = processor.map_or(sum(&rows), |processor| processor.as_secs_f64());
        let share = processor / (processor + waited);
        rows.iter_mut().for_each(|row| row.seconds *= share);
        rows.push(row(UNATTRIBUTED, (processor - sum(&rows)).max(0.0), 0));
        rows.push(row(WAITING, waited, 0));
        rows.push(row(IDLE, (threads * wall - processor - waited).max(0.0), 0));
        rows
    });
    parts.collect()
}

fn in_words(part: Part) -> String {
    match part.stage {
        0 => part.name.to_owned(),
        stage => format!("{} {stage}", part.name),
    }
}

/// Returns the seconds of some spans by the clock.
pub(super) fn wall<'a>(spans: impl Iterator<Item = &'a Span>) -> f64 {
    spans.map(|span| (span.end - span.begin).as_secs_f64()).sum()
}
