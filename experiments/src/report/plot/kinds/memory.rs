//! The figure of the dial: seconds against memory, for every way of holding keys and constants.

use super::Reason;
use crate::output::parse_bytes;
use crate::records::CaseRow;
use crate::report::plot::figure::{Axis, Figure, Look, Mark, Panel};
use crate::report::plot::series::{Group, groups_by, packing, ring};
use crate::report::source::Source;

/// A setting of the dial.
struct Point {
    /// What the config says of memory.
    setting: String,
    gigabytes: f64,
    /// The limit that the setting names, if it names bytes.
    limit: Option<f64>,
    seconds: f64,
    /// Half the distance of the quartiles.
    spread: f64,
}

/// Returns the figure: a panel for each circuit, since their memory and seconds differ by much.
pub(super) fn figure(sources: &[Source]) -> Result<Figure, Reason> {
    let parts = |source: &Source, case: &CaseRow| {
        let measured = case.backend == "encrypted" && case.memory.is_some() && !source.run.provenance.is_mixed();
        let [threads, kernels, _] = source.resources(case);
        let profile = case.profile.clone().unwrap_or_default();
        measured.then(|| vec![case.relu.clone(), ring(case), packing(case), profile, kernels, threads])
    };
    let groups = groups_by(sources, parts);
    let curves: Vec<(String, Vec<Point>)> =
        groups.iter().map(|group| (group.name.clone(), points(group))).filter(|(_, points)| points.len() > 1).collect();
    if curves.is_empty() {
        return Err("found no encrypted case with latency at two settings of memory, wanted one; a config with \
                    `memory = [\"lean\", \"default\"]` in [sweep] makes some"
            .to_owned());
    }
    let panels: Vec<Panel> = curves.iter().map(|(name, points)| panel(name, points)).collect();
    let columns = panels.len().min(2);
    let caption = vec![
        "Beside each point: the setting of the dial. Grey: from the peak to the limit that the setting names."
            .to_owned(),
        "Bars: half the distance of the quartiles of the seconds, up and down.".to_owned(),
    ];
    Ok(Figure { title: String::new(), caption, legend: Vec::new(), panels, columns, panel_height: 360 })
}

fn panel(name: &str, points: &[Point]) -> Panel {
    let look = Look::series(0);
    let rooms = points.iter().filter_map(|point| {
        let limit = point.limit?;
        Some(Mark::Line(vec![(point.gigabytes, point.seconds), (limit, point.seconds)], Look::reference()))
    });
    let mut marks: Vec<Mark> = rooms.collect();
    let bar = |point: &Point| (point.gigabytes, point.seconds - point.spread, point.seconds + point.spread);
    marks.push(Mark::Whiskers(points.iter().map(bar).collect(), look));
    marks.push(Mark::Line(points.iter().map(|point| (point.gigabytes, point.seconds)).collect(), look));
    let words = |point: &Point| (point.gigabytes, point.seconds, point.setting.clone());
    marks.push(Mark::Labels(points.iter().map(words).collect()));
    let widest = points.iter().map(|point| point.limit.unwrap_or(point.gigabytes));
    Panel {
        title: name.to_owned(),
        x: Axis::from_zero("peak memory, GB", widest, 5),
        y: Axis::from_zero(
            "median seconds of an evaluation",
            points.iter().map(|point| point.seconds + point.spread),
            5,
        ),
        marks,
    }
}

/// Returns the settings of a circuit by their memory.
fn points(group: &Group<'_>) -> Vec<Point> {
    let point = |case: &&CaseRow| {
        let setting = case.memory.clone()?;
        let (seconds, spread) = (case.latency_s?, case.latency_spread_s.unwrap_or_default());
        let limit = parse_bytes(&setting).map(|bytes| bytes as f64 / 1e9);
        Some(Point { setting, gigabytes: case.peak_rss_bytes? as f64 / 1e9, limit, seconds, spread })
    };
    let mut points: Vec<Point> = group.cases.iter().filter_map(point).collect();
    points.sort_by(|a, b| a.gigabytes.total_cmp(&b.gigabytes));
    points
}
