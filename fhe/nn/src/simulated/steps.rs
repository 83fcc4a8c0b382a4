//! Which steps of a schedule make up a layer.

use crate::encrypted::{Op, Program, ScheduledStep};

/// The steps up to and with an activation, by their places in the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layer {
    pub convolution: usize,
    pub bootstrap: usize,
    pub activation: usize,
    /// A second bootstrap, of what the activation leaves.
    pub refresh: Option<usize>,
}

impl Layer {
    /// The step that leaves what the next layers take.
    pub fn last(self) -> usize {
        self.refresh.unwrap_or(self.activation)
    }
}

/// The layers of a schedule; after them stands the classifier.
///
/// # Panics
/// If the schedule is not one of `program`.
pub(super) fn layers(program: &Program, schedule: &[ScheduledStep]) -> Vec<Layer> {
    let is = |k: usize, op: Op| schedule.get(k).is_some_and(|step| step.op == op);
    let mut next = 0;
    let layers: Vec<Layer> = (0..program.network().activations())
        .map(|_| {
            let ops = [Op::Convolution, Op::Bootstrap, Op::Activation];
            assert!((next..).zip(ops).all(|(k, op)| is(k, op)), "steps of a layer from {next}: {schedule:?}");
            let [convolution, bootstrap, activation] = [next, next + 1, next + 2];
            let refresh = is(next + 3, Op::Bootstrap).then_some(next + 3);
            let layer = Layer { convolution, bootstrap, activation, refresh };
            next = layer.last() + 1;
            layer
        })
        .collect();
    assert!(is(next, Op::Classifier) && next + 1 == schedule.len(), "the classifier at {next}: {schedule:?}");
    layers
}
