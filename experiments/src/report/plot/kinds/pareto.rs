//! The Pareto figure: memory, latency and precision of the cases of a sweep.

use std::collections::BTreeSet;

use super::Reason;
use crate::records::CaseRow;
use crate::report::cost::Cost;
use crate::report::plot::figure::{Axis, Figure, Look, Mark, Marker, Panel};
use crate::report::plot::series::{INSECURE, degree, hover, packing, power};
use crate::report::plot::style;
use crate::report::source::Source;

/// Up to this many cases, all get labels; beyond it, only those of the front.
const LABELLED: usize = 16;

/// Returns the figure: a colour for each ring and a shape for each packing.
pub(super) fn figure(sources: &[Source]) -> Result<Figure, Reason> {
    let cases = sources.iter().flat_map(|source| source.cases().map(move |case| (source, case)));
    let cases: Vec<(&CaseRow, Cost<'_>)> =
        cases.filter_map(|(source, case)| Some((case, Cost::of(source, case)?))).collect();
    if cases.len() < 2 {
        return Err(format!("found {} cases with latency, memory and precision, wanted two or more", cases.len()));
    }
    let others = || cases.iter().map(|(_, cost)| *cost);
    let (front, beaten): (Vec<_>, Vec<_>) = cases.iter().partition(|(_, cost)| cost.is_on_front(others()));

    let rings: BTreeSet<usize> = cases.iter().filter_map(|(case, _)| case.ring_dim).collect();
    let colour = |ring: Option<usize>| ring.map_or(style::BLACK, |ring| rings.range(..ring).count());
    let packings: BTreeSet<String> = cases.iter().map(|(case, _)| packing(case)).collect();
    let shape = |name: &str| Look::series(packings.range(..name.to_owned()).count()).dashed(None);
    let mark = |(case, cost): &(&CaseRow, Cost<'_>), filled: bool| {
        let look = Look { colour: colour(case.ring_dim), filled, ..shape(&packing(case)) };
        Mark::Line(vec![(cost.seconds, cost.gigabytes)], look)
    };
    let families: BTreeSet<_> = cases.iter().map(|(case, _)| degree(&case.relu).map(|(family, _)| family)).collect();
    let few = cases.len() <= LABELLED;
    let words = |(case, cost): &(&CaseRow, Cost<'_>)| {
        let labelled = few || cost.is_on_front(others());
        let text = if labelled { label(case, *cost, families.len() > 1) } else { String::new() };
        (cost.seconds, cost.gigabytes, text)
    };
    let mut marks: Vec<Mark> = beaten.iter().map(|case| mark(case, false)).collect();
    marks.extend(front.iter().map(|case| mark(case, true)));
    marks.push(Mark::Labels(cases.iter().map(words).collect()));
    let at = |case: &CaseRow| Some((case.latency_s?, case.peak_rss_bytes? as f64 / 1e9));
    marks.push(hover(cases.iter().map(|(case, _)| *case), at, Look::series(0)));

    let black =
        Look { colour: style::BLACK, marker: Some(Marker::Circle), filled: false, dash: None, aside: 0, pale: false };
    let mut legend: Vec<(String, Look)> = Vec::new();
    let ring = |&n: &usize| (format!("N = {}", power(n)), Look { filled: true, colour: colour(Some(n)), ..black });
    legend.extend(rings.iter().map(ring));
    legend.extend(packings.iter().map(|name| (name.clone(), Look { colour: style::BLACK, ..shape(name) })));
    legend.push(("hollow: another case is no worse in seconds, memory, bits and classes".to_owned(), black));
    let panel = Panel {
        title: String::new(),
        x: Axis::from_zero("median seconds of an evaluation", cases.iter().map(|(_, cost)| cost.seconds), 6),
        y: Axis::from_zero("peak memory, GB", cases.iter().map(|(_, cost)| cost.gigabytes), 6),
        marks,
    };
    let which = if few { "each case" } else { "each case that no other beats" };
    let mut caption = vec![format!("Beside {which}: the degree of its ReLU, and the precision of its worst logit.")];
    let machines: BTreeSet<_> = cases.iter().map(|(_, cost)| cost.machine).collect();
    let insecure = cases.iter().filter(|(case, _)| case.is_insecure()).count();
    if insecure > 0 {
        caption.push(format!("{insecure} of the cases are {INSECURE} of security; they beat none that is not."));
    }
    if machines.len() > 1 {
        caption.push(format!("From {} machines: no case beats one of another machine.", machines.len()));
    }
    Ok(Figure { title: String::new(), caption, legend, panels: vec![panel], columns: 1, panel_height: 440 })
}

fn label(case: &CaseRow, cost: Cost<'_>, family: bool) -> String {
    let relu = degree(&case.relu).filter(|_| !family).map_or(case.relu.clone(), |(_, degree)| degree.to_string());
    let security = if case.is_insecure() { format!(", {INSECURE}") } else { String::new() };
    format!("{relu}: {:.1} bits{security}", cost.bits)
}
