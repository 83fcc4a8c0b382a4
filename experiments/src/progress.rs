//! Progress on standard error, if that is a terminal.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fhe_nn::encrypted::ScheduledStep;
use indicatif::{ProgressBar, ProgressStyle};

use crate::layers::op_name;

const TICK: Duration = Duration::from_millis(120);

/// Shows a message beside a spinner.
pub(crate) fn spinner(message: String, hidden: bool) -> ProgressBar {
    let spinner = if hidden { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    spinner.enable_steady_tick(TICK);
    spinner.with_message(message)
}

/// Returns a bar over `count` pieces of work.
pub(crate) fn count(count: usize, message: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{elapsed_precise} [{bar:40}] {pos}/{len} {msg}, about {eta} left");
    let bar = ProgressBar::new(count as u64).with_style(style.expect("a valid template").progress_chars("=> "));
    bar.enable_steady_tick(TICK);
    bar.with_message(message)
}

/// The seconds that each step of an evaluation is expected to take: a prediction at first, then the seconds of the
/// latest evaluation.
pub(crate) struct Expected(Mutex<Vec<f64>>);

impl Expected {
    /// Returns the expectation before the first evaluation.
    pub(crate) fn new(predicted: Vec<f64>) -> Self {
        Self(Mutex::new(predicted))
    }

    fn seconds(&self) -> Vec<f64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, measured: Vec<f64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = measured;
    }
}

/// A bar over the steps of an evaluation. Each step is as long as it is expected to take.
pub(crate) struct Steps<'a> {
    bar: ProgressBar,
    schedule: &'a [ScheduledStep],
    expected: &'a Expected,
    seconds: Vec<f64>,
    measured: Vec<f64>,
    clock: Instant,
}

impl<'a> Steps<'a> {
    /// Returns `bar` at the first step of the schedule.
    pub(crate) fn new(schedule: &'a [ScheduledStep], expected: &'a Expected, bar: ProgressBar) -> Self {
        let seconds = expected.seconds();
        let style =
            ProgressStyle::with_template("{elapsed_precise} [{bar:40}] {prefix}{msg}").expect("a valid template");
        bar.set_style(style.progress_chars("=> "));
        bar.set_length(seconds.iter().copied().map(ticks).sum());
        bar.set_position(0);
        bar.reset();
        bar.enable_steady_tick(TICK);
        let measured = Vec::with_capacity(schedule.len());
        let steps = Self { bar, schedule, expected, seconds, measured, clock: Instant::now() };
        steps.describe();
        steps
    }

    /// Says that a step is done and the next one runs. After the last step, the seconds of this evaluation replace the
    /// expectation.
    pub(crate) fn advance(&mut self) {
        self.bar.inc(ticks(self.seconds[self.measured.len()]));
        self.measured.push(self.clock.elapsed().as_secs_f64());
        self.clock = Instant::now();
        if self.measured.len() == self.schedule.len() {
            self.expected.replace(self.measured.clone());
        }
        self.describe();
    }

    fn describe(&self) {
        let done = self.measured.len();
        if let Some(step) = self.schedule.get(done) {
            let (count, left) = (self.schedule.len(), seconds_left(&self.seconds, &self.measured));
            let name = op_name(step.op);
            self.bar.set_message(format!("{}/{count} {} {name}, about {left:.0} s left", done + 1, step.layer));
        }
    }
}

/// The length of a step on the bar, above 0.
fn ticks(seconds: f64) -> u64 {
    (1e6 * seconds) as u64 + 1
}

/// Returns the seconds that the steps still to come take if they are as much slower or faster than expected as the
/// steps so far. Of a short beginning only a part counts: its share of a tenth of the whole.
fn seconds_left(expected: &[f64], measured: &[f64]) -> f64 {
    let (done, left) = expected.split_at(measured.len());
    let [done, left, all] = [done, left, expected].map(|seconds| seconds.iter().sum::<f64>());
    if done <= 0.0 {
        return left;
    }
    let pace = measured.iter().sum::<f64>() / done;
    let trust = (done / (0.1 * all)).min(1.0);
    left * (1.0 + trust * (pace - 1.0))
}

impl Drop for Steps<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_the_pace_of_the_steps_so_far() {
        let expected = [1.0, 4.0, 5.0];
        assert_eq!(seconds_left(&expected, &[]), 10.0);
        assert_eq!(seconds_left(&expected, &[5.0]), 45.0, "five times as slow as expected");
        assert_eq!(seconds_left(&expected, &[0.5, 2.0]), 2.5, "twice as fast");
        assert_eq!(seconds_left(&expected, &[1.0, 4.0, 5.0]), 0.0);
        let brief = [0.1, 9.9];
        assert!((seconds_left(&brief, &[1.1]) - 9.9 * 2.0).abs() < 1e-9, "a tenth of the trust in a tenfold pace");
    }

    #[test]
    fn after_an_evaluation_its_seconds_are_expected() {
        let step = |layer: &str| ScheduledStep {
            layer: layer.to_owned(),
            op: fhe_nn::encrypted::Op::Convolution,
            level: 1,
            scale: 1.0,
            slots: 1,
            hoisted: 0,
            full: 0,
            relinearizations: 0,
        };
        let (schedule, expected) = ([step("a"), step("b")], Expected::new(vec![100.0, 200.0]));
        let mut steps = Steps::new(&schedule, &expected, ProgressBar::hidden());
        steps.advance();
        assert_eq!(expected.seconds(), [100.0, 200.0], "half an evaluation says nothing of the other half");
        steps.advance();
        assert!(expected.seconds().iter().all(|&seconds| seconds < 1.0), "{:?}", expected.seconds());
    }
}
