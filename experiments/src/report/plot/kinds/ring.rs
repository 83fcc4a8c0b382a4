//! The figure of the rings: latency and memory against the ring dimension.

use super::Reason;
use crate::records::CaseRow;
use crate::report::plot::figure::{Axis, Figure, Look, Mark, Panel};
use crate::report::plot::series::{groups, hover, packing, power};
use crate::report::source::Source;

/// What is measured of a case.
type Quantity = dyn Fn(&CaseRow) -> Option<f64>;

/// Returns the figure of these runs.
pub(super) fn figure(sources: &[Source]) -> Result<Figure, Reason> {
    let parts = |case: &CaseRow| {
        let measured = case.latency_s.is_some() || case.peak_rss_bytes.is_some();
        // A simulation's memory and seconds are those of the simulator.
        let encrypted = case.backend == "encrypted" && case.ring_dim.is_some();
        (measured && encrypted).then(|| vec![case.relu.clone(), packing(case)])
    };
    let groups = groups(sources, parts);
    let mut rings: Vec<usize> = groups.iter().flat_map(|group| &group.cases).filter_map(|case| case.ring_dim).collect();
    rings.sort_unstable();
    rings.dedup();
    if rings.len() < 2 {
        return Err(format!("found {} ring dimensions with latency or memory, wanted two or more", rings.len()));
    }
    let ticks: Vec<_> = rings.iter().map(|&n| (n as f64, power(n))).collect();
    let axis = Axis::at("ring dimension N", &ticks, 1.25);
    let (mut latency, mut amortised, mut memory, mut legend) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (index, group) in groups.iter().enumerate() {
        let look = Look::series(index).among(index, groups.len(), 28);
        let points = |y: &Quantity| -> Vec<(f64, f64)> {
            let mut points: Vec<_> =
                group.cases.iter().filter_map(|case| Some((case.ring_dim? as f64, y(case)?))).collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            points
        };
        let spread = |case: &&CaseRow| {
            let (seconds, spread) = (case.latency_s?, case.latency_spread_s?);
            Some((case.ring_dim? as f64, seconds - spread, seconds + spread))
        };
        latency.push(Mark::Whiskers(group.cases.iter().filter_map(spread).collect(), look));
        let quantities: [(&mut Vec<Mark>, &Quantity); 3] = [
            (&mut latency, &|case| case.latency_s),
            (&mut amortised, &|case| case.amortised_s),
            (&mut memory, &|case| Some(case.peak_rss_bytes? as f64 / 1e9)),
        ];
        for (marks, y) in quantities {
            marks.push(Mark::Line(points(y), look));
            marks.push(hover(group.cases.iter().copied(), |case| Some((case.ring_dim? as f64, y(case)?)), look));
        }
        legend.push((group.name.clone(), Look::series(index)));
    }
    let panel = |title: &str, label: &str, marks: Vec<Mark>| {
        let values = marks.iter().flat_map(|mark| match mark {
            Mark::Line(points, _) => points.iter().map(|point| point.1).collect(),
            Mark::Whiskers(bars, _) => bars.iter().map(|bar| bar.2).collect(),
            _ => Vec::new(),
        });
        let y = Axis::from_zero(label, values.collect::<Vec<_>>(), 5);
        Panel { title: title.to_owned(), x: axis.clone(), y, marks }
    };
    let mut panels = vec![panel("Latency", "median seconds of an evaluation", latency)];
    // Throughput differs from latency only where a ciphertext holds several images.
    if groups.iter().flat_map(|group| &group.cases).any(|case| case.amortised_s < case.latency_s) {
        panels.push(panel("Throughput", "median seconds a ciphertext, over its images", amortised));
    }
    panels.push(panel("Memory", "peak memory, GB", memory));
    let caption = vec!["Bars: half the distance of the quartiles, up and down.".to_owned()];
    Ok(Figure { title: String::new(), caption, legend, panels, columns: 2, panel_height: 330 })
}
