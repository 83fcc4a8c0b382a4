//! The plan of a case: parameters, security, schedule, keys, memory and seconds, known before it runs.

mod calls;
mod keys;
pub(crate) mod sweep;
pub(crate) mod text;

use anyhow::Result;
use fhe_ckks::SecretDistribution;
use fhe_ckks::security::SecurityReport;
use fhe_nn::encrypted::{Op, ScheduledStep};
use serde::Serialize;

use crate::case::{Case, Choice, Described};
use crate::layers::op_name;
use crate::machine;
use crate::prediction::Predictor;

pub(crate) use keys::{KEYS_OF_CLIENTS, Keys, keys_by_kind};

/// Everything known of a case before it runs.
#[derive(Serialize)]
pub(crate) struct Plan {
    params: Described,
    chain: Vec<Primes>,
    /// The highest level.
    levels: usize,
    main_secret: Secret,
    ephemeral_secret: Option<Secret>,
    /// The secret of the client's own ring.
    client_secret: Secret,
    /// Dimension of the client's ring.
    client_ring_dim: usize,
    bootstraps: usize,
    /// Images that a ciphertext holds.
    batch: usize,
    steps: Vec<Step>,
    /// Predicted seconds of all steps of a ciphertext, with one image or several.
    seconds: f64,
    /// Origin of the seconds, in words.
    seconds_from: String,
    keys: Vec<Keys>,
    key_bytes: u64,
    constant_bytes: u64,
    working_bytes: u64,
    predicted_bytes: u64,
    /// The ways of holding keys and constants that are worth taking, by their memory.
    settings: Vec<Choice>,
    /// Origin of the seconds of other ways than the default, in words.
    settings_from: String,
    /// Bytes of an encrypted image, or of the images of a ciphertext.
    upload_bytes: u64,
    /// Bytes of its encrypted logits.
    download_bytes: u64,
    /// Memory that this process can still take.
    available_bytes: Option<u64>,
    /// The limit that leaves that much, in words.
    available_limit: Option<String>,
    /// The reason why the case cannot run here; `None` if it can.
    pub obstacle: Option<String>,
}

/// Primes of one purpose.
#[derive(Serialize)]
struct Primes {
    purpose: &'static str,
    bits: u32,
    count: usize,
}

/// The security of a secret by the tables.
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
    /// Predicted seconds.
    seconds: f64,
}

impl Plan {
    /// Returns the plan of a case. `obstacle` is the reason why it cannot run here.
    ///
    /// # Errors
    /// Stored measurements that cannot be read, and a circuit without a schedule.
    pub(crate) fn new(case: &Case, obstacle: Option<anyhow::Error>) -> Result<Self> {
        let params = &case.params;
        let literal = params.literal();
        let primes = |purpose, bits, count| Primes { purpose, bits, count };
        let chain = case.program.circuit().chain.iter().map(|group| primes(group.purpose, group.bits, group.count));
        let special =
            literal.special_bits.chunk_by(|a, b| a == b).map(|run| primes("key switching", run[0], run.len()));
        let schedule = case.plan.steps.clone();
        let predictor = Predictor::load(params.n(), params.ring().kernels())?;
        let seconds = predictor.steps(case, &schedule)?;
        let total = seconds.iter().sum();
        let ephemeral = literal.ephemeral_weight.map(SecretDistribution::FixedWeight);
        let memory = case.plan.memory;
        let client = case.program.client_ring(params)?;
        let [upload_bytes, download_bytes] = case.program.transfer_bytes(params)?;
        let available = machine::available();
        Ok(Self {
            params: case.described.clone(),
            chain: chain.chain(special).collect(),
            levels: params.max_level(),
            main_secret: Secret::new(literal.secret, params.security()),
            ephemeral_secret: ephemeral.map(|secret| Secret::new(secret, params.ephemeral_security())),
            client_secret: Secret::new(literal.secret, client.security()),
            client_ring_dim: client.n(),
            bootstraps: schedule.iter().filter(|step| step.op == Op::Bootstrap).count(),
            batch: case.program.images(),
            seconds: total,
            seconds_from: predictor.source(),
            steps: schedule.into_iter().zip(seconds).map(Step::from).collect(),
            keys: keys_by_kind(params, &case.plan.request),
            key_bytes: memory.keys as u64,
            constant_bytes: memory.constants as u64,
            working_bytes: memory.working as u64,
            predicted_bytes: memory.total() as u64,
            settings: case.choices(total),
            settings_from: case.prices_from().to_owned(),
            upload_bytes,
            download_bytes,
            available_bytes: available.as_ref().map(|available| available.bytes),
            available_limit: available.map(|available| available.limit.to_string()),
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
