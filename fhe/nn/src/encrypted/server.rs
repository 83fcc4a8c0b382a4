//! The server's half: the network on a ciphertext. It holds evaluation keys and weights, and no secret.

use std::collections::BTreeMap;

use fhe_circuits::{Bootstrapper, PolynomialPlan, polynomial};
use fhe_ckks::{Ciphertext, CkksError, EvaluationKeys, Evaluator, KeyRequest, Parameters};
use fhe_ring::Basis;
use serde::{Deserialize, Serialize};

use super::circuit::Circuit;
use super::layout::{self, Layout, SlotMatrix};
use super::matvec::{self, MatVecPlan};
use super::schedule::{Machine, Term};
use crate::network::{Conv, INPUT_CHANNELS, INPUT_SIDE, Linear, ResNet};

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
    /// What the slots were divided by.
    pub range: f64,
}

/// Evaluates a [`Program`] with evaluation keys.
pub struct Server {
    program: Program,
    evaluator: Evaluator,
    bootstrappers: BTreeMap<usize, Bootstrapper>,
    activation: PolynomialPlan,
}

impl Program {
    /// The program for a network whose activations see values within ±`ranges`, in order of evaluation.
    ///
    /// # Panics
    /// If there is not one range for each activation.
    pub fn new(network: ResNet, circuit: Circuit, ranges: Vec<f64>) -> Self {
        assert_eq!(ranges.len(), network.activations(), "one range for each activation");
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
        INPUT
    }

    /// The slots that the network's widest layer takes: the ring dimension must be at least twice as many.
    pub fn slots_needed(network: &ResNet) -> usize {
        convolutions(network).iter().map(|(_, from, to)| from.slots().max(to.slots())).max().unwrap_or(0)
    }

    /// Every convolution with its layouts.
    fn convolutions(&self) -> Vec<(&Conv, Layout, Layout)> {
        convolutions(&self.network)
    }

    /// The slot counts that ciphertexts are bootstrapped at.
    pub(super) fn slot_counts(&self) -> Vec<usize> {
        let mut counts: Vec<usize> = self.convolutions().iter().map(|(_, _, to)| to.slots()).collect();
        counts.sort_unstable();
        counts.dedup();
        counts
    }

    /// The evaluation keys that the program uses, each at the level where it uses it.
    ///
    /// # Errors
    /// A bootstrapping circuit that the parameters cannot hold.
    pub fn request_keys(&self, params: &Parameters) -> Result<KeyRequest, CkksError> {
        let mut request = KeyRequest::default();
        for slots in self.slot_counts() {
            request.merge(&self.circuit.bootstrap(slots).request_keys(params)?);
        }
        request.relinearization(params, self.circuit.activation_level);
        let level = self.circuit.linear_level;
        for (conv, from, to) in self.convolutions() {
            MatVecPlan::new(&layout::convolution(conv, from, to, 1.0)).request_keys(params, level, &mut request);
        }
        let (width, slots) = self.classifier_shape();
        request.rotation(params, 1, level);
        let strides = std::iter::successors(Some(width), |s| Some(2 * s)).take_while(|&s| s < slots);
        strides.for_each(|stride| request.rotation(params, stride as i64, level - 1));
        Ok(request)
    }

    /// Width of the classifier's output and slots of its input.
    fn classifier_shape(&self) -> (usize, usize) {
        let last = self.convolutions().last().expect("a network has convolutions").2;
        (self.network.classifier.out_features.next_power_of_two(), last.slots())
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
        let activation = PolynomialPlan::new(&program.circuit.activation);
        Ok(Self { program, evaluator: Evaluator::new(params, keys), bootstrappers, activation })
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The evaluator, with the keys.
    pub fn evaluator(&self) -> &Evaluator {
        &self.evaluator
    }

    /// Bytes of the encoded bootstrapping constants.
    pub fn constant_bytes(&self) -> usize {
        self.bootstrappers.values().map(Bootstrapper::bytes).sum()
    }

    /// From an encrypted image to encrypted logits, in the first slots. `see` is shown the result of every step; what it
    /// does counts to nobody's time but the caller's.
    ///
    /// # Errors
    /// A missing key, or an input of another level, scale or slot count than [`super::Circuit`] says.
    pub fn evaluate(
        &self,
        image: &Ciphertext,
        see: &mut dyn FnMut(&StepInfo, &Ciphertext),
    ) -> Result<Ciphertext, CkksError> {
        self.program.walk(&mut Evaluation { server: self, see }, image.clone())
    }
}

/// Where the input's values stand.
const INPUT: Layout = Layout { channels: INPUT_CHANNELS, side: INPUT_SIDE };

/// Every convolution with its layouts.
fn convolutions(network: &ResNet) -> Vec<(&Conv, Layout, Layout)> {
    let mut all = Vec::new();
    let mut at = INPUT;
    let add = |conv: &'_ Conv, from: Layout| {
        let to = Layout { channels: conv.out_channels, side: from.side.div_ceil(conv.stride) };
        (from, to)
    };
    let (from, to) = add(&network.stem, at);
    all.push((&network.stem, from, to));
    at = to;
    for block in &network.blocks {
        if let Some(shortcut) = &block.shortcut {
            let (from, to) = add(shortcut, at);
            all.push((shortcut, from, to));
        }
        for conv in [&block.conv1, &block.conv2] {
            let (from, to) = add(conv, at);
            all.push((conv, from, to));
            at = to;
        }
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
        let sum = convolve(&self.server.evaluator, &self.server.program.circuit, terms, identity, to, step.range)?;
        (self.see)(step, &sum);
        Ok(sum)
    }

    fn bootstrap(&mut self, step: &StepInfo, at: Layout, sum: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let fresh = self.server.bootstrappers[&at.slots()].bootstrap(&self.server.evaluator, sum)?;
        (self.see)(step, &fresh);
        Ok(fresh)
    }

    fn activate(&mut self, step: &StepInfo, fresh: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let Server { program, evaluator, activation, .. } = self.server;
        let scale = program.circuit.linear_scale();
        let y = polynomial::evaluate(evaluator, activation, &program.circuit.activation, fresh, scale)?;
        (self.see)(step, &y);
        Ok(y)
    }

    fn classify(&mut self, step: &StepInfo, x: &Ciphertext, from: Layout, range: f64) -> Result<Ciphertext, CkksError> {
        let Server { program, evaluator, .. } = self.server;
        let logits = classify(evaluator, &program.circuit, &program.network.classifier, x, from, range)?;
        (self.see)(step, &logits);
        Ok(logits)
    }
}

/// Σ convₖ(xₖ) [+ identity], divided by `range`, one level lower.
pub(super) fn convolve(
    evaluator: &Evaluator,
    circuit: &Circuit,
    terms: &[Term<'_, Ciphertext>],
    identity: Option<(&Ciphertext, f64)>,
    to: Layout,
    range: f64,
) -> Result<Ciphertext, CkksError> {
    let params = evaluator.params();
    let level = circuit.linear_level;
    let scale = params.prime(level) * circuit.linear_scale() / terms[0].x.scale();
    let mut sum: Option<Ciphertext> = None;
    let mut bias = vec![0.0; to.slots()];
    for term in terms {
        let matrix: SlotMatrix = layout::convolution(term.conv, term.from, to, term.range / range);
        layout::bias(term.conv, to, 1.0 / range).iter().zip(&mut bias).for_each(|(b, sum)| *sum += b);
        let mut x = term.x.clone();
        evaluator.drop_to(&mut x, level);
        let x = with_slots(x, term.from.slots().max(to.slots()));
        let product = matvec::multiply(evaluator, &MatVecPlan::new(&matrix), &matrix, &x, scale)?;
        let product = with_slots(product, to.slots());
        match &mut sum {
            None => sum = Some(product),
            Some(sum) => evaluator.add_assign(sum, &product)?,
        }
    }
    let mut sum = sum.expect("at least one term");
    if let Some((x, range_in)) = identity {
        evaluator.add_assign(&mut sum, &evaluator.multiply_constant(x, range_in / range, scale))?;
    }
    let sum = evaluator.rescale(sum)?;
    let bias = params.encode_real(&bias, sum.scale(), sum.basis())?;
    evaluator.add_plain(&sum, &bias)
}

/// Average pooling and the classifier.
pub(super) fn classify(
    evaluator: &Evaluator,
    circuit: &Circuit,
    classifier: &Linear,
    x: &Ciphertext,
    from: Layout,
    range: f64,
) -> Result<Ciphertext, CkksError> {
    let params = evaluator.params();
    let diagonals = layout::pooled_classifier(classifier, from, range);
    let width = diagonals.len();
    let scale = params.prime(circuit.linear_level);
    // Σ_j diagonal_j ⊙ rotate(x, j) by Horner's rule, with one key: the diagonals are rotated back instead.
    let mut products: Option<Ciphertext> = None;
    for (j, mut diagonal) in diagonals.into_iter().enumerate().rev() {
        diagonal.rotate_right(j);
        let diagonal = params.encode_real(&diagonal, scale, x.basis())?;
        let term = evaluator.multiply_plain(x, &diagonal)?;
        products = Some(match products {
            None => term,
            Some(sum) => evaluator.add(&evaluator.rotate(&sum, 1)?, &term)?,
        });
    }
    let products = evaluator.rescale(products.expect("a classifier has outputs"))?;
    let sums = evaluator.inner_sum(&products, width as i64, x.slots() / width)?;
    let mut bias = classifier.bias.clone();
    bias.resize(width, 0.0);
    let bias = params.encode_real(&bias, sums.scale(), Basis::main(sums.level() + 1))?;
    evaluator.add_plain(&sums, &bias)
}

/// The same ciphertext read as another number of slots, of which one divides the other.
fn with_slots(x: Ciphertext, slots: usize) -> Ciphertext {
    let scale = x.scale();
    Ciphertext::from_parts(x.into_parts(), scale, slots)
}
