//! The network as an encrypted circuit: every layer with its layout, interval and form, and the one loop over them.

use super::circuit::Circuit;
use super::interleave::Interleave;
use super::layout::Layout;
use super::packing::Packing;
use super::slots::Operand;
use crate::form::Form;
use crate::network::{CLASSIFIER, INPUT_CHANNELS, INPUT_SIDE, Layer, Op, ResNet, Term};

/// A network, a circuit, and the interval of each activation.
#[derive(Clone, Debug)]
pub struct Program {
    network: ResNet,
    circuit: Circuit,
    interleave: Interleave,
    /// Half-width of each activation's interval: values are divided by it while encrypted.
    ranges: Vec<f64>,
}

/// A layer under encryption.
#[derive(Clone, Debug)]
pub struct PlannedLayer<'a> {
    /// The layer.
    pub layer: Layer<'a>,
    /// The layout of its result.
    pub layout: Layout,
    /// Half-width of the activation's interval: the divisor of the layer's values.
    pub range: f64,
    /// The form in which the activation leaves its values: arcsines if they are bootstrapped next.
    pub form: Form,
    /// Whether the result is bootstrapped once more, for a layer that needs the levels.
    pub refreshed: bool,
}

/// A step of the evaluation, with everything that the holder of the secret needs to read its result.
#[derive(Clone, Debug)]
pub struct StepInfo {
    /// PyTorch's name of the layer.
    pub layer: String,
    /// The operation.
    pub op: Op,
    /// The layout of the result; `None` for the classifier, whose outputs are the first slots.
    pub layout: Option<Layout>,
    /// The divisor of the values.
    pub range: f64,
    /// The form in which slots hold the values.
    pub form: Form,
}

/// An interpreter of a program: it defines a type of values, and how each step makes one.
pub(crate) trait Machine {
    type Value;
    type Error;

    /// Σ convₖ(xₖ) [+ identity], divided by the step's range; the identity comes with the divisor of its values.
    fn convolve(
        &mut self,
        step: &StepInfo,
        to: Layout,
        operands: &[Operand<'_, Self::Value>],
        identity: Option<(&Self::Value, f64)>,
    ) -> Result<Self::Value, Self::Error>;

    /// The values bootstrapped: of a convolution, or of an activation before a layer that needs the levels.
    fn bootstrap(&mut self, step: &StepInfo, at: Layout, x: Self::Value) -> Result<Self::Value, Self::Error>;

    /// The activation of bootstrapped values.
    fn activate(&mut self, step: &StepInfo, at: Layout, fresh: Self::Value) -> Result<Self::Value, Self::Error>;

    /// The average over each channel and the classifier, on values that were divided by `range`.
    fn classify(
        &mut self,
        step: &StepInfo,
        x: &Self::Value,
        from: Layout,
        range: f64,
    ) -> Result<Self::Value, Self::Error>;
}

/// The result of a layer, or the image.
struct Held<V> {
    x: V,
    at: Layout,
    range: f64,
}

impl PlannedLayer<'_> {
    fn step(&self, layer: &str, op: Op, form: Form) -> StepInfo {
        StepInfo { layer: layer.to_owned(), op, layout: Some(self.layout), range: self.range, form }
    }
}

impl Program {
    /// The program for a network whose activations see values within ±`ranges`, in order of evaluation. A packing for
    /// several images gets as many of them into a ciphertext as the ring has slots for.
    ///
    /// ```
    /// use fhe_nn::encrypted::{Circuit, Packing, Program};
    /// use fhe_nn::{Approximation, ResNet};
    ///
    /// let network = ResNet::from_safetensors(datasets::pretrained::RESNET20)?;
    /// let circuit = Circuit::new(16, &Approximation::default(), Packing::Fused)?;
    /// let ranges = vec![40.0; network.activations()];
    /// let program = Program::new(network, circuit, ranges);
    /// assert_eq!((program.layers().len(), program.images()), (19, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// If there is not one range for each activation.
    pub fn new(network: ResNet, circuit: Circuit, ranges: Vec<f64>) -> Self {
        assert_eq!(ranges.len(), network.activations(), "one range for each activation");
        let slots = Self::slots_needed(&network, circuit.packing);
        let interleave = Interleave { images: circuit.packing.images(circuit.max_slots(), slots) };
        Self { network, circuit, interleave, ranges }
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

    /// Number of images in a ciphertext.
    pub fn images(&self) -> usize {
        self.interleave.images
    }

    /// The arrangement of the images in a ciphertext.
    pub fn interleave(&self) -> Interleave {
        self.interleave
    }

    /// The layout of the image.
    pub fn input_layout(&self) -> Layout {
        self.circuit.packing.layout(INPUT_CHANNELS, INPUT_SIDE)
    }

    /// The number of slots of the network's widest layer: the ring dimension must be at least twice as large.
    pub fn slots_needed(network: &ResNet, packing: Packing) -> usize {
        layouts(&network.layers(), packing).into_iter().map(Layout::slots).max().unwrap_or(0)
    }

    /// Every layer, planned, in order of evaluation.
    pub fn layers(&self) -> Vec<PlannedLayer<'_>> {
        let (layers, packing) = (self.network.layers(), self.circuit.packing);
        let layouts = layouts(&layers, packing);
        let needs_levels = |value: usize| {
            let mut terms = layers.iter().flat_map(|layer| &layer.terms);
            terms.any(|term| term.input == value && packing.refreshes(term.conv.stride))
        };
        let refreshed: Vec<bool> = (1..=layers.len()).map(needs_levels).collect();
        let planned = layers.into_iter().zip(&layouts[1..]).zip(&self.ranges).zip(refreshed);
        let planned = planned.map(|(((layer, &layout), &range), refreshed)| {
            let form = if refreshed { Form::Arcsine(self.circuit.sine()) } else { Form::Plain };
            PlannedLayer { layer, layout, range, form, refreshed }
        });
        planned.collect()
    }

    /// The slot counts at which ciphertexts are bootstrapped, in order.
    pub fn slot_counts(&self) -> Vec<usize> {
        let layers = self.layers();
        let mut counts: Vec<usize> = layers.iter().map(|layer| self.interleave.slots(layer.layout.slots())).collect();
        counts.sort_unstable();
        counts.dedup();
        counts
    }

    /// Evaluates the program: every evaluation under encryption, every plan and every simulation is this loop.
    pub(crate) fn run<M: Machine>(&self, machine: &mut M, image: M::Value) -> Result<M::Value, M::Error> {
        let layers = self.layers();
        let mut values = vec![Some(Held { x: image, at: self.input_layout(), range: 1.0 })];
        for (k, planned) in layers.iter().enumerate() {
            let PlannedLayer { ref layer, layout: at, range, form, refreshed } = *planned;
            let held = |value: usize| values[value].as_ref().expect("a value is held until its last use");
            let operands = layer.terms.iter().map(|&Term { conv, input }| {
                let Held { x, at, range } = held(input);
                Operand { conv, x, from: *at, range: *range }
            });
            let operands: Vec<_> = operands.collect();
            let identity = layer.identity.map(|value| (&held(value).x, held(value).range));

            let step = planned.step(&layer.name, Op::Convolution, Form::Plain);
            let sum = machine.convolve(&step, at, &operands, identity)?;
            let step = planned.step(&layer.name, Op::Bootstrap, Form::Sine(self.circuit.sine()));
            let fresh = machine.bootstrap(&step, at, sum)?;
            let step = planned.step(&layer.activation, Op::Activation, form);
            let mut x = machine.activate(&step, at, fresh)?;
            if refreshed {
                x = machine.bootstrap(&planned.step(&layer.activation, Op::Bootstrap, Form::Plain), at, x)?;
            }
            let used_later = |value: usize| layers[k + 1..].iter().any(|later| later.layer.uses(value));
            let used_up = values.iter_mut().enumerate().filter(|&(value, _)| !used_later(value));
            used_up.for_each(|(_, held)| *held = None);
            values.push(Some(Held { x, at, range }));
        }
        let Held { x, at, range } = values.pop().flatten().expect("the last result is held");
        let step =
            StepInfo { layer: CLASSIFIER.to_owned(), op: Op::Classifier, layout: None, range: 1.0, form: Form::Plain };
        machine.classify(&step, &x, at, range)
    }
}

/// The layouts of the image and of every layer's result: of value 0, 1, 2 and so on.
fn layouts(layers: &[Layer<'_>], packing: Packing) -> Vec<Layout> {
    let mut layouts = vec![packing.layout(INPUT_CHANNELS, INPUT_SIDE)];
    for layer in layers {
        let Term { conv, input } = layer.terms[0];
        layouts.push(packing.layout(conv.out_channels, layouts[input].side.div_ceil(conv.stride)));
    }
    layouts
}
