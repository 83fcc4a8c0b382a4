//! `plan`: a case before anything runs.

mod sweep;
mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use fhe_ckks::security::SecurityReport;
use fhe_ckks::{KeyKind, KeyRequest, Parameters, SecretDistribution};
use fhe_nn::encrypted::{Op, ScheduledStep};
use serde::Serialize;

use crate::case::{self, Case, Described};
use crate::layers::op_name;
use crate::prediction::Predictor;
use crate::{machine, output};

/// Arguments of `plan`.
#[derive(clap::Args)]
pub struct Args {
    /// Plan every case of this config, in a line each, rather than the one case that the flags name.
    #[arg(conflicts_with_all = [
        "ring_dim", "relu", "packing", "headroom", "weights", "card", "insecure", "backend", "threads", "max_memory",
    ])]
    config: Option<PathBuf>,
    #[command(flatten)]
    case: case::Args,
    /// Print the plan as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs `plan`.
pub fn run(args: &Args) -> Result<()> {
    if let Some(config) = &args.config {
        return sweep::run(config, args.json);
    }
    args.case.in_pool(|| {
        let case = args.case.case()?;
        let plan = Plan::new(&case, args.case.check_memory(&case).err())?;
        match args.json {
            true => output::out(&format!("{}\n", serde_json::to_string(&plan)?)),
            false => output::out(&text::render(&plan)),
        }
    })
}

/// Everything known of a case before it runs.
#[derive(Serialize)]
struct Plan {
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
    obstacle: Option<String>,
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

/// Keys of one kind.
#[derive(Serialize)]
pub struct Keys {
    /// `rotation`, `relinearization` and so on.
    pub kind: &'static str,
    /// How many.
    pub count: usize,
    /// All of them.
    pub bytes: u64,
}

impl Plan {
    fn new(case: &Case, obstacle: Option<anyhow::Error>) -> Result<Self> {
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

/// The keys of a request, kind by kind.
pub fn keys_by_kind(params: &Parameters, request: &KeyRequest) -> Vec<Keys> {
    let conjugation = params.galois_of_conjugation();
    let mut kinds: BTreeMap<&'static str, KeyRequest> = BTreeMap::new();
    for (kind, shape) in request.iter() {
        let name = match kind {
            KeyKind::Relinearization => "relinearization",
            KeyKind::Galois(galois) if galois == conjugation => "conjugation",
            KeyKind::Galois(_) => "rotation",
            KeyKind::DenseToSparse => "main to ephemeral secret",
            KeyKind::SparseToDense(_) => "ephemeral to main secret",
        };
        kinds.entry(name).or_default().add(kind, shape);
    }
    let keys = |(kind, keys): (&'static str, KeyRequest)| Keys {
        kind,
        count: keys.iter().count(),
        bytes: keys.bytes(params) as u64,
    };
    kinds.into_iter().map(keys).collect()
}
