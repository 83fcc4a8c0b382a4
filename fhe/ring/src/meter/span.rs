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

/// The spans that nobody took yet, and the state at the end of the last one.
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

#[cfg(test)]
mod tests {
    use super::super::{Primitive, scope};
    use super::*;

    /// Keeps a processor busy for so long, and longer if others have it meanwhile.
    fn work(milliseconds: u64) {
        let start = Instant::now();
        let spent = || clock::of_thread().unwrap_or_else(|| start.elapsed());
        let until = clock::of_thread().unwrap_or_default() + Duration::from_millis(milliseconds);
        while spent() < until {
            std::hint::spin_loop();
        }
    }

    fn seconds(spans: &[Span], primitive: Primitive) -> f64 {
        spans.iter().map(|span| span.totals.seconds(primitive)).sum()
    }

    /// One test, since there is one meter: nothing is counted while it is off, an inner scope takes its time from the outer
    /// one, and parts divide the spans. Other tests of this crate may run beside it: `Sample` and `Pack` occur in none of
    /// the parts that are looked at, because only this thread names parts.
    #[test]
    fn scopes_exclude_each_other_and_parts_follow_each_other() {
        use Primitive::{Pack, Sample};
        let before = Totals::now();
        drop(scope(Sample));
        drop(part("nothing", 0));
        assert!(take().is_empty() && !on());
        let off = Totals::now().since(&before);
        assert_eq!((off.calls(Sample), off.seconds(Sample)), (0, 0.0));

        start();
        let outer = part("outer", 0);
        {
            let _outer = scope(Sample);
            work(20);
            {
                let _inner = scope(Pack);
                work(30);
            }
            work(20);
        }
        let inner = part("inner", 2);
        work(10);
        drop(inner);
        drop(outer);
        let spans = take();
        let parts: Vec<_> = spans.iter().map(|span| span.part.map(|part| (part.name, part.stage))).collect();
        assert_eq!(parts, [None, Some(("outer", 0)), Some(("inner", 2)), Some(("outer", 0)), None]);
        assert!(spans.windows(2).all(|pair| pair[0].end == pair[1].begin), "no moment is in two spans or in none");

        let wall: f64 = spans[1..4].iter().map(|span| (span.end - span.begin).as_secs_f64()).sum();
        let (own, within) = (seconds(&spans[1..4], Sample), seconds(&spans[1..4], Pack));
        assert!(own >= 0.039 && within >= 0.029, "{own} {within}");
        assert!(own + within <= wall, "time counted twice: {own} + {within} of {wall}");
        assert!(spans[1].totals.calls(Sample) >= 1 && spans[1].totals.calls(Pack) >= 1);
        if let Some(processor) = spans[1].processor {
            assert!(processor >= Duration::from_millis(20), "{processor:?}");
        }

        // A thread that does not run spends no time on anything.
        {
            let _asleep = scope(Sample);
            work(1);
            std::thread::sleep(Duration::from_millis(80));
        }
        let spans = take();
        let asleep = seconds(&spans, Sample);
        assert!(clock::of_thread().is_none() || (0.001..0.07).contains(&asleep), "{asleep}");
        stop();
        assert!(take().is_empty() && !on());
    }
}
