//! The figure of flips: images that change their class, against the plaintext margin.

use super::Reason;
use crate::records::ImageRow;
use crate::report::plot::figure::{Axis, Figure, Look, Mark, Panel};
use crate::report::plot::series::{groups, packing, ring};
use crate::report::source::Source;
use crate::report::statistics::wilson;

/// Bins of the margin in each decade.
const BINS: f64 = 4.0;

/// The largest number of cases in a figure.
const MOST: usize = 6;

/// The fates of an image, compared with the plaintext model with exact ReLUs.
const FATES: [(&str, Look); 4] = [
    ("right before, wrong now", Look::filling(0, true)),
    ("wrong before, right now", Look::filling(4, true)),
    ("wrong before and now, another class or none", Look::filling(super::super::style::BLACK, false)),
    (UNLABELLED, Look::filling(2, true)),
];

/// The fate of an image without a label. The legend has it only where there is such an image.
const UNLABELLED: &str = "without a label, another class now";

/// Returns the figure: a row of two panels for each case in which images changed.
pub(super) fn figure(sources: &[Source]) -> Result<Figure, Reason> {
    let groups = groups(sources, |case| Some(vec![case.relu.clone(), ring(case), packing(case)]));
    let mut found = Vec::new();
    let mut seen = 0;
    for group in &groups {
        for case in &group.cases {
            let rows = group.source.images_of(&case.case).filter(|row| row.evaluated());
            let bins = Bins::of(rows);
            seen += bins.images;
            if bins.flips() > 0 {
                // Only this program's own cases are compared with the same polynomials.
                let own = case.engine.is_none();
                let noise = if own { format!(", {} by noise", case.polynomial_flips) } else { String::new() };
                let title = format!("{}: {} of {}{noise}", group.name, bins.flips(), bins.images);
                found.push((case.case.as_str(), title, bins));
            }
        }
    }
    if found.is_empty() {
        return Err(format!("none of {seen} images changed its class"));
    }
    let unlabelled = found.iter().any(|(_, _, bins)| bins.counts.iter().any(|count| count.2[3] > 0));
    let fates = FATES.iter().filter(|fate| unlabelled || fate.0 != UNLABELLED);
    let mut legend: Vec<_> = fates.map(|(name, look)| ((*name).to_owned(), *look)).collect();
    legend.push(("share of the bin (95 % interval)".to_owned(), Look::series(1).dashed(None)));
    let cases = found.len();
    let shown = spread(cases, MOST);
    let panels = shown.iter().map(|&at| &found[at]).flat_map(|(case, title, bins)| bins.panels(case, title)).collect();
    let mut caption = vec![
        "Margin: the largest exact logit less the second largest. By noise: images of another class than the same \
         polynomials give in cleartext."
            .to_owned(),
    ];
    if shown.len() < cases {
        caption.push(format!("{} of the {cases} cases in which images changed, evenly spread.", shown.len()));
    }
    Ok(Figure { title: String::new(), caption, legend, panels, columns: 2, panel_height: 220 })
}

/// Returns at most `most` of the numbers below `count`, evenly spread, with the first and the last.
fn spread(count: usize, most: usize) -> Vec<usize> {
    if count <= most { (0..count).collect() } else { (0..most).map(|k| k * (count - 1) / (most - 1)).collect() }
}

/// A bin: its number, its images, and the images of each fate.
type Bin = (i32, usize, [usize; 4]);

/// Images in bins of their margin.
struct Bins {
    images: usize,
    counts: Vec<Bin>,
}

impl Bins {
    fn of<'a>(rows: impl Iterator<Item = &'a ImageRow>) -> Self {
        let mut bins = Self { images: 0, counts: Vec::new() };
        for row in rows {
            // A margin of 0 counts in the bin of the smallest.
            let bin = (row.margin.max(1e-3).log10() * BINS).floor() as i32;
            let at = bins.counts.binary_search_by_key(&bin, |count| count.0).unwrap_or_else(|at| {
                bins.counts.insert(at, (bin, 0, [0; 4]));
                at
            });
            bins.images += 1;
            bins.counts[at].1 += 1;
            if let Some(fate) = fate(row) {
                bins.counts[at].2[fate] += 1;
            }
        }
        bins
    }

    fn flips(&self) -> usize {
        self.counts.iter().flat_map(|count| count.2).sum()
    }

    /// Returns the words of a bin.
    fn words(case: &str, (bin, images, fates): &Bin) -> String {
        let [from, to] = [edge(*bin), edge(bin + 1)];
        let changed: usize = fates.iter().sum();
        format!("{case}\nmargin {from:.3} to {to:.3}: {changed} of {images} images changed their class")
    }

    /// Returns counts and shares.
    fn panels(&self, case: &str, title: &str) -> [Panel; 2] {
        let edges = self.counts.iter().flat_map(|count| [edge(count.0), edge(count.0 + 1)]);
        let x = Axis::decades("plaintext margin, logits", edges.clone()).cut(edges);
        let highest = self.counts.iter().map(|count| count.2.iter().sum::<usize>()).max().unwrap_or(0);
        let boxes = |fate: usize| {
            let stacked = self.counts.iter().filter(move |count| count.2[fate] > 0);
            let shape = stacked.map(move |(bin, _, fates)| {
                let below: usize = fates[..fate].iter().sum();
                let gap = 10_f64.powf(0.06 / BINS);
                [edge(*bin) * gap, edge(bin + 1) / gap, below as f64, (below + fates[fate]) as f64]
            });
            Mark::Boxes(shape.collect(), FATES[fate].1)
        };
        let share = |(bin, images, fates): &Bin| {
            let flips: usize = fates.iter().sum();
            let (lo, hi) = wilson(flips, *images, 0.95).expect("a bin has images");
            let middle = middle(*bin);
            ((middle, 100.0 * flips as f64 / *images as f64), (middle, 100.0 * lo, 100.0 * hi))
        };
        let (points, bars): (Vec<_>, Vec<_>) = self.counts.iter().map(share).unzip();
        let look = Look::series(1).dashed(None);
        let told = |y: &dyn Fn(&Bin) -> f64| {
            let words = self.counts.iter().map(|count| (middle(count.0), y(count), Self::words(case, count)));
            Mark::Hover(words.collect(), look)
        };
        let height = |count: &Bin| count.2.iter().sum::<usize>() as f64;
        let counted = Panel {
            title: title.to_owned(),
            x: x.clone(),
            y: whole("images", highest),
            marks: (0..FATES.len()).map(boxes).chain([told(&|count| height(count) / 2.0)]).collect(),
        };
        let shared = Panel {
            title: String::new(),
            x,
            y: Axis::percent("changed, % of the bin"),
            marks: vec![
                Mark::Whiskers(bars, look),
                Mark::Line(points, look),
                told(&|count| 100.0 * height(count) / count.1 as f64),
            ],
        };
        [counted, shared]
    }
}

/// Returns the margin at which a bin begins.
fn edge(bin: i32) -> f64 {
    10_f64.powf(f64::from(bin) / BINS)
}

/// Returns the margin in the middle of a bin.
fn middle(bin: i32) -> f64 {
    10_f64.powf((f64::from(bin) + 0.5) / BINS)
}

/// Returns an axis of counts, without ticks between whole numbers.
fn whole(label: &str, highest: usize) -> Axis {
    Axis::from_zero(label, [highest.max(4) as f64], 4)
}

/// Returns an index into [`FATES`]; `None` for an image that kept its class.
fn fate(row: &ImageRow) -> Option<usize> {
    if row.class == Some(row.exact_class) {
        return None;
    }
    let right = row.is_right(Some(row.exact_class)).zip(row.is_right(row.class));
    Some(match right {
        Some((true, _)) => 0,
        Some((false, true)) => 1,
        Some((false, false)) => 2,
        None => 3,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_room_for_some_cases() {
        assert_eq!((spread(6, 6), spread(1, 6)), ((0..6).collect(), vec![0]));
        assert_eq!(spread(18, 6), [0, 3, 6, 10, 13, 17]);
    }

    #[test]
    fn every_image_has_one_fate() {
        let row = |label, exact_class, class| ImageRow {
            case: String::new(),
            image: 0,
            label: Some(label),
            exact_class,
            plain_class: None,
            class,
            margin: 0.1,
            batch: None,
            encrypt_s: None,
            latency_s: None,
            decrypt_s: None,
            trace_s: None,
            overhead_s: None,
            max_abs_error: None,
            precision_bits: None,
            overflow: Some(0),
            error: None,
            upload_bytes: None,
            download_bytes: None,
            energy_j: None,
        };
        let rows = [row(1, 1, Some(2)), row(1, 2, Some(1)), row(1, 2, Some(3)), row(1, 1, Some(1)), row(1, 1, None)];
        assert_eq!(rows.each_ref().map(fate), [Some(0), Some(1), Some(2), None, Some(0)]);
        assert_eq!(fate(&row(1, 2, None)), Some(2));
        assert_eq!(fate(&ImageRow { label: None, ..row(1, 2, Some(1)) }), Some(3));
        assert_eq!(fate(&ImageRow { label: None, ..row(1, 2, Some(2)) }), None);
        let bins = Bins::of(rows.iter());
        assert_eq!((bins.flips(), bins.images, bins.counts.len()), (4, 5, 1));
    }
}
