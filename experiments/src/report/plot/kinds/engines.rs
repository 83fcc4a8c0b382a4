//! The figure of engines: memory and bytes against latency, of submissions to the benchmarking suite and of our own cases.

use super::Reason;
use crate::records::CaseRow;
use crate::report::plot::figure::{Axis, Figure, Look, Mark, Panel};
use crate::report::plot::series::{groups, hover, packing, ring};
use crate::report::source::Source;

/// A case with its look.
struct Point<'a> {
    case: &'a CaseRow,
    seconds: f64,
    look: Look,
}

/// Returns the figure of these runs.
pub(super) fn figure(sources: &[Source]) -> Result<Figure, Reason> {
    let measured = |case: &CaseRow| {
        let wanted = matches!(&case.backend[..], "encrypted" | "suite") && case.latency_s > Some(0.0);
        wanted.then(|| vec![case.relu.clone(), ring(case), packing(case)])
    };
    let groups = groups(sources, measured);
    if !sources.iter().flat_map(Source::cases).any(|case| case.engine.is_some()) {
        return Err("found no run of another engine, wanted one with the backend suite".to_owned());
    }
    let (mut points, mut legend) = (Vec::new(), Vec::new());
    for (index, group) in groups.iter().enumerate() {
        let look = Look::series(index).dashed(None);
        legend.push((group.name.clone(), look));
        let cases = group.cases.iter().filter_map(|case| Some(Point { case, seconds: case.latency_s?, look }));
        points.extend(cases);
    }
    let sent = |case: &CaseRow| Some(case.key_bytes? + case.upload_bytes? + case.download_bytes?);
    let panels = [
        panel("Memory", "peak memory, GB", &points, |case| case.peak_rss_bytes),
        panel("Keys and ciphertexts of a call", "GB", &points, sent),
    ];
    let panels: Vec<Panel> = panels.into_iter().flatten().collect();
    if panels.is_empty() {
        return Err("found no case with latency and memory, wanted one".to_owned());
    }
    let caption = vec![
        "Beside each point: the accuracy. Seconds of other engines include the start of a process and its files; memory is \
         that of the largest process."
            .to_owned(),
    ];
    Ok(Figure { title: String::new(), caption, legend, panels, columns: 2, panel_height: 330 })
}

/// Returns a panel of bytes against seconds; `None` if no point has bytes.
fn panel(title: &str, label: &str, points: &[Point<'_>], bytes: impl Fn(&CaseRow) -> Option<u64>) -> Option<Panel> {
    let known = points.iter().filter_map(|point| {
        let gigabytes = bytes(point.case).filter(|&bytes| bytes > 0)? as f64 / 1e9;
        Some((point.seconds, gigabytes, point))
    });
    let known: Vec<(f64, f64, &Point<'_>)> = known.collect();
    if known.is_empty() {
        return None;
    }
    let accuracy = |case: &CaseRow| case.accuracy.map_or(String::new(), |share| format!("{:.1} %", 100.0 * share));
    let mut marks: Vec<Mark> = known.iter().map(|&(x, y, point)| Mark::Line(vec![(x, y)], point.look)).collect();
    marks.push(Mark::Labels(known.iter().map(|&(x, y, point)| (x, y, accuracy(point.case))).collect()));
    let at = |case: &CaseRow| Some((case.latency_s?, bytes(case).filter(|&bytes| bytes > 0)? as f64 / 1e9));
    marks.push(hover(known.iter().map(|known| known.2.case), at, Look::series(0)));
    Some(Panel {
        title: title.to_owned(),
        x: Axis::decades("median seconds of an evaluation", known.iter().map(|point| point.0)),
        y: Axis::decades(label, known.iter().map(|point| point.1)),
        marks,
    })
}
