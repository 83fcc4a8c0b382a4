//! `classify`: encrypted images through the network.

use anyhow::Result;
use datasets::cifar::CLASS_NAMES;
use fhe_nn::plain::Outcome;
use indicatif::ProgressBar;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::case::{self, Case};
use crate::classify::report::{Report, Seconds};
use crate::classify::{picture, table};
use crate::images::{self, Named};
use crate::layers::{Deviation, Reference};
use crate::session::{Evaluation, ImageEvaluation, Session};
use crate::{machine, output, progress};

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
        args.case.check_memory(&case)?;
        Job::start(args, case)?.classify_all(&images)
    })
}

/// A session, and what is to be said of it.
struct Job<'a> {
    args: &'a Args,
    session: Session,
    rng: ChaCha20Rng,
}

impl<'a> Job<'a> {
    fn start(args: &'a Args, case: Case) -> Result<Self> {
        let mut rng = args.seed.map_or_else(ChaCha20Rng::from_os_rng, ChaCha20Rng::seed_from_u64);
        let spinner = progress::spinner(format!("generating keys at N = {}", case.params.n()), args.json);
        let session = Session::start(case, &mut rng)?;
        spinner.finish_and_clear();
        Ok(Self { args, session, rng })
    }

    fn classify_all(&mut self, images: &[Named]) -> Result<()> {
        let mut reports = Vec::new();
        for together in images.chunks(self.session.images()) {
            if !self.args.json && output::colours() {
                together.iter().try_for_each(|named| output::out(&picture::render(&named.image)))?;
            }
            for (k, report) in self.classify(together)?.into_iter().enumerate() {
                // The images of a ciphertext share their layers' seconds, but not the errors that a trace finds.
                let with_layers = k == 0 || self.args.trace;
                match self.args.json {
                    true => output::out(&format!("{}\n", serde_json::to_string(&report)?))?,
                    false => output::out(&format!("{}\n", table::render(&report, with_layers)))?,
                }
                reports.push(report);
            }
        }
        if !self.args.json && reports.len() > 1 {
            let same = |f: fn(&Report) -> bool| reports.iter().filter(|report| f(report)).count();
            let labelled = same(|report| report.label.is_some());
            let correct = same(|report| report.class.is_some() && report.label.map(usize::from) == report.class);
            let agreed = same(|report| report.class.is_some() && report.plain_class == report.class);
            let count = reports.len();
            output::out(&format!("{count} images: {correct} of {labelled} as labelled, {agreed} as in plaintext\n"))?;
        }
        Ok(())
    }

    /// The images of a ciphertext.
    fn classify(&mut self, images: &[Named]) -> Result<Vec<Report>> {
        let Self { args, session, rng } = self;
        let case = &session.case;
        let inputs: Vec<Vec<f64>> = images.iter().map(|named| case.input(&named.image)).collect();
        let inputs: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
        let references = session.references(&inputs, args.trace);
        let bar = if args.json { ProgressBar::hidden() } else { ProgressBar::no_length() };
        let mut evaluation = session.evaluate(&inputs, &references, rng, bar)?;
        let evaluated = std::mem::take(&mut evaluation.images).into_iter().zip(references);
        Ok(images
            .iter()
            .zip(evaluated)
            .map(|(named, (image, reference))| self.report(named, &evaluation, image, reference))
            .collect())
    }

    fn report(&self, named: &Named, evaluation: &Evaluation, image: ImageEvaluation, reference: Reference) -> Report {
        let session = &self.session;
        let case = &session.case;
        let found = Outcome { logits: image.logits, overflow: Vec::new() };
        let (class, logits, clear) = (found.class(), found.logits, reference.polynomial.outcome);
        let deviation = Deviation::between(&logits, &clear.logits);
        Report {
            image: named.name.clone(),
            batch: session.images(),
            class,
            class_name: class.map(|class| CLASS_NAMES[class]),
            label: named.image.label,
            plain_class: clear.class(),
            exact_class: reference.exact.outcome.class(),
            max_abs_error: deviation.max,
            precision_bits: deviation.bits(),
            logits,
            plain_logits: clear.logits,
            seconds: Seconds {
                keygen: session.keygen,
                encrypt: evaluation.encrypt,
                evaluate: evaluation.evaluate,
                decrypt: evaluation.decrypt,
            },
            layers: image.layers,
            peak_rss_bytes: machine::peak_rss_bytes(),
            key_bytes: session.key_bytes(),
            constant_bytes: session.constant_bytes(),
            predicted_bytes: case.memory.total(),
            params: case.described.clone(),
        }
    }
}
