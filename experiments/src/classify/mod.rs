//! The main job: encrypted images through the network.

pub mod images;
mod picture;
pub mod progress;
pub mod report;
mod table;

use std::time::Instant;

use anyhow::Result;
use datasets::cifar::CLASS_NAMES;
use fhe_ckks::Ciphertext;
use fhe_nn::encrypted::{Client, ScheduledStep, Server, StepInfo};
use fhe_nn::plain::Relu;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::case::{self, Case};
use crate::{machine, output};
use images::Named;
use progress::Steps;
use report::{Deviation, Layer, Report, Seconds, op_name};

/// Arguments of `classify`.
#[derive(clap::Args)]
pub struct Args {
    /// Test images by number (7), range (0..20 or 0-19) or list (1,4,9), or PNG or JPEG files; may be repeated. Images 0
    /// to 99 are embedded, `datasets fetch` brings the others.
    #[arg(long = "image", value_name = "N|FILE", default_value = "0", num_args = 1..)]
    images: Vec<String>,
    #[command(flatten)]
    case: case::Args,
    /// Seed of all keys and noise, for a run that repeats bit for bit. NOT SECRET: without it the operating system's
    /// randomness is used.
    #[arg(long)]
    seed: Option<u64>,
    /// Decrypt after each step and compare with the plaintext model (outside the timed path).
    #[arg(long)]
    trace: bool,
    /// Print one JSON object an image instead of tables.
    #[arg(long)]
    json: bool,
}

/// Runs `classify`.
pub fn run(args: &Args) -> Result<()> {
    args.case.in_pool(|| {
        let images = images::load(&args.images)?;
        let case = args.case.case()?;
        case.check_memory()?;
        Session::start(args, case)?.classify_all(&images)
    })
}

/// Keys made, constants encoded: ready for images.
struct Session<'a> {
    args: &'a Args,
    case: Case,
    schedule: Vec<ScheduledStep>,
    client: Client,
    server: Server,
    rng: ChaCha20Rng,
    keygen: f64,
}

impl<'a> Session<'a> {
    fn start(args: &'a Args, case: Case) -> Result<Self> {
        let mut rng = args.seed.map_or_else(ChaCha20Rng::from_os_rng, ChaCha20Rng::seed_from_u64);
        let schedule = case.program.schedule(&case.params)?;
        let spinner = progress::spinner(format!("generating keys at N = {}", case.params.n()), args.json);
        let started = Instant::now();
        let (client, keys) = Client::generate(&case.program, &case.params, &mut rng)?;
        let server = Server::new(case.program.clone(), &case.params, keys)?;
        let keygen = started.elapsed().as_secs_f64();
        spinner.finish_and_clear();
        Ok(Self { args, case, schedule, client, server, rng, keygen })
    }

    fn classify_all(&mut self, images: &[Named]) -> Result<()> {
        let mut reports = Vec::new();
        for named in images {
            if !self.args.json && output::colours() {
                output::out(&picture::render(&named.image))?;
            }
            let report = self.classify(named)?;
            match self.args.json {
                true => output::out(&format!("{}\n", serde_json::to_string(&report)?))?,
                false => output::out(&format!("{}\n", table::render(&report)))?,
            }
            reports.push(report);
        }
        if !self.args.json && reports.len() > 1 {
            let same = |f: fn(&Report) -> bool| reports.iter().filter(|report| f(report)).count();
            let labelled = same(|report| report.label.is_some());
            let correct = same(|report| report.label.map(usize::from) == Some(report.class));
            let agreed = same(|report| report.plain_class == Some(report.class));
            let count = reports.len();
            output::out(&format!("{count} images: {correct} of {labelled} as labelled, {agreed} as in plaintext\n"))?;
        }
        Ok(())
    }

    fn classify(&mut self, named: &Named) -> Result<Report> {
        let input = self.case.input(&named.image);
        let network = self.case.program.network();
        let (clear, steps) = network.trace(&input, &self.case.activation());
        let exact = network.forward(&input, &Relu);

        let started = Instant::now();
        let encrypted = self.client.encrypt(&input, &mut self.rng)?;
        let encrypt = started.elapsed().as_secs_f64();

        let mut layers = Vec::new();
        let mut progress = Steps::new(&self.schedule, self.case.program.circuit(), &self.case.params, self.args.json);
        let mut clock = Instant::now();
        let mut see = |step: &StepInfo, result: &Ciphertext| {
            let seconds = clock.elapsed().as_secs_f64();
            progress.advance();
            let rss_bytes = machine::rss_bytes();
            let looked = self.args.trace.then(|| Deviation::of_step(&self.client, step, result, &steps)).flatten();
            layers.push(Layer {
                layer: step.layer.clone(),
                op: op_name(step.op),
                level: result.level(),
                seconds,
                rss_bytes,
                max_abs_error: looked.map(|deviation| deviation.max),
                mean_abs_error: looked.map(|deviation| deviation.mean),
                precision_bits: looked.and_then(Deviation::bits),
            });
            clock = Instant::now();
        };
        let encrypted_logits = self.server.evaluate(&encrypted, &mut see)?;
        drop(progress);

        let started = Instant::now();
        let logits = self.client.decrypt(&encrypted_logits);
        let decrypt = started.elapsed().as_secs_f64();
        let deviation = Deviation::between(&logits, &clear.logits);
        let class = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).expect("there are classes");
        let evaluate = layers.iter().map(|layer| layer.seconds).sum();
        Ok(Report {
            image: named.name.clone(),
            class,
            class_name: CLASS_NAMES[class],
            label: named.image.label,
            plain_class: clear.class(),
            exact_class: exact.class(),
            max_abs_error: deviation.max,
            precision_bits: deviation.bits(),
            logits,
            plain_logits: clear.logits,
            seconds: Seconds { keygen: self.keygen, encrypt, evaluate, decrypt },
            layers,
            peak_rss_bytes: machine::peak_rss_bytes(),
            key_bytes: self.server.evaluator().keys().bytes(),
            constant_bytes: self.server.constant_bytes(),
            predicted_bytes: self.case.memory.total(),
            params: self.case.described.clone(),
        })
    }
}
