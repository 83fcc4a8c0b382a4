//! The meter, in a process of its own: there is one meter for a process.
#![allow(missing_docs)]

use std::time::{Duration, Instant};

use fhe_ring::meter::{self, Primitive, Span, Totals, scope, take};

/// The processor time of this thread, if the kernel says.
fn processor() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Keeps a processor busy for so long, and longer if others have it meanwhile.
fn work(milliseconds: u64) {
    let (start, before) = (Instant::now(), processor());
    let spent = || processor().zip(before).map_or_else(|| start.elapsed(), |(now, before)| now - before);
    while spent() < Duration::from_millis(milliseconds) {
        std::hint::spin_loop();
    }
}

fn seconds(spans: &[Span], primitive: Primitive) -> f64 {
    spans.iter().map(|span| span.totals.seconds(primitive)).sum()
}

/// One test, so that nothing else is measured beside it.
#[test]
fn scopes_exclude_each_other_and_parts_follow_each_other() {
    use Primitive::{Pack, Sample};
    let before = Totals::now();
    drop(scope(Sample));
    drop(meter::part("nothing", 0));
    assert!(take().is_empty() && !meter::on());
    assert_eq!(Totals::now(), before, "nothing is counted while the meter is off");

    meter::start();
    let outer = meter::part("outer", 0);
    {
        let _outer = scope(Sample);
        work(20);
        {
            let _inner = scope(Pack);
            work(30);
        }
        work(20);
    }
    let inner = meter::part("inner", 2);
    work(10);
    drop(inner);
    drop(outer);
    let spans = take();
    let parts: Vec<_> = spans.iter().map(|span| span.part.map(|part| (part.name, part.stage))).collect();
    assert_eq!(parts, [None, Some(("outer", 0)), Some(("inner", 2)), Some(("outer", 0)), None]);
    assert!(spans.windows(2).all(|pair| pair[0].end == pair[1].begin), "no moment is in two spans or in none");
    let wall: f64 = spans[1..4].iter().map(|span| (span.end - span.begin).as_secs_f64()).sum();
    let (own, within) = (seconds(&spans, Sample), seconds(&spans, Pack));
    assert!(own >= 0.039 && within >= 0.029, "{own} {within}");
    assert!(own + within <= wall, "time counted twice: {own} + {within} of {wall}");
    let calls = [Sample, Pack].map(|primitive| spans.iter().map(|span| span.totals.calls(primitive)).sum::<u64>());
    assert_eq!(calls, [1, 1]);
    if let Some(processor) = spans[1].processor {
        assert!(processor >= Duration::from_millis(65), "{processor:?}");
    }

    // A thread that does not run spends no time on anything.
    {
        let _asleep = scope(Sample);
        work(1);
        std::thread::sleep(Duration::from_millis(80));
    }
    let asleep = seconds(&take(), Sample);
    let known = cfg!(all(target_os = "linux", target_env = "gnu"));
    assert!(!known || (0.0005..0.07).contains(&asleep), "{asleep}");

    meter::stop();
    let before = Totals::now();
    drop(scope(Sample));
    assert!(take().is_empty() && !meter::on());
    assert_eq!(Totals::now(), before);
}
