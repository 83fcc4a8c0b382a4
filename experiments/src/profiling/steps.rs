//! The steps of a process, each with its spans.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use fhe_ring::meter::{self, Span};

use crate::machine;

/// What was done: a step of a ciphertext's evaluation, or work before, between and after them.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The number of the ciphertext, from 1 on; 0 before the first.
    pub ciphertext: usize,
    /// PyTorch's name of the layer; `setup`, `client` or `harness` for other work.
    pub layer: String,
    /// The operation.
    pub op: String,
    /// Its spans, one after the other.
    pub spans: Vec<Span>,
    /// The time that threads waited for a processor which other programs held.
    pub waited: Duration,
}

impl Step {
    /// Returns the first moment and the last.
    pub(super) fn ends(&self) -> Option<(Instant, Instant)> {
        Some((self.spans.first()?.begin, self.spans.last()?.end))
    }
}

/// The steps so far.
struct Log {
    /// The thread that reads memory, which works on no step.
    reader: Option<u64>,
    ciphertext: usize,
    waited: Duration,
    steps: Vec<Step>,
}

static LOG: Mutex<Log> = Mutex::new(Log { reader: None, ciphertext: 0, waited: Duration::ZERO, steps: Vec::new() });

/// Starts to keep steps. `reader` is the number of the thread that reads memory.
pub(super) fn open(reader: Option<u64>) {
    let mut log = LOG.lock().expect("no holder panics");
    *log = Log { reader, ciphertext: 0, waited: machine::waited(reader), steps: Vec::new() };
    meter::start();
}

/// Ends the current step and names it.
pub(crate) fn close(layer: &str, op: &str) {
    if !meter::on() {
        return;
    }
    let spans = meter::take();
    let mut log = LOG.lock().expect("no holder panics");
    let waited = machine::waited(log.reader);
    let before = std::mem::replace(&mut log.waited, waited);
    let step = Step {
        ciphertext: log.ciphertext,
        layer: layer.to_owned(),
        op: op.to_owned(),
        spans,
        waited: waited.saturating_sub(before),
    };
    log.steps.push(step);
}

/// Ends what the harness did since the last step. What follows belongs to the next ciphertext.
pub(crate) fn next_ciphertext() {
    close("harness", "report");
    LOG.lock().expect("no holder panics").ciphertext += 1;
}

/// Stops to keep steps, and returns them.
pub(super) fn take() -> Vec<Step> {
    close("harness", "report");
    meter::stop();
    std::mem::take(&mut LOG.lock().expect("no holder panics").steps)
}
