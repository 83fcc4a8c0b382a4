//! Whole networks replayed in the clear: the encoded circuit against the plaintext model, without encryption.

use std::sync::Arc;

use fhe_ckks::CkksError;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::layout::Layout;
use super::linear;
use super::program::Machine;
use super::slots::{Clear, ClearSlots, Operand};
use super::*;
use crate::network::{Block, Conv, Linear};
use crate::plain::{MessageActivation, Step};
use crate::{ResNet, ranges};

/// The interpreter on numbers. Each step is compared with that of the plaintext model.
struct Replay<'a> {
    program: &'a Program,
    expected: &'a [Step],
    /// Number of bootstraps so far.
    bootstraps: usize,
}

impl Replay<'_> {
    fn check(&self, step: &StepInfo, found: &ClearSlots) {
        let expected = &self.expected.iter().find(|known| known.name == step.layer).unwrap().output.data;
        let found = match step.layout {
            Some(layout) => layout.unpack(&found.slots),
            None => found.slots[..expected.len()].to_vec(),
        };
        for (found, expected) in found.into_iter().zip(expected) {
            let error = (step.form.value(found) * step.range - expected).abs() / step.range.max(1.0);
            assert!(error < 1e-9, "{} {:?}: off by {error:e} of the range", step.layer, step.op);
        }
    }
}

impl Machine for Replay<'_> {
    type Value = ClearSlots;
    type Error = CkksError;

    fn convolve(
        &mut self,
        step: &StepInfo,
        to: Layout,
        operands: &[Operand<'_, ClearSlots>],
        identity: Option<(&ClearSlots, f64)>,
    ) -> Result<ClearSlots, CkksError> {
        let sum = linear::convolve(&mut Clear, self.program.circuit(), operands, identity, to, step.target())?;
        self.check(step, &sum);
        Ok(sum)
    }

    fn bootstrap(&mut self, step: &StepInfo, at: Layout, sum: ClearSlots) -> Result<ClearSlots, CkksError> {
        let circuit = self.program.circuit();
        assert!(sum.level >= circuit.bootstrap_level() && sum.slots.len() == at.slots());
        let slots = sum.slots.iter().map(|&v| circuit.sine().of(v)).collect();
        let fresh = ClearSlots { slots, level: circuit.activation_level, products: 0 };
        self.bootstraps += 1;
        self.check(step, &fresh);
        Ok(fresh)
    }

    fn activate(
        &mut self,
        step: &StepInfo,
        _: Layout,
        function: &Arc<MessageActivation>,
        x: ClearSlots,
    ) -> Result<ClearSlots, CkksError> {
        let approximant = function.approximant();
        let slots = x.slots.iter().map(|&v| approximant.value(v)).collect();
        let y = ClearSlots { slots, level: x.level - approximant.depth(), products: 0 };
        self.check(step, &y);
        Ok(y)
    }

    fn activate_by_bootstrap(
        &mut self,
        step: &StepInfo,
        at: Layout,
        function: &Arc<MessageActivation>,
        x: ClearSlots,
    ) -> Result<ClearSlots, CkksError> {
        let circuit = self.program.circuit();
        assert!(x.level >= circuit.bootstrap_level() && x.slots.len() == at.slots());
        self.bootstraps += 1;
        let fresh = ClearSlots { level: circuit.activation_level, ..x };
        self.activate(step, at, function, fresh)
    }

    fn classify(&mut self, step: &StepInfo, x: &ClearSlots, from: Layout, range: f64) -> Result<ClearSlots, CkksError> {
        let classifier = &self.program.network().classifier;
        let logits = linear::classify(&mut Clear, self.program.circuit(), classifier, x, from, range)?;
        self.check(step, &logits);
        Ok(logits)
    }
}

/// Replays an image with polynomials of `degree` in the wide profile, and returns the number of bootstraps in each of
/// `packings`.
pub(super) fn replay(
    network: &ResNet,
    degree: usize,
    image: &[f64],
    ranges: &[f64],
    packings: &[Packing],
) -> Vec<usize> {
    let circuits = packings.iter().map(|&packing| Circuit::insecure(16, degree, packing));
    circuits.map(|circuit| replay_in(circuit, network, image, ranges)).collect()
}

/// Replays an image in a circuit, and returns the number of bootstraps.
fn replay_in(circuit: Circuit, network: &ResNet, image: &[f64], ranges: &[f64]) -> usize {
    let program = Program::new(network.clone(), circuit, ranges.to_vec()).unwrap();
    let (_, expected) = network.trace(image, &program.clear_activation());
    let input = program.input_layout();
    let start = ClearSlots { slots: input.pack(image), level: program.circuit().linear_level, products: 0 };
    let mut machine = Replay { program: &program, expected: &expected, bootstraps: 0 };
    program.run(&mut machine, start).unwrap();
    machine.bootstraps
}

#[test]
fn resnet_20_is_the_plaintext_model_in_every_packing() {
    let network = ResNet::from_safetensors(datasets::pretrained::RESNET20).unwrap();
    let card = ranges::ModelCard::from_json(datasets::pretrained::RESNET20_CARD).unwrap();
    let ranges: Vec<f64> = card.intervals(&network, 1.05).unwrap().iter().map(|interval| interval.hi).collect();
    let image = datasets::cifar::embedded_test_sample()[0].normalised();
    let bootstraps = replay(&network, 59, &image, &ranges, Packing::ALL);
    for (&packing, bootstraps) in Packing::ALL.iter().zip(bootstraps) {
        // One for each activation; the circuit of the paper bootstraps before each stride as well.
        assert_eq!(bootstraps, if packing == Packing::Vector { 21 } else { 19 }, "{packing}");
    }
}

/// A network with random weights and `blocks` blocks in each of three stages. Shapes change with and without a stride.
fn random(rng: &mut ChaCha20Rng, blocks: usize, width: usize, kernel: usize) -> ResNet {
    let mut conv = |in_channels: usize, out_channels: usize, kernel: usize, stride: usize| {
        let mut numbers = |count: usize| (0..count).map(|_| rng.random_range(-0.3..0.3)).collect::<Vec<f64>>();
        let weight = numbers(out_channels * in_channels * kernel * kernel);
        Conv { out_channels, in_channels, kernel, stride, weight, bias: numbers(out_channels) }
    };
    let stem = conv(3, width, kernel, 1);
    let mut channels = width;
    let mut all = Vec::new();
    for stage in 0..3 {
        for block in 0..blocks {
            // The first stage begins with a projection that keeps the size.
            let (inp, out) = (channels, (width << stage) + 1);
            let stride = if block == 0 && stage > 0 { 2 } else { 1 };
            let shortcut = (inp != out).then(|| conv(inp, out, 1, stride));
            all.push(Block {
                conv1: conv(inp, out, kernel, stride),
                conv2: conv(out, out, kernel, 1),
                shortcut,
                stride,
            });
            channels = out;
        }
    }
    let Conv { weight, bias, .. } = conv(channels, 10, 1, 1);
    ResNet { stem, blocks: all, classifier: Linear { out_features: 10, in_features: channels, weight, bias } }
}

#[test]
fn any_depth_width_and_kernel_is_the_plaintext_model_in_every_packing() {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    for (blocks, width, kernel, degree) in [(1, 2, 3, 3), (2, 3, 5, 7), (3, 1, 1, 27)] {
        let network = random(&mut rng, blocks, width, kernel);
        let image: Vec<f64> = (0..3 * 32 * 32).map(|_| rng.random_range(-1.0..1.0)).collect();
        let ranges: Vec<f64> =
            ranges::observe(&network, &[()], |()| image.clone()).iter().map(|range| 1.5 * range).collect();
        let bootstraps = replay(&network, degree, &image, &ranges, Packing::ALL);
        assert!(bootstraps.iter().all(|&count| count >= network.activations()));
    }
}

/// The interpreter asserts that every value has the levels for its steps, so three rounds also show that inputs of blocks
/// keep theirs.
#[test]
fn several_rounds_to_a_bootstrap_are_the_plaintext_model_in_every_packing() {
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let network = random(&mut rng, 3, 2, 3);
    let image: Vec<f64> = (0..3 * 32 * 32).map(|_| rng.random_range(-1.0..1.0)).collect();
    let ranges: Vec<f64> =
        ranges::observe(&network, &[()], |()| image.clone()).iter().map(|range| 1.5 * range).collect();
    for relu in ["chebyshev:7", "minimax:15", "square"] {
        for &packing in Packing::ALL {
            let bootstraps = [1, 2, 3].map(|rounds| {
                // Squares take the values of this network out of their intervals. At this ratio their sines still
                // determine them.
                let profile = Profile { rounds, message_ratio: 128.0, ..Profile::wide() };
                let circuit = Circuit::insecure_in(profile, 16, &relu.parse().unwrap(), packing);
                replay_in(circuit, &network, &image, &ranges)
            });
            println!("{relu}, {packing}: {bootstraps:?} bootstraps with one, two and three rounds");
            assert!(bootstraps[0] > bootstraps[1] && bootstraps[1] >= bootstraps[2], "{relu}, {packing}");
        }
    }
}
