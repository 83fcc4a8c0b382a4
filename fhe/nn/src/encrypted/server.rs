//! The server's half: the network on a ciphertext. It holds evaluation keys and weights, and no secret.

use std::collections::BTreeMap;

use fhe_circuits::Bootstrapper;
use fhe_ckks::{Ciphertext, CkksError, EvaluationKeys, Evaluator, Parameters};
use serde::{Deserialize, Serialize};

use super::circuit::Circuit;
use super::layers;
use super::layout::Layout;
use super::packing::{Encrypted, Packing};
use super::schedule::{Machine, Term};
use crate::form::Form;
use crate::network::{Conv, INPUT_CHANNELS, INPUT_SIDE, ResNet};

/// The network as an encrypted circuit: what to compute, and which keys that takes.
#[derive(Clone)]
pub struct Program {
    network: ResNet,
    circuit: Circuit,
    /// Half-width of each activation's interval: values are divided by it while encrypted.
    ranges: Vec<f64>,
}

/// A step of the evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// A convolution, with the shortcut added where it ends a block.
    Convolution,
    /// A bootstrap.
    Bootstrap,
    /// An activation.
    Activation,
    /// The average over each channel and the classifier.
    Classifier,
}

/// Where a step's result stands: for whoever holds the secret and wants to look.
#[derive(Clone, Debug)]
pub struct StepInfo {
    /// PyTorch's name of the layer.
    pub layer: String,
    /// What was done.
    pub op: Op,
    /// How the values stand in the slots; `None` for the classifier, whose outputs are the first slots.
    pub layout: Option<Layout>,
    /// What the values were divided by.
    pub range: f64,
    /// In what form the slots hold them.
    pub form: Form,
}

/// Evaluates a [`Program`] with evaluation keys.
pub struct Server {
    program: Program,
    evaluator: Evaluator,
    bootstrappers: BTreeMap<usize, Bootstrapper>,
}

impl Program {
    /// The program for a network whose activations see values within ±`ranges`, in order of evaluation.
    ///
    /// # Panics
    /// If there is not one range for each activation.
    pub fn new(network: ResNet, mut circuit: Circuit, ranges: Vec<f64>) -> Self {
        assert_eq!(ranges.len(), network.activations(), "one range for each activation");
        let slots = Self::slots_needed(&network, circuit.packing);
        circuit.images = circuit.packing.images(circuit.max_slots(), slots);
        Self { network, circuit, ranges }
    }

    /// The circuit.
    pub fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    /// The network.
    pub fn network(&self) -> &ResNet {
        &self.network
    }

    /// Half-width of each activation's interval.
    pub fn ranges(&self) -> &[f64] {
        &self.ranges
    }

    /// Where the input's values stand.
    pub fn input_layout(&self) -> Layout {
        self.circuit.packing.layout(INPUT_CHANNELS, INPUT_SIDE)
    }

    /// The slots that the network's widest layer takes: the ring dimension must be at least twice as many.
    pub fn slots_needed(network: &ResNet, packing: Packing) -> usize {
        let widest = |(_, from, to): &(&Conv, Layout, Layout)| from.slots().max(to.slots());
        convolutions(network, packing).iter().map(widest).max().unwrap_or(0)
    }

    /// The slot counts that ciphertexts are bootstrapped at.
    pub(super) fn slot_counts(&self) -> Vec<usize> {
        let convolutions = convolutions(&self.network, self.circuit.packing);
        let mut counts: Vec<usize> = convolutions.iter().map(|(_, _, to)| self.circuit.images * to.slots()).collect();
        counts.sort_unstable();
        counts.dedup();
        counts
    }
}

impl Server {
    /// Encodes the constants of the bootstrapping circuits.
    ///
    /// # Errors
    /// A bootstrapping circuit that the parameters cannot hold.
    pub fn new(program: Program, params: &Parameters, keys: EvaluationKeys) -> Result<Self, CkksError> {
        let bootstrappers = program
            .slot_counts()
            .into_iter()
            .map(|slots| Ok((slots, Bootstrapper::new(params, program.circuit.bootstrap(slots))?)))
            .collect::<Result<_, CkksError>>()?;
        Ok(Self { program, evaluator: Evaluator::new(params, keys), bootstrappers })
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The evaluator, with the keys.
    pub fn evaluator(&self) -> &Evaluator {
        &self.evaluator
    }

    fn slots(&self) -> Encrypted<'_> {
        Encrypted { evaluator: &self.evaluator, circuit: &self.program.circuit }
    }

    /// Bytes of the encoded bootstrapping constants.
    pub fn constant_bytes(&self) -> usize {
        self.bootstrappers.values().map(Bootstrapper::bytes).sum()
    }

    /// From the encrypted images of a ciphertext to their encrypted logits, in the first slots. `see` is shown the result of every step; what it
    /// does counts to nobody's time but the caller's.
    ///
    /// # Errors
    /// A missing key, or an input of another level, scale or slot count than [`super::Circuit`] says.
    pub fn evaluate(
        &self,
        image: &Ciphertext,
        see: &mut dyn FnMut(&StepInfo, &Ciphertext),
    ) -> Result<Ciphertext, CkksError> {
        self.check(image)?;
        self.program.walk(&mut Evaluation { server: self, see }, image.clone())
    }
}

impl Server {
    fn check(&self, image: &Ciphertext) -> Result<(), CkksError> {
        let operation = "classification";
        let circuit = &self.program.circuit;
        let (found, wanted) = (image.level(), circuit.linear_level);
        if found < wanted {
            return Err(CkksError::LevelTooLow { operation, found, wanted });
        }
        CkksError::check_slots(operation, circuit.images * self.program.input_layout().slots(), image.slots())?;
        CkksError::check_scales(operation, circuit.linear_scale(), image.scale())
    }
}

/// Every convolution with its layouts.
fn convolutions(network: &ResNet, packing: Packing) -> Vec<(&Conv, Layout, Layout)> {
    let mut all = Vec::new();
    let mut at = packing.layout(INPUT_CHANNELS, INPUT_SIDE);
    let after = |conv: &Conv, from: Layout| packing.layout(conv.out_channels, from.side.div_ceil(conv.stride));
    let blocks = network.blocks.iter().flat_map(|block| [&block.conv1, &block.conv2]);
    let shortcuts =
        std::iter::once(None).chain(network.blocks.iter().flat_map(|block| [block.shortcut.as_ref(), None]));
    for (conv, shortcut) in std::iter::once(&network.stem).chain(blocks).zip(shortcuts) {
        all.extend(shortcut.map(|shortcut| (shortcut, at, after(shortcut, at))));
        all.push((conv, at, after(conv, at)));
        at = after(conv, at);
    }
    all
}

/// The walk on ciphertexts.
struct Evaluation<'a> {
    server: &'a Server,
    see: &'a mut dyn FnMut(&StepInfo, &Ciphertext),
}

impl Machine for Evaluation<'_> {
    type Value = Ciphertext;
    type Error = CkksError;

    fn convolve(
        &mut self,
        step: &StepInfo,
        to: Layout,
        terms: &[Term<'_, Ciphertext>],
        identity: Option<(&Ciphertext, f64)>,
    ) -> Result<Ciphertext, CkksError> {
        let (mut slots, circuit) = (self.server.slots(), &self.server.program.circuit);
        let sum = layers::convolve(&mut slots, circuit, terms, identity, to, step.range)?;
        (self.see)(step, &sum);
        Ok(sum)
    }

    fn bootstrap(&mut self, step: &StepInfo, at: Layout, sum: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let slots = self.server.program.circuit.images * at.slots();
        let fresh = self.server.bootstrappers[&slots].bootstrap(&self.server.evaluator, sum)?;
        (self.see)(step, &fresh);
        Ok(fresh)
    }

    fn activate(&mut self, step: &StepInfo, fresh: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let Server { program, evaluator, .. } = self.server;
        let circuit = &program.circuit;
        let y = circuit.activation_to(step.form).evaluate(evaluator, fresh, circuit.linear_scale())?;
        (self.see)(step, &y);
        Ok(y)
    }

    fn classify(&mut self, step: &StepInfo, x: &Ciphertext, from: Layout, range: f64) -> Result<Ciphertext, CkksError> {
        let Program { network, circuit, .. } = &self.server.program;
        let logits = layers::classify(&mut self.server.slots(), circuit, &network.classifier, x, from, range)?;
        (self.see)(step, &logits);
        Ok(logits)
    }
}
