//! Scopes: the time that threads spend on each primitive.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::clock;
use super::primitive::Primitive;

const COUNT: usize = Primitive::ALL.len();

static ON: AtomicBool = AtomicBool::new(false);
static THREADS: Mutex<Vec<Arc<Counters>>> = Mutex::new(Vec::new());

thread_local! {
    static LOCAL: Local = Local::new();
}

/// The counters of one thread, on cache lines of their own. Only that thread writes them.
#[repr(align(128))]
#[derive(Default)]
struct Counters {
    nanoseconds: [AtomicU64; COUNT],
    calls: [AtomicU64; COUNT],
}

/// The length from which on it is asked for how much of a stretch of time the thread did not run. Others may have the
/// processor for some milliseconds.
const LONG: Duration = Duration::from_micros(250);
/// The length of a pause between scopes in which a thread may have slept.
const PAUSE: Duration = Duration::from_micros(20);

/// The state of a thread: its counters, and the innermost scope with the moment from which its time is not yet charged.
struct Local {
    counters: Arc<Counters>,
    open: Cell<Option<(Primitive, Instant)>>,
    /// The end of the last scope.
    left: Cell<Option<Instant>>,
    /// A moment, and the processor time of the thread at that moment. It has not slept outside of scopes since then.
    known: Cell<Option<(Instant, Duration)>>,
}

impl Local {
    fn new() -> Self {
        let counters = Arc::<Counters>::default();
        THREADS.lock().expect("no holder panics").push(counters.clone());
        Self { counters, open: Cell::new(None), left: Cell::new(None), known: Cell::new(None) }
    }

    fn charge(&self, primitive: Primitive, since: Instant, now: Instant) {
        let mut time = now - since;
        if time > LONG {
            time = time.saturating_sub(self.stood_still(now));
        }
        add(&self.counters.nanoseconds[primitive as usize], time.as_nanos() as u64);
    }

    /// Returns for how long the thread did not run since that was asked last.
    fn stood_still(&self, now: Instant) -> Duration {
        let read = clock::of_thread().map(|processor| (now, processor));
        let before = self.known.replace(read);
        let still = |((then, before), (now, after)): ((Instant, Duration), (Instant, Duration))| {
            (now - then).saturating_sub(after.saturating_sub(before))
        };
        before.zip(read).map_or(Duration::ZERO, still)
    }

    /// Returns whether the thread may have slept since the end of the last scope.
    fn paused(&self, now: Instant) -> bool {
        self.left.get().is_none_or(|left| now - left > PAUSE)
    }
}

/// Adds to a counter that no other thread writes.
fn add(counter: &AtomicU64, value: u64) {
    counter.store(counter.load(Ordering::Relaxed) + value, Ordering::Relaxed);
}

/// Whether time is measured.
#[inline]
pub fn on() -> bool {
    ON.load(Ordering::Relaxed)
}

pub(super) fn switch(on: bool) {
    ON.store(on, Ordering::Relaxed);
}

/// Charges the time of this thread to `primitive` until the scope is dropped. Inside of an inner scope time is charged to
/// the inner one alone.
///
/// A scope must not be open while its thread waits for others: a waiting thread of a pool takes up other tasks.
#[inline]
pub fn scope(primitive: Primitive) -> Scope {
    if on() { enter(primitive) } else { Scope { active: false, outer: None, thread: PhantomData } }
}

/// Time that is being charged; see [`scope`].
#[must_use = "a scope ends when it is dropped"]
pub struct Scope {
    active: bool,
    outer: Option<Primitive>,
    /// A scope ends in the thread where it began.
    thread: PhantomData<*const ()>,
}

#[cold]
#[inline(never)]
fn enter(primitive: Primitive) -> Scope {
    let outer = LOCAL.with(|local| {
        let now = Instant::now();
        add(&local.counters.calls[primitive as usize], 1);
        let outer = local.open.replace(Some((primitive, now)));
        if outer.is_none() && local.paused(now) {
            local.stood_still(now);
        }
        outer.map(|(outer, since)| {
            local.charge(outer, since, now);
            outer
        })
    });
    Scope { active: true, outer, thread: PhantomData }
}

#[cold]
#[inline(never)]
fn leave(outer: Option<Primitive>) {
    LOCAL.with(|local| {
        let now = Instant::now();
        if let Some((own, since)) = local.open.replace(outer.map(|outer| (outer, now))) {
            local.charge(own, since, now);
        }
        local.left.set(Some(now));
    });
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        if self.active {
            leave(self.outer);
        }
    }
}

/// The time and the calls of each primitive, of all threads together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    nanoseconds: [u64; COUNT],
    calls: [u64; COUNT],
}

impl Totals {
    /// Reads the counters of all threads. Scopes that are open count up to their last inner scope.
    pub fn now() -> Self {
        let mut totals = Self::default();
        for counters in THREADS.lock().expect("no holder panics").iter() {
            let sums = totals.nanoseconds.iter_mut().chain(&mut totals.calls);
            let counters = counters.nanoseconds.iter().chain(&counters.calls);
            sums.zip(counters).for_each(|(sum, counter)| *sum += counter.load(Ordering::Relaxed));
        }
        totals
    }

    /// Returns what was added since `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        let difference = |now: &[u64; COUNT], then: &[u64; COUNT]| std::array::from_fn(|k| now[k] - then[k]);
        Self {
            nanoseconds: difference(&self.nanoseconds, &earlier.nanoseconds),
            calls: difference(&self.calls, &earlier.calls),
        }
    }

    /// Returns the seconds that threads spent on a primitive.
    pub fn seconds(&self, primitive: Primitive) -> f64 {
        self.nanoseconds[primitive as usize] as f64 / 1e9
    }

    /// Returns how many scopes of a primitive were opened.
    pub fn calls(&self, primitive: Primitive) -> u64 {
        self.calls[primitive as usize]
    }
}
