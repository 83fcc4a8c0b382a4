//! The figure of the layers: the growth of errors from exact to polynomial to encrypted.

use std::cmp::Ordering;

use super::Reason;
use crate::records::{CaseRow, LayerRow};
use crate::report::plot::figure::{Axis, Dash, Figure, Look, Mark, Panel};
use crate::report::plot::series::{Group, degree, groups, packing, ring};
use crate::report::plot::style;
use crate::report::source::Source;

/// A value of a layer; layers are numbered from 1.
type Points = Vec<(f64, f64)>;

/// Returns the figure: a panel for each activation.
pub(super) fn figure(sources: &[Source]) -> Result<Figure, Reason> {
    let named = groups(sources, |case| Some(vec![ring(case), packing(case)]));
    let mut relus: Vec<&str> = Vec::new();
    for case in named.iter().flat_map(looked_into) {
        if !relus.contains(&case.relu.as_str()) {
            relus.push(&case.relu);
        }
    }
    if relus.is_empty() {
        return Err("found no case with errors of its layers, wanted one that was looked into".to_owned());
    }
    relus.sort_by(|a, b| degree(a).partial_cmp(&degree(b)).unwrap_or(Ordering::Equal));
    let mut legend = Vec::new();
    let mut panels: Vec<_> = relus.iter().map(|relu| panel(relu, &named, &mut legend)).collect();
    // All panels share a scale, so that they compare.
    let ends: Vec<f64> = panels.iter().flat_map(|panel| [panel.y.lo, panel.y.hi]).collect();
    let y = Axis::decades("absolute error", ends);
    panels.iter_mut().for_each(|panel| panel.y = y.clone());
    legend.sort_by_key(|(_, look)| (look.colour == style::BLACK, look.colour, !look.filled));
    let columns = if panels.len() == 1 { 1 } else { 2 };
    let caption = vec![
        "Largest over the images that were looked into, and mean over their values, after each activation and the \
         classifier."
            .to_owned(),
    ];
    let panel_height = if columns == 1 { 360 } else { 240 };
    Ok(Figure { title: String::new(), caption, legend, panels, columns, panel_height })
}

/// Returns the cases whose layers have errors. In cleartext these are only the errors of the approximation.
fn looked_into<'a>(group: &'a Group<'_>) -> impl Iterator<Item = &'a CaseRow> {
    let known = |row: &LayerRow| row.max_abs_error.is_some() || row.approximation_max_error.is_some();
    let has = move |case: &&CaseRow| group.source.layers_of(&case.case).any(known);
    group.cases.iter().copied().filter(has)
}

fn panel(relu: &str, groups: &[Group<'_>], legend: &mut Vec<(String, Look)>) -> Panel {
    let mut marks = Vec::new();
    let mut approximation = None;
    let mut labels = Vec::new();
    let mut hovers = Vec::new();
    let mut add = |name: String, points: Points, look: Look| {
        if !points.is_empty() {
            if legend.iter().all(|(known, _)| *known != name) {
                legend.push((name, Look { aside: 0, ..look }));
            }
            marks.push(Mark::Line(points, look));
        }
    };
    let count = groups.iter().flat_map(looked_into).filter(|case| case.relu == relu).count();
    // With many cases only the largest errors are drawn, so that a reader can distinguish the lines.
    let alone = count == 1;
    let mut place = 0;
    for (index, group) in groups.iter().enumerate() {
        for case in looked_into(group).filter(|case| case.relu == relu) {
            let layers = Layers::of(group.source.layers_of(&case.case));
            let look = Look::series(index).among(place, count, 12);
            place += 1;
            hovers.push(Mark::Hover(layers.words(&case.case), look));
            add(format!("{}, largest", group.name), layers.worst(|row| row.max_abs_error), look);
            if alone {
                let mean = look.hollow().dashed(Some(Dash::Dotted));
                add(format!("{}, mean", group.name), layers.mean(|row| row.mean_abs_error), mean);
            }
            if labels.len() < layers.names.len() {
                labels.clone_from(&layers.names);
            }
            let compared = layers.rows.iter().flatten().any(|row| row.approximation_max_error.is_some());
            if approximation.is_none() && compared {
                approximation = Some(layers);
            }
        }
    }
    if let Some(layers) = approximation {
        let look = Look { colour: style::BLACK, ..Look::series(3) }.dashed(Some(Dash::Dashed));
        add("polynomial against exact, largest".to_owned(), layers.worst(|row| row.approximation_max_error), look);
        if alone {
            let mean = look.hollow().dashed(Some(Dash::Dotted));
            add("polynomial against exact, mean".to_owned(), layers.mean(|row| row.approximation_mean_error), mean);
        }
    }
    let values: Vec<f64> = marks
        .iter()
        .flat_map(|mark| if let Mark::Line(points, _) = mark { points.clone() } else { Vec::new() })
        .map(|point| point.1)
        .collect();
    marks.splice(0..0, stages(&labels));
    marks.append(&mut hovers);
    Panel { title: relu.to_owned(), x: axis(&labels), y: Axis::decades("absolute error", values), marks }
}

/// Returns the layers that end in an activation, and the classifier, each with its rows.
struct Layers<'a> {
    names: Vec<String>,
    rows: Vec<Vec<&'a LayerRow>>,
}

impl<'a> Layers<'a> {
    fn of(all: impl Iterator<Item = &'a LayerRow>) -> Self {
        let mut layers = Self { names: Vec::new(), rows: Vec::new() };
        for row in all.filter(|row| matches!(row.op.as_str(), "activation" | "classifier")) {
            match layers.names.iter().position(|name| *name == row.layer) {
                Some(at) => layers.rows[at].push(row),
                None => {
                    layers.names.push(row.layer.clone());
                    layers.rows.push(vec![row]);
                }
            }
        }
        layers
    }

    fn points(&self, y: impl Fn(&[&LayerRow]) -> Option<f64>) -> Points {
        let point = |(at, rows): (usize, &Vec<&LayerRow>)| Some(((at + 1) as f64, y(rows)?));
        // A logarithmic axis has no place for 0.
        self.rows.iter().enumerate().filter_map(point).filter(|point| point.1 > 0.0 && point.1.is_finite()).collect()
    }

    fn worst(&self, of: impl Fn(&LayerRow) -> Option<f64>) -> Points {
        self.points(|rows| rows.iter().filter_map(|row| of(row)).reduce(f64::max))
    }

    /// Returns the words at the largest errors of a case.
    fn words(&self, case: &str) -> Vec<(f64, f64, String)> {
        let worst = self.worst(|row| row.max_abs_error.or(row.approximation_max_error));
        let words = |(at, error): (f64, f64)| {
            (at, error, format!("{case}\n{}: largest error {error:.2e}", self.names[at as usize - 1]))
        };
        worst.into_iter().map(words).collect()
    }

    fn mean(&self, of: impl Fn(&LayerRow) -> Option<f64>) -> Points {
        self.points(|rows| {
            let values: Vec<f64> = rows.iter().filter_map(|row| of(row)).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        })
    }
}

fn axis(names: &[String]) -> Axis {
    let tick = |(at, name): (usize, &String)| {
        let text = if name.contains("act") { (at + 1).to_string() } else { name.clone() };
        ((at + 1) as f64, text)
    };
    Axis {
        label: "activation, in order, and the classifier".to_owned(),
        lo: 0.3,
        hi: names.len().max(1) as f64 + 0.7,
        log: false,
        ticks: names.iter().enumerate().map(tick).collect(),
    }
}

/// Returns the position at which each stage begins.
fn stages(names: &[String]) -> Vec<Mark> {
    let stage = |name: &str| {
        let digits = name.strip_prefix("layer")?.split('.').next()?;
        Some(format!("stage {digits}"))
    };
    let begins = |at: &usize| stage(&names[*at]).is_some() && (*at == 0 || stage(&names[at - 1]) != stage(&names[*at]));
    let divider = |at: usize| Mark::Divider(at as f64 + 0.5, stage(&names[at]).unwrap_or_default());
    (0..names.len()).filter(begins).map(divider).collect()
}
