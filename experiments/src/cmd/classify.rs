//! `classify`: sends encrypted images through the network.

use std::path::PathBuf;

use anyhow::Result;
use fhe_ring::SecretRng;
use indicatif::ProgressBar;

use crate::case::{self, Case, Shelved};
use crate::classify::report::{Report, Seconds};
use crate::classify::{picture, table};
use crate::images::{self, Named, SetArgs};
use crate::layers::{Deviation, Reference};
use crate::output::rounded;
use crate::profiling::{self, Profile};
use crate::session::{Evaluation, ImageEvaluation, Session};
use crate::verdict::{self, NoClass};
use crate::{machine, output, progress, secrecy};

/// Most decimals that logits are shown with, unless more are asked for.
const DIGITS: usize = 6;

/// Arguments of `classify`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Test images by number (7), range (0..20 or 0-19) or list (1,4,9), or PNG or JPEG files; may be repeated. Images
    /// 0 to 99 are embedded, `datasets fetch` brings the others.
    #[arg(long = "image", value_name = "N|FILE", default_value = "0", num_args = 1..)]
    images: Vec<String>,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    case: case::Args,
    /// Seed of all keys and noise, for a run that repeats bit for bit. NOT SECRET: without it the operating system's
    /// randomness is used.
    #[arg(long)]
    seed: Option<u64>,
    /// Decrypt after each step, outside the timed path, and compare with the plaintext model.
    #[arg(long)]
    trace: bool,
    /// Print one JSON object for each image instead of tables.
    #[arg(long)]
    json: bool,
    /// Decimals of the logits that are shown. Without it as many as hide the noise of decryption, which leaks
    /// information about the secret key: a person who does not hold the key must not see more.
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=17))]
    digits: Option<u8>,
    /// Write to this folder where the time and the memory go, as tables and figures; --help lists the columns.
    #[arg(long, value_name = "DIR", long_help = profiling::describe())]
    profile: Option<PathBuf>,
}

/// Runs `classify`. The process ends with status 1 if an image has no class.
pub(crate) fn run(args: &Args) -> Result<()> {
    let without_class = args.case.in_pool(|| {
        let profile = args.profile.as_deref().map(Profile::start).transpose()?;
        let images = images::load(&args.images, args.set.load()?.as_ref())?;
        let case = args.case.case()?;
        args.case.check_memory(&case, Shelved::BOTH)?;
        profiling::close("setup", "preparation");
        let described = case.described.clone();
        let without_class = Job::start(args, case)?.classify_all(&images)?;
        if let Some(profile) = profile {
            let case = format!("N = {}, {}, {}", described.ring_dim, described.relu, described.packing);
            let summary = profile.finish(&case)?;
            if !args.json {
                output::out(&summary)?;
            }
        }
        Ok(without_class)
    })?;
    if without_class > 0 {
        std::process::exit(1);
    }
    Ok(())
}

/// A session with the arguments of the command.
struct Job<'a> {
    args: &'a Args,
    session: Session,
    rng: SecretRng,
}

impl<'a> Job<'a> {
    fn start(args: &'a Args, case: Case) -> Result<Self> {
        if args.seed.is_none() {
            secrecy::forbid_dumps()?;
        }
        let mut rng = args.seed.map_or_else(SecretRng::from_os, SecretRng::seeded);
        let spinner = progress::spinner(format!("generating keys at N = {}", case.params.n()), args.json);
        let session = Session::start(case, &mut rng)?;
        spinner.finish_and_clear();
        Ok(Self { args, session, rng })
    }

    /// Classifies and reports every image. Returns how many have no class.
    fn classify_all(&mut self, images: &[Named]) -> Result<usize> {
        let mut reports = Vec::new();
        for together in images.chunks(self.session.images()) {
            if !self.args.json && output::colours() {
                together.iter().try_for_each(|named| output::out(&picture::render(&named.image)))?;
            }
            for (k, report) in self.classify(together)?.into_iter().enumerate() {
                // The images of a ciphertext share the seconds of layers, but not the errors of a trace.
                let with_layers = k == 0 || self.args.trace;
                if self.args.json {
                    output::out(&format!("{}\n", serde_json::to_string(&report)?))?
                } else {
                    output::out(&format!("{}\n", table::render(&report, with_layers)))?
                }
                reports.push(report);
            }
        }
        if !self.args.json && reports.len() > 1 {
            output::out(&table::summary(&reports))?;
        }
        Ok(reports.iter().filter(|report| report.class.is_none()).count())
    }

    /// Classifies the images of one ciphertext.
    fn classify(&mut self, images: &[Named]) -> Result<Vec<Report>> {
        profiling::next_ciphertext();
        let Self { args, session, rng } = self;
        let case = session.case();
        let inputs: Vec<Vec<f64>> = images.iter().map(|named| case.input(&named.image)).collect();
        let inputs: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
        let references = session.references(&inputs, args.trace);
        let bar = if args.json { ProgressBar::hidden() } else { ProgressBar::no_length() };
        let mut evaluation = session.evaluate(&inputs, &references, rng, bar)?;
        let overflows: Vec<usize> =
            references.iter().map(|reference| reference.polynomial.outcome.overflows()).collect();
        let evaluated = std::mem::take(&mut evaluation.images).into_iter().zip(references);
        let reports = images.iter().zip(evaluated).enumerate().map(|(k, (named, (image, reference)))| {
            let others = overflows.iter().enumerate().filter(|(other, _)| *other != k);
            let neighbour = others.map(|(_, overflow)| overflow).sum::<usize>() > 0;
            self.report(named, &evaluation, image, reference, neighbour)
        });
        Ok(reports.collect())
    }

    /// Returns the report of an image. `neighbour` means that another image in its ciphertext left its intervals.
    fn report(
        &self,
        named: &Named,
        evaluation: &Evaluation,
        image: ImageEvaluation,
        reference: Reference,
        neighbour: bool,
    ) -> Report {
        let session = &self.session;
        let case = session.case();
        let (bound, clear) = (case.logit_bound(), reference.polynomial.outcome);
        let outside = verdict::outside(case.program.network(), &clear);
        let check = |logits: &[f64]| match (outside.is_empty(), neighbour) {
            (false, _) => Err(NoClass::Outside(outside.clone())),
            (true, true) => Err(NoClass::Neighbour),
            (true, false) => verdict::class(logits, bound),
        };
        let class = check(&image.logits);
        let deviation = Deviation::between(&image.logits, &clear.logits);
        let digits = self.args.digits.map_or_else(|| digits_that_hide(deviation.max), usize::from);
        Report {
            image: named.name.clone(),
            batch: session.images(),
            class_name: class.as_ref().ok().map(|&class| case.classes()[class].clone()),
            classes: case.classes().to_vec(),
            no_class: class.as_ref().err().map(NoClass::to_string),
            class: class.ok(),
            label: named.image.label,
            plain_class: check(&clear.logits).ok(),
            exact_class: reference.exact.outcome.class().filter(|_| reference.exact.outcome.overflows() == 0),
            max_abs_error: deviation.max,
            precision_bits: deviation.bits(),
            logits: image.logits.iter().map(|logit| rounded(*logit, digits)).collect(),
            digits,
            logit_errors: image.logits.iter().zip(&clear.logits).map(|(a, b)| one_digit((a - b).abs())).collect(),
            plain_logits: clear.logits,
            outside_intervals: outside,
            seconds: Seconds {
                keygen: session.keygen,
                encrypt: evaluation.encrypt,
                evaluate: evaluation.evaluate,
                decrypt: evaluation.decrypt,
            },
            layers: image.layers,
            peak_rss_bytes: machine::peak_rss_bytes(),
            key_bytes: session.serving.key_bytes(),
            constant_bytes: session.serving.constant_bytes(),
            predicted_bytes: case.plan.memory.total(),
            params: case.described.clone(),
        }
    }
}

/// Returns the largest number of decimals whose unit is at least twice this error, so that rounding hides it.
fn digits_that_hide(error: f64) -> usize {
    let digits = (0..=DIGITS).rev().find(|&digits| 10f64.powi(-(digits as i32)) >= 2.0 * error);
    digits.unwrap_or(0)
}

/// Returns the value with one significant digit.
fn one_digit(value: f64) -> f64 {
    format!("{value:.0e}").parse().expect("a formatted number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_hides_the_error() {
        assert_eq!([1.5e-5, 4.9e-4, 0.026, 0.7, 1e6, f64::NAN].map(digits_that_hide), [4, 3, 1, 0, 0, 0]);
        assert_eq!(digits_that_hide(0.0), DIGITS);
        assert_eq!(rounded(-1.23456789, 4), -1.2346);
        assert_eq!(one_digit(1.47e-5), 1e-5);
        assert!(rounded(f64::NAN, 2).is_nan() && rounded(f64::INFINITY, 2).is_infinite());
    }
}
