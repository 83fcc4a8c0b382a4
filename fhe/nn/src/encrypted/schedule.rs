//! The network's encrypted steps: one walk, taken by the server on ciphertexts and here on levels and scales alone.

use std::collections::BTreeMap;

use fhe_circuits::{BootstrapCost, PolynomialPlan};
use fhe_ckks::{CkksError, Parameters};

use super::layout::{self, Layout};
use super::matvec::MatVecPlan;
use super::server::{Op, Program, StepInfo};
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
    ranges: std::slice::Iter<'a, f64>,
}

/// The values after an activation.
struct Activated<V> {
    x: V,
    at: Layout,
    range: f64,
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
        let at = Layout { channels: conv.out_channels, side: from.side.div_ceil(conv.stride) };
        let range = *self.ranges.next().expect("one range for each activation");
        let mut name = || self.names.next().expect("as many names as steps");
        let (conv, act) = (name(), name());
        let step = |layer: &str, op| StepInfo { layer: layer.to_owned(), op, layout: Some(at), range };
        let sum = self.machine.convolve(
            &step(&conv, Op::Convolution),
            at,
            terms,
            identity.map(|identity| (&identity.x, identity.range)),
        )?;
        let fresh = self.machine.bootstrap(&step(&conv, Op::Bootstrap), at, &sum)?;
        let x = self.machine.activate(&step(&act, Op::Activation), &fresh)?;
        Ok(Activated { x, at, range })
    }
}

impl Program {
    /// Takes a machine through the network.
    pub(super) fn walk<M: Machine>(&self, machine: &mut M, image: M::Value) -> Result<M::Value, M::Error> {
        let network = self.network();
        let names: Vec<String> = network.steps().into_iter().map(|(name, _)| name).collect();
        let mut walk = Walk { machine, names: names.into_iter(), ranges: self.ranges().iter() };
        let image = Activated { x: image, at: self.input_layout(), range: 1.0 };
        let mut x = walk.layer(&[image.through(&network.stem)], None)?;
        for block in &network.blocks {
            let y = walk.layer(&[x.through(&block.conv1)], None)?;
            x = match &block.shortcut {
                None => walk.layer(&[y.through(&block.conv2)], Some(&x))?,
                Some(shortcut) => walk.layer(&[y.through(&block.conv2), x.through(shortcut)], None)?,
            };
        }
        let step = StepInfo { layer: "fc".to_owned(), op: Op::Classifier, layout: None, range: 1.0 };
        walk.machine.classify(&step, &x.x, x.at, x.range)
    }

    /// Every step that [`super::Server::evaluate`] will report, with what it costs.
    ///
    /// # Errors
    /// Parameters that cannot hold the circuit: too few slots or levels.
    pub fn schedule(&self, params: &Parameters) -> Result<Vec<ScheduledStep>, CkksError> {
        let activation = PolynomialPlan::new(&self.circuit().activation);
        let bootstraps = self
            .slot_counts()
            .into_iter()
            .map(|slots| Ok((slots, self.circuit().bootstrap(slots).cost(params)?)))
            .collect::<Result<_, CkksError>>()?;
        let mut planner =
            Planner { program: self, params, activation, bootstraps, plans: BTreeMap::new(), steps: Vec::new() };
        let circuit = self.circuit();
        let image = Shadow { level: circuit.linear_level, scale: circuit.linear_scale() };
        self.walk(&mut planner, image)?;
        Ok(planner.steps)
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
struct Shadow {
    level: usize,
    scale: f64,
}

/// The walk without ciphertexts.
struct Planner<'a> {
    program: &'a Program,
    params: &'a Parameters,
    activation: PolynomialPlan,
    bootstraps: BTreeMap<usize, BootstrapCost>,
    /// Rotations by what decides them: convolutions of one shape between the same layouts take the same.
    plans: BTreeMap<[usize; 6], (usize, usize)>,
    steps: Vec<ScheduledStep>,
}

impl Planner<'_> {
    fn push(
        &mut self,
        step: &StepInfo,
        x: Shadow,
        slots: usize,
        [hoisted, full, relinearizations]: [usize; 3],
    ) -> Shadow {
        let (layer, op) = (step.layer.clone(), step.op);
        let Shadow { level, scale } = x;
        self.steps.push(ScheduledStep { layer, op, level, scale, slots, hoisted, full, relinearizations });
        x
    }

    fn lowered(&self, operation: &'static str, from: usize, by: usize) -> Result<usize, CkksError> {
        from.checked_sub(by).ok_or(CkksError::LevelTooLow { operation, found: from, wanted: by })
    }
}

impl Machine for Planner<'_> {
    type Value = Shadow;
    type Error = CkksError;

    fn convolve(
        &mut self,
        step: &StepInfo,
        to: Layout,
        terms: &[Term<'_, Shadow>],
        _: Option<(&Shadow, f64)>,
    ) -> Result<Shadow, CkksError> {
        let circuit = self.program.circuit();
        let mut cost = [0; 3];
        for Term { conv, from, .. } in terms {
            let key = [conv.in_channels, conv.out_channels, conv.kernel, conv.stride, from.side, to.side];
            let (hoisted, full) = *self
                .plans
                .entry(key)
                .or_insert_with(|| MatVecPlan::new(&layout::convolution(conv, *from, to, 1.0)).rotations());
            cost[0] += hoisted;
            cost[1] += full;
        }
        // Values above the level are lowered to it.
        let from = terms.iter().map(|term| term.x.level).fold(circuit.linear_level, usize::min);
        let level = self.lowered("convolution", from, 1)?;
        Ok(self.push(step, Shadow { level, scale: circuit.linear_scale() }, to.slots(), cost))
    }

    fn bootstrap(&mut self, step: &StepInfo, at: Layout, sum: &Shadow) -> Result<Shadow, CkksError> {
        let (circuit, cost) = (self.program.circuit(), self.bootstraps[&at.slots()]);
        self.lowered("bootstrapping", sum.level, circuit.bootstrap(at.slots()).input_level())?;
        let level = self.lowered("bootstrapping", self.params.max_level(), cost.depth)?;
        let fresh = Shadow { level, scale: circuit.bootstrapped_scale() };
        Ok(self.push(step, fresh, at.slots(), [cost.hoisted, cost.full, cost.relinearizations]))
    }

    fn activate(&mut self, step: &StepInfo, fresh: &Shadow) -> Result<Shadow, CkksError> {
        let level = self.lowered("activation", fresh.level, self.activation.depth())?;
        let y = Shadow { level, scale: self.program.circuit().linear_scale() };
        let slots = step.layout.map_or(0, Layout::slots);
        Ok(self.push(step, y, slots, [0, 0, self.activation.relinearizations()]))
    }

    fn classify(&mut self, step: &StepInfo, x: &Shadow, from: Layout, _: f64) -> Result<Shadow, CkksError> {
        let width = self.program.network().classifier.out_features.next_power_of_two();
        let level = self.lowered("classifier", x.level, 1)?;
        let sums = (from.slots() / width).trailing_zeros() as usize;
        Ok(self.push(step, Shadow { level, scale: x.scale }, from.slots(), [0, width - 1 + sums, 0]))
    }
}
