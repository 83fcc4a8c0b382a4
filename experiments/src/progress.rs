//! Progress on standard error, if that is a terminal.

use std::time::Duration;

use fhe_nn::encrypted::ScheduledStep;
use indicatif::{ProgressBar, ProgressStyle};

use crate::layers::op_name;

const TICK: Duration = Duration::from_millis(120);

/// Shows a message beside a spinner.
pub fn spinner(message: String, hidden: bool) -> ProgressBar {
    let spinner = if hidden { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    spinner.enable_steady_tick(TICK);
    spinner.with_message(message)
}

/// A bar over the steps of an evaluation, each weighted by its predicted seconds.
pub struct Steps<'a> {
    bar: ProgressBar,
    schedule: &'a [ScheduledStep],
    weights: Vec<u64>,
    done: usize,
}

impl<'a> Steps<'a> {
    /// Sets `bar` to the first step. `seconds` holds the predicted seconds of each.
    pub fn new(schedule: &'a [ScheduledStep], seconds: &[f64], bar: ProgressBar) -> Self {
        let weights: Vec<u64> = seconds.iter().map(|seconds| (1e6 * seconds) as u64 + 1).collect();
        let style =
            ProgressStyle::with_template("{elapsed_precise} [{bar:40}] {msg}, {eta} left").expect("a valid template");
        bar.set_style(style.progress_chars("=> "));
        bar.set_length(weights.iter().sum());
        bar.set_position(0);
        bar.reset();
        bar.enable_steady_tick(TICK);
        let steps = Self { bar, schedule, weights, done: 0 };
        steps.name();
        steps
    }

    /// Advances to the next step.
    pub fn advance(&mut self) {
        self.bar.inc(self.weights[self.done]);
        self.done += 1;
        self.name();
    }

    fn name(&self) {
        if let Some(step) = self.schedule.get(self.done) {
            let count = self.schedule.len();
            self.bar.set_message(format!("{}/{count} {} {}", self.done + 1, step.layer, op_name(step.op)));
        }
    }
}

impl Drop for Steps<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
