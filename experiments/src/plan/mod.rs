//! What is known of a case before it runs: parameters, security, schedule, keys, memory, seconds.

mod keys;
pub mod sweep;
pub mod text;

use anyhow::Result;
use fhe_ckks::SecretDistribution;
use fhe_ckks::security::SecurityReport;
use fhe_nn::encrypted::{Op, ScheduledStep};
use serde::Serialize;

use crate::case::{Case, Described};
use crate::layers::op_name;
use crate::machine;
use crate::prediction::Predictor;

pub use keys::{Keys, keys_by_kind};

/// Everything known of a case before it runs.
#[derive(Serialize)]
pub struct Plan {
    params: Described,
    chain: Vec<Primes>,
    /// The highest level.
    levels: usize,
    main_secret: Secret,
    ephemeral_secret: Option<Secret>,
    bootstraps: usize,
    /// Images in a ciphertext.
    batch: usize,
    steps: Vec<Step>,
    /// Predicted, of all steps: what a ciphertext takes, however many images it holds.
    seconds: f64,
    /// Where the seconds come from.
    seconds_from: String,
    keys: Vec<Keys>,
    key_bytes: u64,
    constant_bytes: u64,
    working_bytes: u64,
    predicted_bytes: u64,
    available_bytes: Option<u64>,
    /// Why the case cannot run here; `None` where it can.
    pub obstacle: Option<String>,
}

/// Primes of one purpose.
#[derive(Serialize)]
struct Primes {
    purpose: &'static str,
    bits: u32,
    count: usize,
}

/// What the tables say of a secret.
#[derive(Serialize)]
struct Secret {
    distribution: String,
    log_qp: Option<f64>,
    log_qp_limit: Option<f64>,
    security: u32,
    table: Option<&'static str>,
}

/// A step of the schedule.
#[derive(Serialize)]
struct Step {
    layer: String,
    op: &'static str,
    level: usize,
    log_scale: f64,
    slots: usize,
    hoisted: usize,
    full: usize,
    relinearizations: usize,
    /// Predicted.
    seconds: f64,
}

impl Plan {
    /// Plans a case. `obstacle` says why it cannot run here.
    ///
    /// # Errors
    /// Stored measurements that cannot be read.
    pub fn new(case: &Case, obstacle: Option<anyhow::Error>) -> Result<Self> {
        let params = &case.params;
        let literal = params.literal();
        let primes = |purpose, bits, count| Primes { purpose, bits, count };
        let chain = case.program.circuit().chain.iter().map(|group| primes(group.purpose, group.bits, group.count));
        let special =
            literal.special_bits.chunk_by(|a, b| a == b).map(|run| primes("key switching", run[0], run.len()));
        let schedule = case.program.schedule(params)?;
        let predictor = Predictor::load(params.n())?;
        let seconds = predictor.steps(case, &schedule)?;
        let ephemeral = literal.ephemeral_weight.map(SecretDistribution::FixedWeight);
        let memory = case.memory;
        Ok(Self {
            params: case.described.clone(),
            chain: chain.chain(special).collect(),
            levels: params.max_level(),
            main_secret: Secret::new(literal.secret, params.security()),
            ephemeral_secret: ephemeral.map(|secret| Secret::new(secret, params.ephemeral_security())),
            bootstraps: schedule.iter().filter(|step| step.op == Op::Bootstrap).count(),
            batch: case.program.images(),
            seconds: seconds.iter().sum(),
            seconds_from: predictor.source(),
            steps: schedule.into_iter().zip(seconds).map(Step::from).collect(),
            keys: keys_by_kind(params, &case.request),
            key_bytes: memory.keys as u64,
            constant_bytes: memory.constants as u64,
            working_bytes: memory.working as u64,
            predicted_bytes: memory.total() as u64,
            available_bytes: machine::available_bytes(),
            obstacle: obstacle.map(|error| format!("{error:#}")),
        })
    }
}

impl Secret {
    fn new(distribution: SecretDistribution, report: Option<SecurityReport>) -> Self {
        Self {
            distribution: distribution.to_string(),
            log_qp: report.map(|report| report.log_qp),
            log_qp_limit: report.map(|report| report.limit),
            security: report.map_or(0, |report| report.bits),
            table: report.map(|report| report.table.source()),
        }
    }
}

impl From<(ScheduledStep, f64)> for Step {
    fn from((step, seconds): (ScheduledStep, f64)) -> Self {
        let ScheduledStep { layer, op, level, scale, slots, hoisted, full, relinearizations } = step;
        Self { layer, op: op_name(op), level, log_scale: scale.log2(), slots, hoisted, full, relinearizations, seconds }
    }
}
