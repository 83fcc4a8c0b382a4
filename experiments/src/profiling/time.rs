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

/// The spans of a part of a step.
struct InPart<'a> {
    part: Option<Part>,
    spans: Vec<&'a Span>,
}

impl InPart<'_> {
    /// Returns the seconds by the clock.
    fn wall(&self) -> f64 {
        self.spans.iter().map(|span| (span.end - span.begin).as_secs_f64()).sum()
    }

    /// Returns the processor time in seconds; that of all scopes if the system does not say.
    fn processor(&self) -> f64 {
        let known: Option<Duration> = self.spans.iter().map(|span| span.processor).sum();
        known.map_or_else(|| self.totals().map(|(_, seconds, _)| seconds).sum(), |known| known.as_secs_f64())
    }

    /// Returns each primitive with its thread seconds and its calls.
    fn totals(&self) -> impl Iterator<Item = (Primitive, f64, u64)> {
        Primitive::ALL.into_iter().map(|primitive| {
            let seconds = self.spans.iter().map(|span| span.totals.seconds(primitive)).sum();
            (primitive, seconds, self.spans.iter().map(|span| span.totals.calls(primitive)).sum())
        })
    }
}

/// Returns the rows of some steps on so many threads.
///
/// The time for which threads waited for a processor that another program held is a row of its own. Idle is what remains of
/// the time of all threads.
pub(super) fn rows(steps: &[Step], threads: usize) -> Vec<TimeRow> {
    steps.iter().flat_map(|step| of_step(step, threads as f64)).collect()
}

fn of_step(step: &Step, threads: f64) -> Vec<TimeRow> {
    let mut parts: Vec<InPart<'_>> = Vec::new();
    for span in &step.spans {
        match parts.iter_mut().find(|known| known.part == span.part) {
            Some(known) => known.spans.push(span),
            None => parts.push(InPart { part: span.part, spans: vec![span] }),
        }
    }
    let free = |part: &InPart<'_>| (threads * part.wall() - part.processor()).max(0.0);
    let all_free: f64 = parts.iter().map(free).sum();
    // Known for the whole step only, so that each part gets its share.
    let share = (step.waited.as_secs_f64() / all_free.max(f64::MIN_POSITIVE)).min(1.0);
    parts.iter().flat_map(|part| of_part(step, part, free(part), share * free(part))).collect()
}

/// Returns the rows of a part in which threads were `free` for so many seconds, and waited for some of these.
fn of_part(step: &Step, part: &InPart<'_>, free: f64, waited: f64) -> Vec<TimeRow> {
    let row = |primitive: &str, seconds: f64, calls: u64| TimeRow {
        ciphertext: step.ciphertext,
        layer: step.layer.clone(),
        op: step.op.clone(),
        part: part.part.map_or(String::new(), in_words),
        primitive: primitive.to_owned(),
        seconds,
        calls,
    };
    let processor = part.processor();
    let used = part.totals().filter(|&(_, _, calls)| calls > 0);
    let mut rows: Vec<TimeRow> =
        used.map(|(primitive, seconds, calls)| row(primitive.name(), seconds, calls)).collect();
    let attributed: f64 = rows.iter().map(|row| row.seconds).sum();
    rows.push(row(UNATTRIBUTED, (processor - attributed).max(0.0), 0));
    rows.push(row(WAITING, waited, 0));
    rows.push(row(IDLE, free - waited, 0));
    rows
}

fn in_words(part: Part) -> String {
    match part.stage {
        0 => part.name.to_owned(),
        stage => format!("{} {stage}", part.name),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn the_rows_of_a_step_add_up_to_the_time_of_all_threads() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let span = |part: Option<usize>, [begin, end]: [u64; 2], processor| Span {
            part: part.map(|stage| Part { name: "CoeffsToSlots", stage }),
            begin: at(begin),
            end: at(end),
            processor: Some(Duration::from_millis(processor)),
            totals: Default::default(),
        };
        // Of 2 · 400 ms threads had the processors for 600, and waited for half of the rest.
        let spans = vec![span(None, [0, 100], 100), span(Some(2), [100, 300], 400), span(None, [300, 400], 100)];
        let (layer, op, waited) = ("conv1".to_owned(), "bootstrap".to_owned(), Duration::from_millis(100));
        let rows = rows(&[Step { ciphertext: 1, layer, op, spans, waited }], 2);
        let found: Vec<_> = rows.iter().map(|row| (&*row.part, &*row.primitive, row.seconds)).collect();
        let wanted = [
            ("", UNATTRIBUTED, 0.2),
            ("", WAITING, 0.1),
            ("", IDLE, 0.1),
            ("CoeffsToSlots 2", UNATTRIBUTED, 0.4),
            ("CoeffsToSlots 2", WAITING, 0.0),
            ("CoeffsToSlots 2", IDLE, 0.0),
        ];
        for (found, wanted) in found.iter().zip(wanted) {
            assert!(
                (found.0, found.1) == (wanted.0, wanted.1) && (found.2 - wanted.2).abs() < 1e-9,
                "{found:?} {wanted:?}"
            );
        }
        assert_eq!(found.len(), wanted.len());
        assert!((found.iter().map(|row| row.2).sum::<f64>() - 0.8).abs() < 1e-9);
    }
}
