//! `calibrate`: the noise of every step, from encrypted images.

mod agreement;

use std::fs::OpenOptions;
use std::path::PathBuf;

use anyhow::{Context, Result};
use datasets::cifar::Image;
use fhe_ckks::Ciphertext;
use fhe_nn::encrypted::{Client, ScheduledStep, Server, StepInfo};
use fhe_nn::simulated::{Calibration, NoiseModel, Provenance, Simulator};
use indicatif::ProgressBar;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::case::{self, Case};
use crate::images::{self, Named};
use crate::progress::{self, Steps};
use crate::simulation::calibrated_case;
use crate::{machine, output, prediction};
use datasets::digest::sha256;

/// Arguments of `calibrate`.
#[derive(clap::Args)]
pub struct Args {
    /// Test images by number, range or list, or PNG or JPEG files, as for `classify`; the noise hardly depends on them.
    #[arg(long = "image", value_name = "N|FILE", default_value = "0..2", num_args = 1..)]
    images: Vec<String>,
    #[command(flatten)]
    case: case::Args,
    /// Seed of all keys and noise. NOT SECRET: without it the operating system's randomness is used.
    #[arg(long)]
    seed: Option<u64>,
    /// Where to write the noise model (JSON).
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs `calibrate`.
pub fn run(args: &Args) -> Result<()> {
    args.case.in_pool(|| {
        let images = images::load(&args.images)?;
        let case = args.case.case()?;
        args.case.check_memory(&case)?;
        let file = || format!("--out {}", args.out.display());
        // Before the long part: a place that cannot be written to.
        OpenOptions::new().append(true).create(true).open(&args.out).with_context(file)?;

        let schedule = case.program.schedule(&case.params)?;
        let decrypted = decrypt_every_step(args, &case, &schedule, &images)?;
        let mut calibration = Calibration::new(&case.program, &schedule);
        for (named, values) in images.iter().zip(&decrypted) {
            calibration.add(&case.input(&named.image), values);
        }
        let model = calibration.model(calibrated_case(&case), provenance(args, &case, &images)?);
        std::fs::write(&args.out, serde_json::to_string_pretty(&model)? + "\n").with_context(file)?;

        let simulator = Simulator::new(&case.program, &schedule, &model)?;
        let held = images.iter().zip(&decrypted).map(|(named, values)| (case.input(&named.image), values.as_slice()));
        output::out(&render(&model))?;
        output::out(&agreement::render(&case, &schedule, &simulator, &held.collect::<Vec<_>>()))
    })
}

/// The values of every step of every image.
fn decrypt_every_step(
    args: &Args,
    case: &Case,
    schedule: &[ScheduledStep],
    images: &[Named],
) -> Result<Vec<Vec<Vec<f64>>>> {
    let mut rng = args.seed.map_or_else(ChaCha20Rng::from_os_rng, ChaCha20Rng::seed_from_u64);
    let spinner = progress::spinner(format!("generating keys at N = {}", case.params.n()), false);
    let (client, keys) = Client::generate(&case.program, &case.params, &mut rng)?;
    let server = Server::new(case.program.clone(), &case.params, keys)?;
    spinner.finish_and_clear();
    let predicted = prediction::of_steps(case, schedule)?;
    let mut one = |image: &Image| {
        let mut values = Vec::with_capacity(schedule.len());
        let mut progress = Steps::new(schedule, &predicted, ProgressBar::new(0));
        let mut see = |step: &StepInfo, result: &Ciphertext| {
            values.extend(client.look(step, result).into_iter().next());
            progress.advance();
        };
        let encrypted = client.encrypt(&[&case.input(image)], &mut rng)?;
        server.evaluate(&encrypted, &mut see)?;
        Ok(values)
    };
    images.iter().map(|named| one(&named.image)).collect()
}

fn provenance(args: &Args, case: &Case, images: &[Named]) -> Result<Provenance> {
    let config = serde_json::to_vec(&(calibrated_case(case), case.program.ranges()))?;
    let seed = args.seed.map_or(String::new(), |seed| format!(" --seed {seed}"));
    let described = &case.described;
    Ok(Provenance {
        command: format!(
            "cipherlab calibrate --ring-dim {} --relu {} --packing {}{} --image {}{seed}",
            described.ring_dim,
            described.relu,
            described.packing,
            args.case.model_flags(),
            args.images.join(" "),
        ),
        config_sha256: sha256(&config),
        weights_sha256: case.weights_sha256().to_owned(),
        revision: machine::REVISION.map(str::to_owned),
        date: humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string(),
        seed: args.seed,
        images: images.iter().map(|named| named.name.clone()).collect(),
        rows: 0,
    })
}

/// The model as a table.
fn render(model: &NoiseModel) -> String {
    let Provenance { command, revision, date, .. } = &model.provenance;
    let revision = revision.as_deref().unwrap_or("unknown");
    let mut text = format!(
        "{command}\nrevision {revision}, {date}\n\n\
         noise of each step itself, values divided by the range of their layer (the classifier's: logits)\n\n\
         {:<12} {:>6} {:>10} {:>10} {:>10} {:>21} {:>8} {:>10} {:>8} {:>7}\n",
        "operation", "slots", "gain", "mean", "deviation", "least .. most", "kurtosis", "largest", "values", "outside"
    );
    for noise in &model.noise {
        text += &format!(
            "{:<12} {:>6} {:>10.1e} {:>10.1e} {:>10.1e} {:>21} {:>8.1} {:>10.1e} {:>8} {:>7}\n",
            crate::layers::op_name(noise.op),
            noise.slots,
            noise.gain,
            noise.mean,
            noise.deviation,
            format!("{:.1e} .. {:.1e}", noise.least, noise.most),
            noise.kurtosis,
            noise.largest,
            noise.values,
            noise.outside,
        );
    }
    text
}
