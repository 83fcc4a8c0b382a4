//! The packed circuit in cleartext, as a test's oracle: the walk of [`super::schedule`] on vectors of slots, with the
//! layouts, matrices and rotations that the server uses, and neither noise nor encoding.

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::circuit::{straighten, straighten_inverse};
use super::layout::{self, Layout};
use super::matvec::MatVecPlan;
use super::schedule::{Machine, Term};
use super::server::{Op, Program, StepInfo};
use super::tests::{narrow, numbers};
use super::*;
use crate::{ResNet, ranges};

/// What every step leaves: its values as a client would read them.
struct Replay<'a> {
    program: &'a Program,
    seen: Vec<(StepInfo, Vec<f64>)>,
}

/// Slot i of the result is slot i + by of the input.
fn rotate(slots: &[f64], by: i64) -> Vec<f64> {
    let mut rotated = slots.to_vec();
    rotated.rotate_left(by.rem_euclid(slots.len() as i64) as usize);
    rotated
}

/// The same vector read as another number of slots: a ciphertext of fewer slots repeats them, and one whose slots repeat
/// can be read as fewer.
fn with_slots(slots: &[f64], count: usize) -> Vec<f64> {
    if let Some((first, copies)) = slots.split_at_checked(count) {
        let repeats = copies.chunks(count).flatten().zip(first.iter().cycle()).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(repeats, "slots that do not repeat cannot be read as {count}");
    }
    slots.iter().copied().cycle().take(count).collect()
}

impl Replay<'_> {
    fn see(&mut self, step: &StepInfo, slots: Vec<f64>) -> Vec<f64> {
        let values = match (step.layout, step.op) {
            (None, _) => slots[..self.program.network().classifier.out_features].to_vec(),
            (Some(layout), Op::Bootstrap) => {
                layout.unpack(&slots).iter().map(|v| straighten(*v) * step.range).collect()
            }
            (Some(layout), _) => layout.unpack(&slots).iter().map(|v| v * step.range).collect(),
        };
        self.seen.push((step.clone(), values));
        slots
    }
}

impl Machine for Replay<'_> {
    type Value = Vec<f64>;
    type Error = std::convert::Infallible;

    fn convolve(
        &mut self,
        step: &StepInfo,
        to: Layout,
        terms: &[Term<'_, Vec<f64>>],
        identity: Option<(&Vec<f64>, f64)>,
    ) -> Result<Vec<f64>, Self::Error> {
        let mut sum = vec![0.0; to.slots()];
        let add = |sum: &mut [f64], other: &[f64]| sum.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
        for term in terms {
            let matrix = layout::convolution(term.conv, term.from, to, term.range / step.range);
            let plan = MatVecPlan::new(&matrix);
            let x = with_slots(term.x, term.from.slots().max(to.slots()));
            let shifted = rotate(&x, plan.shift);
            let mut product = vec![0.0; x.len()];
            for (&offset, diagonal) in &matrix {
                // As the server does it: the diagonal is rotated back before the giant step, which brings both forward.
                let (baby, (grids, rows)) = plan.split(offset);
                assert!(plan.babies.contains(&baby) && plan.grids.contains(&grids) && plan.rows.contains(&rows));
                let giant = 1024 * grids + 32 * rows;
                let (x, diagonal) = (rotate(&shifted, baby), rotate(diagonal, -giant));
                let inner: Vec<f64> = x.iter().zip(&diagonal).map(|(x, w)| x * w).collect();
                add(&mut product, &rotate(&inner, giant));
            }
            add(&mut sum, &with_slots(&product, to.slots()));
            add(&mut sum, &layout::bias(term.conv, to, 1.0 / step.range));
        }
        if let Some((x, range)) = identity {
            let scaled: Vec<f64> = x.iter().map(|x| x * range / step.range).collect();
            add(&mut sum, &scaled);
        }
        Ok(self.see(step, sum))
    }

    fn bootstrap(&mut self, step: &StepInfo, at: Layout, sum: &Vec<f64>) -> Result<Vec<f64>, Self::Error> {
        assert_eq!(sum.len(), at.slots());
        Ok(self.see(step, sum.iter().map(|&x| straighten_inverse(x)).collect()))
    }

    fn activate(&mut self, step: &StepInfo, fresh: &Vec<f64>) -> Result<Vec<f64>, Self::Error> {
        let series = &self.program.circuit().activation;
        Ok(self.see(step, fresh.iter().map(|&s| series.evaluate(s)).collect()))
    }

    fn classify(&mut self, step: &StepInfo, x: &Vec<f64>, from: Layout, range: f64) -> Result<Vec<f64>, Self::Error> {
        let classifier = &self.program.network().classifier;
        let diagonals = layout::pooled_classifier(classifier, from, range);
        let width = diagonals.len();
        let mut products = vec![0.0; x.len()];
        for (j, diagonal) in diagonals.iter().enumerate() {
            let x = rotate(x, j as i64);
            products.iter_mut().zip(x.iter().zip(diagonal)).for_each(|(sum, (x, w))| *sum += x * w);
        }
        let sum = |slot: usize| (0..x.len() / width).map(|k| products[(slot + k * width) % x.len()]).sum::<f64>();
        let bias = |slot: usize| classifier.bias.get(slot % width).copied().unwrap_or(0.0);
        let logits = (0..x.len()).map(|slot| sum(slot) + bias(slot)).collect();
        Ok(self.see(step, logits))
    }
}

/// Every step of the replay is the plaintext model's, to `1e-9` of the layer's range.
fn replays(network: ResNet, image: &[f64], degree: usize) {
    let ranges = ranges::observe(&network, &[()], |()| image.to_vec());
    let program = Program::new(network, Circuit::insecure(16, degree), ranges);
    let series = &program.circuit().activation;
    let polynomial = |index: usize, values: &mut [f64]| {
        let range = program.ranges()[index];
        values.iter_mut().for_each(|v| *v = range * series.evaluate(straighten_inverse(*v / range)));
        0
    };
    let (outcome, clear) = program.network().trace(image, &polynomial);
    let mut replay = Replay { program: &program, seen: Vec::new() };
    let Ok(logits) = program.walk(&mut replay, program.input_layout().pack(image));
    for (step, found) in &replay.seen {
        let expected = &clear.iter().find(|known| known.name == step.layer).unwrap().output.data;
        assert_eq!(found.len(), expected.len(), "{} {:?}", step.layer, step.op);
        let worst = found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-9 * step.range.max(1.0), "{} {:?}: worst error {worst:e}", step.layer, step.op);
    }
    assert_eq!(replay.seen.len(), 3 * program.network().activations() + 1);
    let worst = logits.iter().zip(&outcome.logits).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-9, "logits err by {worst:e}");
}

#[test]
fn a_narrow_network_replays_in_slots() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let network = narrow(&mut rng);
    replays(network, &numbers(&mut rng, 3 * 32 * 32), 7);
}

#[test]
fn the_embedded_network_replays_in_slots() {
    let network = ResNet::from_safetensors(datasets::pretrained::RESNET20).unwrap();
    let image = datasets::cifar::embedded_test_sample()[0].normalised();
    replays(network, &image, 59);
}
