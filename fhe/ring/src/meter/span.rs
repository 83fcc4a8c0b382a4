//! Spans: what happened between two moments.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::clock;
use super::scope::{Totals, on, switch};

/// A named part of a computation, such as a step of bootstrapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// Its number among parts of this name, from 1 on; 0 if it is the only one.
    pub stage: usize,
}

/// What happened between two moments.
#[derive(Clone, Debug)]
pub struct Span {
    /// The part of the computation; `None` outside of all parts.
    pub part: Option<Part>,
    /// The first moment.
    pub begin: Instant,
    /// The last moment.
    pub end: Instant,
    /// The processor time of all threads; `None` if the system does not say.
    pub processor: Option<Duration>,
    /// The time and the calls of each primitive.
    pub totals: Totals,
}

/// The spans since the last call of [`take`], and the meter's reading at the end of the last span.
struct Log {
    part: Option<Part>,
    last: Reading,
    spans: Vec<Span>,
}

#[derive(Clone, Copy)]
struct Reading {
    at: Instant,
    processor: Option<Duration>,
    totals: Totals,
}

static LOG: Mutex<Option<Log>> = Mutex::new(None);

impl Reading {
    fn now() -> Self {
        Self { at: Instant::now(), processor: clock::of_process(), totals: Totals::now() }
    }
}

impl Log {
    /// Ends the span of the part so far. Returns that part.
    fn turn_to(&mut self, part: Option<Part>) -> Option<Part> {
        let (from, to) = (self.last, Reading::now());
        let before = std::mem::replace(&mut self.part, part);
        self.spans.push(Span {
            part: before,
            begin: from.at,
            end: to.at,
            processor: to.processor.zip(from.processor).map(|(now, then)| now.saturating_sub(then)),
            totals: to.totals.since(&from.totals),
        });
        self.last = to;
        before
    }
}

/// Starts to measure time. The first span begins.
pub fn start() {
    let last = Reading::now();
    *LOG.lock().expect("no holder panics") = Some(Log { part: None, last, spans: Vec::new() });
    switch(true);
}

/// Stops to measure time.
pub fn stop() {
    switch(false);
    *LOG.lock().expect("no holder panics") = None;
}

/// Ends the current span, and returns all spans since the last call; none while time is not measured.
pub fn take() -> Vec<Span> {
    let mut log = LOG.lock().expect("no holder panics");
    let Some(log) = log.as_mut() else { return Vec::new() };
    let part = log.part;
    log.turn_to(part);
    std::mem::take(&mut log.spans)
}

/// Names the part of a computation that begins now. It ends when the result is dropped; the part around it then goes on.
pub fn part(name: &'static str, stage: usize) -> InPart {
    if !on() {
        return InPart(None);
    }
    let mut log = LOG.lock().expect("no holder panics");
    InPart(log.as_mut().map(|log| log.turn_to(Some(Part { name, stage }))))
}

/// A part that goes on; see [`part`]. It holds the part around it.
#[must_use = "a part ends when it is dropped"]
pub struct InPart(Option<Option<Part>>);

impl Drop for InPart {
    fn drop(&mut self) {
        if let Some(outer) = self.0
            && let Ok(mut log) = LOG.lock()
            && let Some(log) = log.as_mut()
        {
            log.turn_to(outer);
        }
    }
}
