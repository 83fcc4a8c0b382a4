//! The network's encrypted steps: one walk, taken by the server on ciphertexts and here on levels and scales alone.

use std::collections::BTreeMap;

use fhe_circuits::BootstrapCost;
use fhe_ckks::{CkksError, KeyRequest, Parameters};

use super::layers;
use super::layout::Layout;
use super::packing::Count;
use super::server::{Op, Program, StepInfo};
use crate::form::Form;
use crate::network::Conv;

/// A convolution with the values it takes.
pub(super) struct Term<'a, V> {
    pub conv: &'a Conv,
    pub x: &'a V,
    pub from: Layout,
    /// What the values were divided by.
    pub range: f64,
}

/// What can take the walk: it says what a value is and how each step makes one.
pub(super) trait Machine {
    type Value;
    type Error;

    /// Σ convₖ(xₖ) [+ identity times its factor], divided by the step's range.
    fn convolve(
        &mut self,
        step: &StepInfo,
        to: Layout,
        terms: &[Term<'_, Self::Value>],
        identity: Option<(&Self::Value, f64)>,
    ) -> Result<Self::Value, Self::Error>;

    fn bootstrap(&mut self, step: &StepInfo, at: Layout, sum: &Self::Value) -> Result<Self::Value, Self::Error>;

    fn activate(&mut self, step: &StepInfo, fresh: &Self::Value) -> Result<Self::Value, Self::Error>;

    /// The average over each channel and the classifier, on values that were divided by `range`.
    fn classify(
        &mut self,
        step: &StepInfo,
        x: &Self::Value,
        from: Layout,
        range: f64,
    ) -> Result<Self::Value, Self::Error>;
}

/// Where a walk is.
struct Walk<'a, M> {
    machine: &'a mut M,
    /// Names of convolutions and activations still to come.
    names: std::vec::IntoIter<String>,
    program: &'a Program,
    /// Activations so far.
    activations: usize,
}

/// The values after an activation.
struct Activated<V> {
    x: V,
    at: Layout,
    range: f64,
    /// The activation's name.
    name: String,
}

impl<V> Activated<V> {
    fn through<'a>(&'a self, conv: &'a Conv) -> Term<'a, V> {
        Term { conv, x: &self.x, from: self.at, range: self.range }
    }
}

impl<M: Machine> Walk<'_, M> {
    /// A convolution, the bootstrap of its result, and the activation.
    fn layer(
        &mut self,
        terms: &[Term<'_, M::Value>],
        identity: Option<&Activated<M::Value>>,
    ) -> Result<Activated<M::Value>, M::Error> {
        let Term { conv, from, .. } = terms[0];
        let at = self.program.circuit().packing.layout(conv.out_channels, from.side.div_ceil(conv.stride));
        let index = self.activations;
        self.activations += 1;
        let range = self.program.ranges()[index];
        let mut next = || self.names.next().expect("as many names as steps");
        let (conv, name) = (next(), next());
        let step = |layer: &str, op, form| StepInfo { layer: layer.to_owned(), op, layout: Some(at), range, form };
        let sum = self.machine.convolve(
            &step(&conv, Op::Convolution, Form::Plain),
            at,
            terms,
            identity.map(|identity| (&identity.x, identity.range)),
        )?;
        let sine = Form::Sine(self.program.circuit().sine());
        let fresh = self.machine.bootstrap(&step(&conv, Op::Bootstrap, sine), at, &sum)?;
        let x = self.machine.activate(&step(&name, Op::Activation, self.program.form(index)), &fresh)?;
        Ok(Activated { x, at, range, name })
    }

    /// The same values at the level of a fresh bootstrap: their activation has left the arcsine for it.
    fn refresh(&mut self, y: Activated<M::Value>) -> Result<Activated<M::Value>, M::Error> {
        let Activated { x, at, range, name } = y;
        let form = Form::Plain;
        let step = StepInfo { layer: name.clone(), op: Op::Bootstrap, layout: Some(at), range, form };
        let x = self.machine.bootstrap(&step, at, &x)?;
        Ok(Activated { x, at, range, name })
    }
}

impl Program {
    /// Takes a machine through the network.
    pub(super) fn walk<M: Machine>(&self, machine: &mut M, image: M::Value) -> Result<M::Value, M::Error> {
        let network = self.network();
        let names: Vec<String> = network.steps().into_iter().map(|(name, _)| name).collect();
        let mut walk = Walk { machine, names: names.into_iter(), program: self, activations: 0 };
        let image = Activated { x: image, at: self.input_layout(), range: 1.0, name: String::new() };
        let mut x = walk.layer(&[image.through(&network.stem)], None)?;
        for block in &network.blocks {
            if self.circuit().packing.refreshes(block.stride) {
                x = walk.refresh(x)?;
            }
            let y = walk.layer(&[x.through(&block.conv1)], None)?;
            x = match &block.shortcut {
                None => walk.layer(&[y.through(&block.conv2)], Some(&x))?,
                Some(shortcut) => walk.layer(&[y.through(&block.conv2), x.through(shortcut)], None)?,
            };
        }
        let (op, form) = (Op::Classifier, Form::Plain);
        let step = StepInfo { layer: "fc".to_owned(), op, layout: None, range: 1.0, form };
        walk.machine.classify(&step, &x.x, x.at, x.range)
    }

    /// In what form an activation leaves its values: as arcsines where they are bootstrapped next.
    pub fn form(&self, activation: usize) -> Form {
        // Activation 0 is the stem's, and 2i the last of block i − 1.
        let next = self.network().blocks.get(activation / 2).filter(|_| activation.is_multiple_of(2));
        match next {
            Some(block) if self.circuit().packing.refreshes(block.stride) => Form::Arcsine(self.circuit().sine()),
            _ => Form::Plain,
        }
    }

    /// Every step that [`super::Server::evaluate`] will report, with what it costs.
    ///
    /// # Errors
    /// Parameters that cannot hold the circuit: too few slots or levels.
    pub fn schedule(&self, params: &Parameters) -> Result<Vec<ScheduledStep>, CkksError> {
        Ok(self.plan(params)?.steps)
    }

    /// The evaluation keys that the program uses, each at the level where it uses it.
    ///
    /// # Errors
    /// Parameters that cannot hold the circuit: too few slots or levels.
    pub fn request_keys(&self, params: &Parameters) -> Result<KeyRequest, CkksError> {
        let mut request = self.plan(params)?.request;
        for slots in self.slot_counts() {
            request.merge(&self.circuit().bootstrap(slots).request_keys(params)?);
        }
        request.relinearization(params, self.circuit().activation_level);
        Ok(request)
    }

    /// The walk on levels alone.
    pub(super) fn plan<'a>(&'a self, params: &'a Parameters) -> Result<Planner<'a>, CkksError> {
        let bootstraps = self
            .slot_counts()
            .into_iter()
            .map(|slots| Ok((slots, self.circuit().bootstrap(slots).cost(params)?)))
            .collect::<Result<_, CkksError>>()?;
        let mut planner = Planner {
            program: self,
            params,
            bootstraps,
            counted: BTreeMap::new(),
            steps: Vec::new(),
            request: KeyRequest::default(),
            bytes: 0,
            encoded: 0,
        };
        let circuit = self.circuit();
        let image = Shadow { level: circuit.linear_level, scale: circuit.linear_scale() };
        self.walk(&mut planner, image)?;
        Ok(planner)
    }
}

/// A step of the evaluation before it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduledStep {
    /// PyTorch's name of the layer.
    pub layer: String,
    /// What is done.
    pub op: Op,
    /// Level of the result.
    pub level: usize,
    /// Scale of the result.
    pub scale: f64,
    /// Slots of the result.
    pub slots: usize,
    /// Rotations that share a decomposition with others.
    pub hoisted: usize,
    /// Rotations, conjugations and switches of the secret with a decomposition of their own.
    pub full: usize,
    /// Relinearizations.
    pub relinearizations: usize,
}

/// What is known of a ciphertext before there is one.
#[derive(Clone, Copy)]
pub(super) struct Shadow {
    level: usize,
    scale: f64,
}

/// The walk without ciphertexts.
pub(super) struct Planner<'a> {
    program: &'a Program,
    params: &'a Parameters,
    bootstraps: BTreeMap<usize, BootstrapCost>,
    /// Level and rotations by what decides them: convolutions of one shape on the same levels take the same.
    counted: BTreeMap<Vec<[usize; 6]>, (usize, [usize; 3])>,
    steps: Vec<ScheduledStep>,
    /// The keys of linear layers.
    request: KeyRequest,
    /// The most bytes of ciphertexts that a linear layer holds.
    pub(super) bytes: usize,
    /// The most bytes of encoded diagonals of a linear layer.
    pub(super) encoded: usize,
}

impl Planner<'_> {
    fn push(
        &mut self,
        step: &StepInfo,
        x: Shadow,
        slots: usize,
        [hoisted, full, relinearizations]: [usize; 3],
    ) -> Shadow {
        let slots = self.program.circuit().images * slots;
        let (layer, op) = (step.layer.clone(), step.op);
        let Shadow { level, scale } = x;
        self.steps.push(ScheduledStep { layer, op, level, scale, slots, hoisted, full, relinearizations });
        x
    }

    /// The keys and bytes of a layer, and the switches that it takes.
    fn take(&mut self, count: Count<'_>) -> [usize; 3] {
        self.request.merge(&count.request);
        self.bytes = self.bytes.max(count.bytes);
        self.encoded = self.encoded.max(count.encoded);
        [count.hoisted, count.full, 0]
    }
}

fn lowered(operation: &'static str, from: usize, by: usize) -> Result<usize, CkksError> {
    from.checked_sub(by).ok_or(CkksError::LevelTooLow { operation, found: from, wanted: by })
}

impl Machine for Planner<'_> {
    type Value = Shadow;
    type Error = CkksError;

    fn convolve(
        &mut self,
        step: &StepInfo,
        to: Layout,
        terms: &[Term<'_, Shadow>],
        identity: Option<(&Shadow, f64)>,
    ) -> Result<Shadow, CkksError> {
        let circuit = self.program.circuit();
        let shape = |Term { conv, x, from, .. }: &Term<'_, Shadow>| {
            [conv.in_channels, conv.out_channels, conv.kernel, conv.stride, from.side, x.level]
        };
        let mut key: Vec<_> = terms.iter().map(shape).collect();
        key.extend(identity.map(|(x, _)| [x.level, 0, 0, 0, 0, 0]));
        let (level, cost) = match self.counted.get(&key) {
            Some(&known) => known,
            None => {
                let mut count = Count::new(self.params, circuit.images);
                let terms: Vec<_> = terms
                    .iter()
                    .map(|&Term { conv, x, from, range }| Term { conv, x: &x.level, from, range })
                    .collect();
                let identity = identity.map(|(x, range)| (&x.level, range));
                let level = layers::convolve(&mut count, circuit, &terms, identity, to, step.range)?;
                let counted = (level, self.take(count));
                self.counted.insert(key, counted);
                counted
            }
        };
        Ok(self.push(step, Shadow { level, scale: circuit.linear_scale() }, to.slots(), cost))
    }

    fn bootstrap(&mut self, step: &StepInfo, at: Layout, sum: &Shadow) -> Result<Shadow, CkksError> {
        let circuit = self.program.circuit();
        let slots = circuit.images * at.slots();
        let cost = self.bootstraps[&slots];
        lowered("bootstrapping", sum.level, circuit.bootstrap(slots).input_level())?;
        let level = lowered("bootstrapping", self.params.max_level(), cost.depth)?;
        let fresh = Shadow { level, scale: circuit.bootstrapped_scale() };
        Ok(self.push(step, fresh, at.slots(), [cost.hoisted, cost.full, cost.relinearizations]))
    }

    fn activate(&mut self, step: &StepInfo, fresh: &Shadow) -> Result<Shadow, CkksError> {
        let approximant = self.program.circuit().activation_to(step.form);
        let level = lowered("activation", fresh.level, approximant.depth())?;
        let y = Shadow { level, scale: self.program.circuit().linear_scale() };
        let slots = step.layout.map_or(0, Layout::slots);
        Ok(self.push(step, y, slots, [0, 0, approximant.relinearizations()]))
    }

    fn classify(&mut self, step: &StepInfo, x: &Shadow, from: Layout, range: f64) -> Result<Shadow, CkksError> {
        let classifier = &self.program.network().classifier;
        let mut count = Count::new(self.params, self.program.circuit().images);
        let level = layers::classify(&mut count, self.program.circuit(), classifier, &x.level, from, range)?;
        let cost = self.take(count);
        Ok(self.push(step, Shadow { level, scale: x.scale }, from.slots(), cost))
    }
}
