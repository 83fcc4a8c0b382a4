//! Memory, latency and precision over the sweep.

use std::collections::BTreeSet;

use super::Reason;
use crate::plot::figure::{Axis, Figure, Look, Mark, Marker, Panel};
use crate::plot::series::{degree, groups, packing, ring};
use crate::plot::style;
use crate::records::CaseRow;
use crate::source::Source;

/// The figure.
pub fn figure(sources: &[Source]) -> Result<Figure, Reason> {
    let groups = groups(sources, |case| cost(case).map(|_| vec![ring(case), packing(case)]));
    let all: Vec<Cost> = groups.iter().flat_map(|group| &group.cases).filter_map(|case| cost(case)).collect();
    if all.len() < 2 {
        return Err(format!("found {} cases with latency, memory and precision, wanted two or more", all.len()));
    }
    let families: BTreeSet<_> =
        groups.iter().flat_map(|group| &group.cases).map(|case| degree(&case.relu).map(|(family, _)| family)).collect();
    let on_front = |cost: Cost| !all.iter().any(|other| other.beats(cost));
    let (mut marks, mut legend, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    for (index, group) in groups.iter().enumerate() {
        let look = Look::series(index).dashed(None);
        let costs = || group.cases.iter().filter_map(|case| Some((case, cost(case)?)));
        for (on, look) in [(false, look.hollow()), (true, look)] {
            let points =
                costs().filter(|(_, cost)| on_front(*cost) == on).map(|(_, cost)| (cost.seconds, cost.gigabytes));
            marks.push(Mark::Line(points.collect(), look));
        }
        labels
            .extend(costs().map(|(case, cost)| (cost.seconds, cost.gigabytes, label(case, cost, families.len() > 1))));
        legend.push((group.name.clone(), look));
    }
    marks.push(Mark::Labels(labels));
    let black = Look { colour: style::BLACK, marker: Some(Marker::Circle), filled: false, dash: None, aside: 0 };
    legend.push(("hollow: beaten by a case that is as good or better in all three".to_owned(), black));
    let panel = Panel {
        title: String::new(),
        x: Axis::from_zero("median seconds an image", all.iter().map(|cost| cost.seconds), 6),
        y: Axis::from_zero("peak memory, GB", all.iter().map(|cost| cost.gigabytes), 6),
        marks,
    };
    let caption = vec!["Beside each case: the degree of its ReLU, and the precision of its worst logit.".to_owned()];
    Ok(Figure { title: String::new(), caption, legend, panels: vec![panel], columns: 1, panel_height: 440 })
}

/// What a case costs and what it yields.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cost {
    seconds: f64,
    gigabytes: f64,
    bits: f64,
}

impl Cost {
    /// At least as good in everything, and better in something.
    fn beats(self, other: Self) -> bool {
        let no_worse = self.seconds <= other.seconds && self.gigabytes <= other.gigabytes && self.bits >= other.bits;
        no_worse && self != other
    }
}

fn cost(case: &CaseRow) -> Option<Cost> {
    Some(Cost { seconds: case.latency_s?, gigabytes: case.peak_rss_bytes? as f64 / 1e9, bits: case.precision_bits? })
}

fn label(case: &CaseRow, cost: Cost, family: bool) -> String {
    let relu = degree(&case.relu).filter(|_| !family).map_or(case.relu.clone(), |(_, degree)| degree.to_string());
    format!("{relu}: {:.1} bits", cost.bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_beaten_only_by_one_that_is_no_worse_in_anything() {
        let case = |seconds, gigabytes, bits| Cost { seconds, gigabytes, bits };
        let one = case(10.0, 3.0, 16.0);
        assert!(case(9.0, 3.0, 16.0).beats(one) && case(10.0, 3.0, 17.0).beats(one));
        assert!(!one.beats(one) && !case(9.0, 3.1, 16.0).beats(one) && !case(9.0, 2.0, 15.9).beats(one));
    }
}
