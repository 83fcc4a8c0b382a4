//! The figure of the degree: accuracy and logit precision against the degree of the activation.

use std::collections::BTreeMap;

use super::Reason;
use crate::records::CaseRow;
use crate::report::plot::figure::{Axis, Dash, Figure, Look, Mark, Panel};
use crate::report::plot::series::{Group, degree, groups, hover, packing, ring};
use crate::report::plot::style;
use crate::report::source::Source;
use crate::report::statistics::median;

/// The distance from the exact model's accuracy, in points, within which a magnified panel shows the cases.
const NEAR: f64 = 4.0;

/// Returns the figure of these runs.
pub(super) fn figure(sources: &[Source]) -> Result<Figure, Reason> {
    let parts = |case: &CaseRow| Some(vec![degree(&case.relu)?.0.to_owned(), ring(case), packing(case)]);
    let groups = groups(sources, parts);
    let mut degrees: Vec<f64> = groups.iter().flat_map(|group| &group.cases).filter_map(|case| x(case)).collect();
    degrees.sort_by(f64::total_cmp);
    degrees.dedup();
    if degrees.len() < 2 {
        return Err(format!("found {} degrees of the ReLU, wanted two or more", degrees.len()));
    }
    let ticks: Vec<_> = degrees.iter().map(|&degree| (degree, format!("{degree}"))).collect();
    let axis = Axis::at("degree of the ReLU's polynomial", &ticks, 1.18);
    let mut legend = Vec::new();
    let (mut accuracy, mut logits) = (Vec::new(), Vec::new());
    for (index, group) in groups.iter().enumerate() {
        let look = Look::series(index).among(index, groups.len(), 28);
        accuracy.push(Mark::Whiskers(intervals(group), look));
        accuracy.push(Mark::Line(points(group, |case| Some(100.0 * case.accuracy?)), look));
        accuracy.push(at_cases(group, |case| Some(100.0 * case.accuracy?), look));
        logits.push(Mark::Line(points(group, |case| median_bits(group, case)), look));
        logits.push(at_cases(group, |case| median_bits(group, case), look));
        legend.push((group.name.clone(), Look::series(index)));
    }
    let families = approximations(&groups);
    for (index, (family, points)) in families.iter().enumerate() {
        let look = Look { colour: style::BLACK, ..Look::series(index + 3) }.hollow().dashed(Some(Dash::Dotted));
        logits.push(Mark::Line(points.clone(), look));
        let which = if families.len() > 1 { format!("{family} polynomial") } else { "polynomial".to_owned() };
        legend.push((format!("{which} against the exact ReLU, cleartext"), look));
    }
    let levels = levels(sources);
    levels.values().for_each(|level| accuracy.push(Mark::Level(100.0 * level, Look::reference())));
    if !levels.is_empty() {
        legend.push(("exact ReLU, cleartext".to_owned(), Look::reference()));
    }
    let panel = |title: &str, y: Axis, marks| Panel { title: title.to_owned(), x: axis.clone(), y, marks };
    let whole = Axis::percent("accuracy, %");
    let mut panels = vec![panel("Accuracy, with its 95 % interval", whole, accuracy.clone())];
    if let Some((y, marks)) = near(&accuracy, levels.values().copied().fold(0.0, f64::max)) {
        panels.push(panel("The same, near the exact ReLU's", y, marks));
    }
    let bits: Vec<f64> = logits.iter().flat_map(heights).collect();
    if !bits.is_empty() {
        let y = Axis::linear("precision, bits", bits, 5);
        panels.push(panel("Worst logit of an image, median", y, logits));
    }
    let caption = vec![format!(
        "{} Precision of a logit: −log₂ of its error against the same polynomials in cleartext, if not said otherwise.",
        images(sources)
    )];
    let panel_height = if panels.len() > 2 { 200 } else { 250 };
    Ok(Figure { title: String::new(), caption, legend, panels, columns: 1, panel_height })
}

/// Returns the heights of a mark's points.
fn heights(mark: &Mark) -> Vec<f64> {
    match mark {
        Mark::Line(points, _) => points.iter().map(|point| point.1).collect(),
        Mark::Whiskers(bars, _) => bars.iter().flat_map(|&(_, lo, hi)| [lo, hi]).collect(),
        _ => Vec::new(),
    }
}

/// Returns the points within [`NEAR`] of the exact model's accuracy, whose differences the whole scale hides. `None` if
/// fewer than two points or all points are there, or an interval is too wide for it.
fn near(accuracy: &[Mark], level: f64) -> Option<(Axis, Vec<Mark>)> {
    let within = |height: f64| (height - 100.0 * level).abs() <= NEAR;
    let of = |mark: &Mark| match mark {
        Mark::Line(points, look) => Mark::Line(points.iter().copied().filter(|point| within(point.1)).collect(), *look),
        Mark::Whiskers(bars, look) => {
            Mark::Whiskers(bars.iter().copied().filter(|&(_, lo, hi)| within((lo + hi) / 2.0)).collect(), *look)
        }
        Mark::Hover(points, look) => {
            Mark::Hover(points.iter().filter(|point| within(point.1)).cloned().collect(), *look)
        }
        mark => mark.clone(),
    };
    let wide =
        |mark: &Mark| matches!(mark, Mark::Whiskers(bars, _) if bars.iter().any(|bar| bar.2 - bar.1 > 2.0 * NEAR));
    if accuracy.iter().any(wide) {
        return None;
    }
    let points = |mark: &Mark| if let Mark::Line(points, _) = mark { points.len() } else { 0 };
    let marks: Vec<_> = accuracy.iter().map(of).collect();
    let (kept, all) = (marks.iter().map(points).sum::<usize>(), accuracy.iter().map(points).sum());
    let heights = marks.iter().flat_map(heights).chain([100.0 * level]);
    let y = Axis::linear("accuracy, %", heights.collect::<Vec<_>>(), 5);
    (kept >= 2 && kept < all).then_some((y, marks))
}

/// Returns the bits of an image's worst logit, as the median over a case's images. The minimum over thousands of images
/// would show one image outside the intervals. NaN logits have no bits.
fn median_bits(group: &Group<'_>, case: &CaseRow) -> Option<f64> {
    let rows = group.source.images_of(&case.case).filter(|row| row.evaluated());
    let bits = rows.filter_map(|row| row.precision_bits.or(row.class.is_none().then_some(f64::NEG_INFINITY)));
    median(&bits.collect::<Vec<_>>()).filter(|bits| bits.is_finite())
}

/// Returns, for each family, the bits that the polynomials' own error leaves, over all traced images.
fn approximations<'a>(groups: &[Group<'a>]) -> BTreeMap<&'a str, Vec<(f64, f64)>> {
    // By family and degree. Positive floats sort like their bit patterns.
    let mut bits: BTreeMap<(&str, u64), Vec<f64>> = BTreeMap::new();
    for group in groups {
        for case in &group.cases {
            let Some((family, degree)) = degree(&case.relu) else { continue };
            let rows = group.source.layers_of(&case.case).filter(|row| row.op == "classifier");
            let errors = rows.filter_map(|row| row.approximation_max_error).filter(|error| *error > 0.0);
            bits.entry((family, degree.to_bits())).or_default().extend(errors.map(|error| -error.log2()));
        }
    }
    let mut medians: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for ((family, degree), bits) in bits {
        if let Some(median) = median(&bits) {
            medians.entry(family).or_default().push((f64::from_bits(degree), median));
        }
    }
    medians
}

fn x(case: &CaseRow) -> Option<f64> {
    Some(degree(&case.relu)?.1)
}

fn points(group: &Group<'_>, y: impl Fn(&CaseRow) -> Option<f64>) -> Vec<(f64, f64)> {
    let mut points: Vec<_> = group.cases.iter().filter_map(|case| Some((x(case)?, y(case)?))).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

/// Returns the words of a group's cases at their heights.
fn at_cases(group: &Group<'_>, y: impl Fn(&CaseRow) -> Option<f64>, look: Look) -> Mark {
    hover(group.cases.iter().copied(), |case| Some((x(case)?, y(case)?)), look)
}

fn intervals(group: &Group<'_>) -> Vec<(f64, f64, f64)> {
    let bar = |case: &&CaseRow| Some((x(case)?, 100.0 * case.accuracy_lo?, 100.0 * case.accuracy_hi?));
    group.cases.iter().filter_map(bar).collect()
}

/// Returns the distinct accuracies of the plaintext model.
fn levels(sources: &[Source]) -> BTreeMap<u64, f64> {
    let found = sources.iter().flat_map(Source::cases).filter_map(|case| case.plain_accuracy);
    found.map(|level| (level.to_bits(), level)).collect()
}

fn images(sources: &[Source]) -> String {
    let counts = || sources.iter().flat_map(Source::cases).map(|case| case.images.saturating_sub(case.failed));
    let (least, most) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
    if least == most { format!("{most} images a case.") } else { format!("{least} to {most} images a case.") }
}
