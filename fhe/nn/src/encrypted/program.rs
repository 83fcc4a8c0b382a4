//! The network as an encrypted circuit: every layer with its layout, interval and form, and the one loop over them.

use std::sync::Arc;

use fhe_ckks::CkksError;

use super::circuit::{Circuit, Target};
use super::interleave::Interleave;
use super::layout::Layout;
use super::packing::Packing;
use super::placement::{self, BootstrapPlace, Place};
use super::slots::Operand;
use crate::form::Form;
use crate::network::{CLASSIFIER, INPUT_SIDE, Layer, Op, ResNet, Term};
use crate::plain::MessageActivation;

/// A network, a circuit, and the interval of each activation.
#[derive(Clone, Debug)]
pub struct Program {
    network: ResNet,
    circuit: Circuit,
    interleave: Interleave,
    /// Half-width of each activation's interval: values are divided by it while encrypted.
    ranges: Vec<f64>,
    /// The place of each layer's bootstrap.
    places: Vec<Place>,
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
    /// The place of its bootstrap.
    pub place: Place,
    /// The scale of the convolution's result.
    pub scale: f64,
    /// The activation.
    pub(crate) function: Arc<MessageActivation>,
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
    /// The level of the result of a convolution.
    pub end: usize,
    /// The scale of the result of a convolution.
    pub scale: f64,
}

impl StepInfo {
    /// What the step leaves, if it is a convolution.
    pub(super) fn target(&self) -> Target {
        Target { range: self.range, end: self.end }
    }
}

/// An interpreter of a program: it defines a type of values, and how each step makes one.
pub(crate) trait Machine {
    type Value;
    type Error;

    /// Says which values are held between two layers.
    fn holds<'a>(&mut self, _values: impl Iterator<Item = &'a Self::Value>)
    where
        Self::Value: 'a,
    {
    }

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

    /// The activation of values, bootstrapped or at their own size.
    fn activate(
        &mut self,
        step: &StepInfo,
        at: Layout,
        function: &Arc<MessageActivation>,
        x: Self::Value,
    ) -> Result<Self::Value, Self::Error>;

    /// The activation that the bootstrap evaluates. On values at their own size it is an activation like others.
    fn activate_by_bootstrap(
        &mut self,
        step: &StepInfo,
        at: Layout,
        function: &Arc<MessageActivation>,
        x: Self::Value,
    ) -> Result<Self::Value, Self::Error> {
        self.activate(step, at, function, x)
    }

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
        let Self { layout, range, place: Place { end, .. }, scale, .. } = *self;
        StepInfo { layer: layer.to_owned(), op, layout: Some(layout), range, form, end, scale }
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
    /// let circuit = Circuit::new(16, &Approximation::default(), Packing::Fused, None)?;
    /// let ranges = vec![40.0; network.activations()];
    /// let program = Program::new(network, circuit, ranges)?;
    /// assert_eq!((program.layers().len(), program.images()), (19, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the circuit has too few levels for a layer of the network.
    ///
    /// # Panics
    /// If there is not one range for each activation.
    pub fn new(network: ResNet, circuit: Circuit, ranges: Vec<f64>) -> Result<Self, CkksError> {
        assert_eq!(ranges.len(), network.activations(), "one range for each activation");
        let slots = Self::slots_needed(&network, circuit.packing);
        let interleave = circuit.packing.interleave(circuit.max_slots(), slots);
        let layers = network.layers();
        let places = placement::of_network(&circuit, &layers, &layouts(&layers, circuit.packing), interleave)?;
        Ok(Self { network, circuit, interleave, ranges, places })
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
        self.interleave.images()
    }

    /// The arrangement of the images in a ciphertext.
    pub fn interleave(&self) -> Interleave {
        self.interleave
    }

    /// The layout of the image.
    pub fn input_layout(&self) -> Layout {
        self.circuit.packing.layout(self.network.input_channels(), INPUT_SIDE)
    }

    /// The number of slots of the network's widest layer: the ring dimension must be at least twice as large.
    pub fn slots_needed(network: &ResNet, packing: Packing) -> usize {
        layouts(&network.layers(), packing).into_iter().map(Layout::slots).max().unwrap_or(0)
    }

    /// Every layer, planned, in order of evaluation.
    pub fn layers(&self) -> Vec<PlannedLayer<'_>> {
        let layers = self.network.layers();
        let layouts = layouts(&layers, self.circuit.packing);
        let planned = layers.into_iter().zip(&layouts[1..]).zip(&self.ranges).zip(&self.places);
        let planned = planned.map(|(((layer, &layout), &range), &place)| {
            let form = if place.refreshed { Form::Arcsine(self.circuit.sine()) } else { Form::Plain };
            let (function, scale) = match place.bootstrap {
                BootstrapPlace::None => {
                    let scale = self.interleave.scale_before_parts(self.circuit.plain_scale());
                    (self.circuit.plain_activation(), scale)
                }
                _ => (self.circuit.message_activation(form), self.circuit.linear_scale()),
            };
            PlannedLayer { layer, layout, range, form, place, scale, function: function.clone() }
        });
        planned.collect()
    }

    /// The slot counts at which ciphertexts are bootstrapped, in order.
    pub fn slot_counts(&self) -> Vec<usize> {
        let layers = self.layers();
        let bootstrapped = layers.iter().filter(|layer| layer.place.bootstrap != BootstrapPlace::None);
        let mut counts: Vec<usize> = bootstrapped.map(|layer| self.interleave.slots(layer.layout.slots())).collect();
        counts.sort_unstable();
        counts.dedup();
        counts
    }

    /// Evaluates the program: every evaluation under encryption, every plan and every simulation is this loop.
    pub(crate) fn run<M: Machine>(&self, machine: &mut M, image: M::Value) -> Result<M::Value, M::Error> {
        let layers = self.layers();
        let mut values = vec![Some(Held { x: image, at: self.input_layout(), range: 1.0 })];
        for (k, planned) in layers.iter().enumerate() {
            let PlannedLayer { ref layer, layout: at, range, form, place, ref function, .. } = *planned;
            let held = |value: usize| values[value].as_ref().expect("a value is held until its last use");
            let operands = layer.terms.iter().map(|&Term { conv, input }| {
                let Held { x, at, range } = held(input);
                Operand { conv, x, from: *at, range: *range }
            });
            let operands: Vec<_> = operands.collect();
            let identity = layer.identity.map(|value| (&held(value).x, held(value).range));

            let step = planned.step(&layer.name, Op::Convolution, Form::Plain);
            let sum = machine.convolve(&step, at, &operands, identity)?;
            let mut x = match place.bootstrap {
                BootstrapPlace::Before => {
                    let step = planned.step(&layer.name, Op::Bootstrap, Form::Sine(self.circuit.sine()));
                    let fresh = machine.bootstrap(&step, at, sum)?;
                    machine.activate(&planned.step(&layer.activation, Op::Activation, form), at, function, fresh)?
                }
                BootstrapPlace::Within => {
                    let step = planned.step(&layer.activation, Op::Bootstrap, form);
                    machine.activate_by_bootstrap(&step, at, function, sum)?
                }
                BootstrapPlace::None => {
                    machine.activate(&planned.step(&layer.activation, Op::Activation, form), at, function, sum)?
                }
            };
            if place.refreshed {
                x = machine.bootstrap(&planned.step(&layer.activation, Op::Bootstrap, Form::Plain), at, x)?;
            }
            let used_later = |value: usize| layers[k + 1..].iter().any(|later| later.layer.uses(value));
            let used_up = values.iter_mut().enumerate().filter(|&(value, _)| !used_later(value));
            used_up.for_each(|(_, held)| *held = None);
            values.push(Some(Held { x, at, range }));
            machine.holds(values.iter().flatten().map(|held| &held.x));
        }
        let Held { x, at, range } = values.pop().flatten().expect("the last result is held");
        let (layer, op, end) = (CLASSIFIER.to_owned(), Op::Classifier, self.circuit.bootstrap_level());
        let scale = self.circuit.linear_scale();
        let step = StepInfo { layer, op, layout: None, range: 1.0, form: Form::Plain, end, scale };
        machine.classify(&step, &x, at, range)
    }
}

/// The layouts of the image and of every layer's result: of value 0, 1, 2 and so on.
fn layouts(layers: &[Layer<'_>], packing: Packing) -> Vec<Layout> {
    let image = layers.first().map_or(0, |stem| stem.terms[0].conv.in_channels);
    let mut layouts = vec![packing.layout(image, INPUT_SIDE)];
    for layer in layers {
        let Term { conv, input } = layer.terms[0];
        layouts.push(packing.layout(conv.out_channels, layouts[input].side.div_ceil(conv.stride)));
    }
    layouts
}
