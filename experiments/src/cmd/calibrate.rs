//! `calibrate`: measures the noise of every step on encrypted images.

use std::path::PathBuf;

use anyhow::{Context, Result};
use fhe_nn::simulated::{Calibration, NoiseModel, Provenance, Simulator};
use fhe_ring::SecretRng;
use indicatif::ProgressBar;

use crate::calibrate::agreement;
use crate::case::{self, Case, Shelved};
use crate::files::{check_writable, replace};
use crate::images::{self, Named};
use crate::session::Session;
use crate::simulation::calibrated_case;
use crate::{machine, output, progress, secrecy};
use datasets::digest::sha256;

/// Arguments of `calibrate`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Test images by number, range or list, or PNG or JPEG files, as for `classify`; the noise hardly depends on them.
    #[arg(long = "image", value_name = "N|FILE", default_value = "0..2", num_args = 1..)]
    images: Vec<String>,
    #[command(flatten)]
    case: case::Args,
    /// Seed of all keys and noise. NOT SECRET: without it the operating system's randomness is used.
    #[arg(long)]
    seed: Option<u64>,
    /// The file for the noise model (JSON).
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs `calibrate`.
pub(crate) fn run(args: &Args) -> Result<()> {
    args.case.in_pool(|| {
        let images = images::load(&args.images, None)?;
        let case = args.case.case()?;
        args.case.check_memory(&case, Shelved::BOTH)?;
        let file = || format!("--out {}", args.out.display());
        // Refuse a place that cannot be written to before the long part.
        check_writable(&args.out).with_context(file)?;

        if args.seed.is_none() {
            secrecy::forbid_dumps()?;
        }
        let mut rng = args.seed.map_or_else(SecretRng::from_os, SecretRng::seeded);
        let spinner = progress::spinner(format!("generating keys at N = {}", case.params.n()), false);
        let session = Session::start(case, &mut rng)?;
        spinner.finish_and_clear();
        let (case, schedule) = (session.case(), session.serving.schedule());
        let inputs: Vec<Vec<f64>> = images.iter().map(|named| case.input(&named.image)).collect();
        let inputs: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
        let mut decrypted = Vec::new();
        for together in inputs.chunks(session.images()) {
            decrypted.extend(session.decrypt_every_step(together, &mut rng, ProgressBar::new(0))?);
        }
        let mut calibration = Calibration::new(&case.program, schedule);
        inputs.iter().zip(&decrypted).for_each(|(input, values)| calibration.add(input, values));
        let model = calibration.model(calibrated_case(case), provenance(args, case, &images)?);
        replace(&args.out, (serde_json::to_string_pretty(&model)? + "\n").as_bytes()).with_context(file)?;

        let simulator = Simulator::new(&case.program, schedule, &model)?;
        output::out(&render(&model))?;
        output::out(&agreement::render(case, schedule, &simulator, &inputs, &decrypted))
    })
}

fn provenance(args: &Args, case: &Case, images: &[Named]) -> Result<Provenance> {
    let config = serde_json::to_vec(&(calibrated_case(case), case.program.ranges()))?;
    let seed = args.seed.map_or(String::new(), |seed| format!(" --seed {seed}"));
    Ok(Provenance {
        command: format!("cipherlab calibrate{} --image {}{seed}", args.case.flags_of(case), args.images.join(" ")),
        config_sha256: sha256(&config),
        weights_sha256: case.weights_sha256().to_owned(),
        revision: machine::REVISION.map(str::to_owned),
        date: machine::now(),
        seed: args.seed,
        images: images.iter().map(|named| named.name.clone()).collect(),
        rows: 0,
    })
}

/// Returns the model as a table.
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
