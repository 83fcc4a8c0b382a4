//! The layers of a page: each step of a case, over the images that were looked into.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::numbers::perhaps;
use crate::records::LayerRow;
use crate::report::source::Source;
use crate::report::statistics::median;

/// The steps of a case, in order. Each list has an entry for each step.
#[derive(Serialize, Default)]
pub(super) struct Steps {
    /// Number of the case in its run.
    case: usize,
    /// Images whose layers were recorded.
    images: usize,
    layer: Vec<String>,
    op: Vec<String>,
    level: Vec<Option<usize>>,
    /// Median.
    seconds: Vec<Value>,
    /// The most after the step.
    memory: Vec<Option<u64>>,
    /// Largest error against the same polynomials in cleartext.
    error: Vec<Value>,
    /// Mean of the mean errors.
    mean: Vec<Value>,
    /// Bits of the largest error.
    bits: Vec<Value>,
    /// Bits of a bootstrap's own error, the fewest.
    own_bits: Vec<Value>,
    /// Largest error of the polynomials against exact ReLUs.
    approximation: Vec<Value>,
    /// Values outside their interval, over all images.
    overflow: Vec<Option<usize>>,
}

/// Returns the steps of each case that has some, in a run whose cases have these names.
pub(super) fn of(source: &Source, names: &[&str]) -> Vec<Steps> {
    let mut by_case: HashMap<&str, Vec<&LayerRow>> = HashMap::new();
    source.run.layers.iter().for_each(|row| by_case.entry(&row.case).or_default().push(row));
    names.iter().enumerate().filter_map(|(case, name)| Some(steps(case, by_case.get(name)?))).collect()
}

fn steps(case: usize, rows: &[&LayerRow]) -> Steps {
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    let mut groups: Vec<Vec<&LayerRow>> = Vec::new();
    for row in rows {
        let place = *places.entry((&row.layer, &row.op)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(row);
    }
    let images = rows.iter().map(|row| row.image).collect::<HashSet<_>>().len();
    let mut steps = Steps { case, images, ..Steps::default() };
    groups.iter().for_each(|group| steps.push(group));
    steps
}

impl Steps {
    /// Adds a step with its rows, one for each image.
    fn push(&mut self, rows: &[&LayerRow]) {
        let all = |of: fn(&LayerRow) -> Option<f64>| rows.iter().filter_map(move |row| of(row));
        let seconds: Vec<f64> = all(|row| row.latency_s).collect();
        let means: Vec<f64> = all(|row| row.mean_abs_error).collect();
        let mean = (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64);
        self.layer.push(rows[0].layer.clone());
        self.op.push(rows[0].op.clone());
        self.level.push(rows[0].level);
        self.seconds.push(perhaps(median(&seconds), 4));
        self.memory.push(rows.iter().filter_map(|row| row.rss_bytes).max());
        self.error.push(perhaps(all(|row| row.max_abs_error).reduce(f64::max), 4));
        self.mean.push(perhaps(mean, 4));
        self.bits.push(perhaps(all(|row| row.precision_bits).reduce(f64::min), 3));
        self.own_bits.push(perhaps(all(|row| row.own_precision_bits).reduce(f64::min), 3));
        self.approximation.push(perhaps(all(|row| row.approximation_max_error).reduce(f64::max), 4));
        let counted = rows.iter().filter_map(|row| row.overflow);
        self.overflow.push(rows.iter().any(|row| row.overflow.is_some()).then(|| counted.sum()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_summed_up_over_its_images() {
        let row = |image: usize, op: &str, seconds: f64, error: f64| LayerRow {
            case: "c".to_owned(),
            image,
            layer: "conv1".to_owned(),
            op: op.to_owned(),
            level: Some(3),
            latency_s: Some(seconds),
            rss_bytes: Some(image as u64),
            max_abs_error: Some(error),
            mean_abs_error: Some(error / 2.0),
            precision_bits: Some(-error.log2()),
            paper_precision: None,
            approximation_max_error: None,
            approximation_mean_error: None,
            overflow: (op == "activation").then_some(2),
            own_precision_bits: None,
        };
        let rows = [
            row(4, "convolution", 1.0, 0.5),
            row(4, "activation", 2.0, 0.25),
            row(7, "convolution", 3.0, 0.125),
            row(7, "activation", 2.0, 0.25),
        ];
        let found = steps(0, &rows.iter().collect::<Vec<_>>());
        assert_eq!((found.images, &found.op[..]), (2, &["convolution".to_owned(), "activation".to_owned()][..]));
        assert_eq!(found.seconds, [Value::from(2), Value::from(2)]);
        assert_eq!((&found.error[0], &found.bits[0], found.memory[0]), (&Value::from(0.5), &Value::from(1), Some(7)));
        assert_eq!((found.overflow, found.mean[0].as_f64()), (vec![None, Some(4)], Some(0.1562)));
    }
}
