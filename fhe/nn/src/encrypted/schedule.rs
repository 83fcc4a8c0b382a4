//! The plan of an evaluation: the program run on levels and scales only, which yields steps, keys and memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use fhe_circuits::BootstrapCost;
use fhe_ckks::{CkksError, KeyRequest, Parameters};

use super::holding::Holding;
use super::layout::Layout;
use super::linear;
use super::memory::{Memory, Needs};
use super::program::{Machine, Program, StepInfo};
use super::slots::{Count, Operand};
use crate::network::Op;
use crate::plain::MessageActivation;

/// A program before it runs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Every step that [`super::Server::evaluate`] will report.
    pub steps: Vec<ScheduledStep>,
    /// The evaluation keys, each at the level of its use.
    pub request: KeyRequest,
    /// The predicted memory of key generation and evaluation, for the way of holding keys and constants that was asked for
    /// last.
    pub memory: Memory,
    /// What the parts take.
    pub needs: Needs,
}

impl Plan {
    /// The plan with keys and constants held in this way.
    #[must_use]
    pub fn holding(self, holding: Holding) -> Self {
        Self { memory: self.needs.memory(holding), ..self }
    }
}

impl Program {
    /// The steps, keys and memory of the program. It takes some milliseconds, so plan once.
    ///
    /// # Errors
    /// If the parameters have too few slots or levels for the circuit.
    pub fn plan(&self, params: &Parameters) -> Result<Plan, CkksError> {
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
            short: 0,
        };
        let circuit = self.circuit();
        let image = LevelAndScale { level: circuit.linear_level, scale: circuit.linear_scale() };
        self.run(&mut planner, image)?;
        let Planner { steps, mut request, bootstraps, bytes, encoded, short, .. } = planner;
        for slots in self.slot_counts() {
            request.merge(&circuit.bootstrap(slots).request_keys(params)?);
        }
        request.relinearization(params, circuit.activation_level);
        request.client_ring(params, &self.client_ring(params)?);
        let costs: Vec<_> = bootstraps.into_values().collect();
        let needs = Needs::new(self, params, &request, &costs, [bytes, encoded, short]);
        Ok(Plan { steps, request, memory: needs.memory(Holding::DEFAULT), needs })
    }
}

/// A step of the evaluation before it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduledStep {
    /// PyTorch's name of the layer.
    pub layer: String,
    /// The operation.
    pub op: Op,
    /// Level of the result.
    pub level: usize,
    /// Scale of the result.
    pub scale: f64,
    /// Slots of the result.
    pub slots: usize,
    /// Number of rotations that share a decomposition with others.
    pub hoisted: usize,
    /// Number of rotations, conjugations and switches of the secret with a decomposition of their own.
    pub full: usize,
    /// Number of relinearizations.
    pub relinearizations: usize,
}

/// The level and the scale of a ciphertext before there is one.
#[derive(Clone, Copy)]
struct LevelAndScale {
    level: usize,
    scale: f64,
}

/// The interpreter of the plan.
struct Planner<'a> {
    program: &'a Program,
    params: &'a Parameters,
    bootstraps: BTreeMap<usize, BootstrapCost>,
    /// Level and rotations of convolutions by the shapes and levels that decide them.
    counted: BTreeMap<Vec<[usize; 6]>, (usize, [usize; 3])>,
    steps: Vec<ScheduledStep>,
    /// The keys of linear layers.
    request: KeyRequest,
    /// The most bytes of ciphertexts that a linear layer holds.
    bytes: usize,
    /// The most bytes of encoded diagonals of a linear layer.
    encoded: usize,
    /// The most bytes of encoded diagonals of a linear layer whose limbs are shorter than a ciphertext's.
    short: usize,
}

impl Planner<'_> {
    fn push(
        &mut self,
        step: &StepInfo,
        x: LevelAndScale,
        slots: usize,
        [hoisted, full, relinearizations]: [usize; 3],
    ) -> LevelAndScale {
        let slots = self.program.interleave().slots(slots);
        let (layer, op) = (step.layer.clone(), step.op);
        let LevelAndScale { level, scale } = x;
        self.steps.push(ScheduledStep { layer, op, level, scale, slots, hoisted, full, relinearizations });
        x
    }

    /// Adds the keys and bytes of a layer, and returns its numbers of key switches.
    fn take(&mut self, count: Count<'_>) -> [usize; 3] {
        self.request.merge(&count.request);
        self.bytes = self.bytes.max(count.bytes);
        self.encoded = self.encoded.max(count.encoded);
        self.short = self.short.max(count.short);
        [count.hoisted, count.full, 0]
    }
}

fn lowered(operation: &'static str, from: usize, by: usize) -> Result<usize, CkksError> {
    from.checked_sub(by).ok_or(CkksError::LevelTooLow { operation, found: from, wanted: by })
}

impl Machine for Planner<'_> {
    type Value = LevelAndScale;
    type Error = CkksError;

    fn convolve(
        &mut self,
        step: &StepInfo,
        to: Layout,
        operands: &[Operand<'_, LevelAndScale>],
        identity: Option<(&LevelAndScale, f64)>,
    ) -> Result<LevelAndScale, CkksError> {
        let circuit = self.program.circuit();
        let shape = |Operand { conv, x, from, .. }: &Operand<'_, LevelAndScale>| {
            [conv.in_channels, conv.out_channels, conv.kernel, conv.stride, from.side, x.level]
        };
        let mut key: Vec<_> = operands.iter().map(shape).collect();
        key.extend(identity.map(|(x, _)| [x.level, 0, 0, 0, 0, 0]));
        key.push([step.end, 0, 0, 0, 0, 0]);
        let (level, cost) = match self.counted.get(&key) {
            Some(&known) => known,
            None => {
                let mut count = Count::new(self.params, self.program.interleave());
                let operands: Vec<_> = operands
                    .iter()
                    .map(|&Operand { conv, x, from, range }| Operand { conv, x: &x.level, from, range })
                    .collect();
                let identity = identity.map(|(x, range)| (&x.level, range));
                let level = linear::convolve(&mut count, circuit, &operands, identity, to, step.target())?;
                let counted = (level, self.take(count));
                self.counted.insert(key, counted);
                counted
            }
        };
        Ok(self.push(step, LevelAndScale { level, scale: step.scale }, to.slots(), cost))
    }

    fn bootstrap(&mut self, step: &StepInfo, at: Layout, x: LevelAndScale) -> Result<LevelAndScale, CkksError> {
        let circuit = self.program.circuit();
        let slots = self.program.interleave().slots(at.slots());
        let cost = self.bootstraps[&slots];
        lowered("bootstrapping", x.level, circuit.bootstrap(slots).input_level())?;
        let level = lowered("bootstrapping", self.params.max_level(), cost.depth)?;
        let fresh = LevelAndScale { level, scale: circuit.bootstrapped_scale() };
        Ok(self.push(step, fresh, at.slots(), [cost.hoisted, cost.full, cost.relinearizations]))
    }

    fn activate(
        &mut self,
        step: &StepInfo,
        at: Layout,
        function: &Arc<MessageActivation>,
        x: LevelAndScale,
    ) -> Result<LevelAndScale, CkksError> {
        let approximant = function.approximant();
        let level = lowered("activation", x.level, approximant.depth())?;
        let (mut scale, mut conjugations, mut relinearizations) = (x.scale, 0, approximant.relinearizations());
        if self.program.interleave().complex {
            self.request.conjugation(self.params, x.level);
            (scale, conjugations, relinearizations) = (2.0 * scale, 1, 2 * relinearizations);
        }
        let scale = approximant.scale(self.params, x.level, scale, self.program.circuit().linear_scale());
        Ok(self.push(step, LevelAndScale { level, scale }, at.slots(), [0, conjugations, relinearizations]))
    }

    fn activate_by_bootstrap(
        &mut self,
        step: &StepInfo,
        at: Layout,
        _: &Arc<MessageActivation>,
        x: LevelAndScale,
    ) -> Result<LevelAndScale, CkksError> {
        self.bootstrap(step, at, x)
    }

    fn classify(
        &mut self,
        step: &StepInfo,
        x: &LevelAndScale,
        from: Layout,
        range: f64,
    ) -> Result<LevelAndScale, CkksError> {
        let classifier = &self.program.network().classifier;
        let mut count = Count::new(self.params, self.program.interleave());
        let level = linear::classify(&mut count, self.program.circuit(), classifier, &x.level, from, range)?;
        let cost = self.take(count);
        Ok(self.push(step, LevelAndScale { level, scale: x.scale }, from.slots(), cost))
    }
}
