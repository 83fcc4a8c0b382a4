//! The figure of threads: speed-up and seconds against the number of threads.

use super::Reason;
use crate::records::CaseRow;
use crate::report::plot::figure::{Axis, Figure, Look, Mark, Panel};
use crate::report::plot::series::{Group, groups_by, packing, ring};
use crate::report::source::Source;

/// Seconds of an evaluation with some threads.
struct Point {
    threads: f64,
    seconds: f64,
    /// Half the distance of the quartiles.
    spread: f64,
}

/// Returns the figure of these runs.
pub(super) fn figure(sources: &[Source]) -> Result<Figure, Reason> {
    let parts = |source: &Source, case: &CaseRow| {
        // Seconds of several processors are no speed-up.
        let one_processor = !source.run.provenance.is_mixed();
        let measured = one_processor && case.backend == "encrypted" && case.latency_s > Some(0.0);
        let kernels = source.kernels(case).to_owned();
        let [_, _, memory] = source.resources(case);
        let profile = case.profile.clone().unwrap_or_default();
        measured.then(|| vec![case.relu.clone(), ring(case), packing(case), profile, kernels, memory])
    };
    let mut series: Vec<(String, Vec<Point>)> =
        groups_by(sources, parts).into_iter().map(|group| (group.name.clone(), points(&group))).collect();
    let counts = |series: &[(String, Vec<Point>)]| {
        let mut counts: Vec<f64> = series.iter().flat_map(|(_, points)| points).map(|point| point.threads).collect();
        counts.sort_by(f64::total_cmp);
        counts.dedup();
        counts
    };
    let fewest = counts(&series).first().copied().unwrap_or_default();
    // A speed-up over another number of threads is another quantity.
    series.retain(|(_, points)| points.len() > 1 && points[0].threads == fewest);
    let threads = counts(&series);
    let (Some(&most), false) = (threads.last(), series.is_empty()) else {
        return Err("found no encrypted case with latency at two numbers of threads, wanted one; a config with \
                    `threads = [1, 2]` in [sweep] makes some"
            .to_owned());
    };
    let ticks: Vec<_> = threads.iter().map(|&count| (count, count.to_string())).collect();
    let axis = Axis::at("threads", &ticks, 1.25);
    let ideal: Vec<(f64, f64)> = threads.iter().map(|&count| (count, count / fewest)).collect();
    let mut speedup = vec![Mark::Line(ideal, Look::reference())];
    let (mut seconds, mut legend) = (Vec::new(), Vec::new());
    for (index, (name, points)) in series.iter().enumerate() {
        let look = Look::series(index).among(index, series.len(), 28);
        speedup.extend(speedups(points, look));
        seconds.extend(latencies(points, look));
        legend.push((name.clone(), Look::series(index)));
    }
    legend.push(("as many times faster as there are more threads".to_owned(), Look::reference()));
    let over = format!("speed-up over {fewest} thread{}", if fewest == 1.0 { "" } else { "s" });
    let longest = series.iter().flat_map(|(_, points)| points).map(|point| point.seconds + point.spread);
    let highest = speedup.iter().flat_map(heights).chain([most / fewest]);
    let panels = vec![
        Panel {
            title: "Speed-up".to_owned(),
            y: Axis::from_zero(&over, highest.collect::<Vec<_>>(), 5),
            x: axis.clone(),
            marks: speedup,
        },
        Panel {
            title: "Latency".to_owned(),
            y: Axis::from_zero("median seconds of an evaluation", longest, 5),
            x: axis,
            marks: seconds,
        },
    ];
    let caption = vec!["Bars: half the distance of the quartiles of the seconds, up and down.".to_owned()];
    Ok(Figure { title: String::new(), caption, legend, panels, columns: 2, panel_height: 330 })
}

/// Returns the speed-ups of a series over its first point, with bars.
fn speedups(points: &[Point], look: Look) -> [Mark; 2] {
    let base = points[0].seconds;
    let bar = |point: &Point| {
        let (fast, slow) = (point.seconds - point.spread, point.seconds + point.spread);
        (fast > 0.0).then(|| (point.threads, base / slow, base / fast))
    };
    // The first point is 1 by definition.
    let bars = points[1..].iter().filter_map(bar).collect();
    let line = points.iter().map(|point| (point.threads, base / point.seconds)).collect();
    [Mark::Whiskers(bars, look), Mark::Line(line, look)]
}

/// Returns the seconds of a series, with bars.
fn latencies(points: &[Point], look: Look) -> [Mark; 2] {
    let bar = |point: &Point| (point.threads, point.seconds - point.spread, point.seconds + point.spread);
    let line = points.iter().map(|point| (point.threads, point.seconds)).collect();
    [Mark::Whiskers(points.iter().map(bar).collect(), look), Mark::Line(line, look)]
}

/// Returns the points of a series in the order of their threads.
fn points(group: &Group<'_>) -> Vec<Point> {
    let point = |case: &&CaseRow| {
        let (seconds, spread) = (case.latency_s?, case.latency_spread_s.unwrap_or_default());
        Some(Point { threads: group.source.threads(case) as f64, seconds, spread })
    };
    let mut points: Vec<Point> = group.cases.iter().filter_map(point).collect();
    points.sort_by(|a, b| a.threads.total_cmp(&b.threads));
    points
}

fn heights(mark: &Mark) -> Vec<f64> {
    match mark {
        Mark::Line(points, _) => points.iter().map(|point| point.1).collect(),
        Mark::Whiskers(bars, _) => bars.iter().map(|bar| bar.2).collect(),
        _ => Vec::new(),
    }
}
