//! `compare`: holds two runs against each other, with intervals and tests.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::ValueEnum;

use crate::output;
use crate::report::compare::limit::Limit;
use crate::report::compare::{Comparison, Doubt, Options, compare, export, show};
use crate::report::source;

/// Help of the command.
pub(crate) const LONG_ABOUT: &str = "\
Holds two runs against each other: B, the new one, against A, the old one. Both are folders that `run` wrote.

Cases make a pair if they have the same backend, ring dimension, activation, packing and weights, and in sweeps over them the
same threads and kernels; images if they have the same number. For each pair it prints

  latency      median seconds of an evaluation
  amortised    the same over the images in the ciphertext, where a ciphertext holds several
  memory       peak memory of the process: one measurement a run, so without an interval; under 1 % is no difference
  logit-error  median over the images of the largest logit error, against the plaintext model with the same polynomials
  accuracy     share of the images with the class of their label
  flips        share of the images whose class is not that of the plaintext model with exact ReLUs

with the difference (B less A; of errors in bits, less is worse), the ratio (B over A), a 95 % interval and a p-value. The interval
of a ratio of medians comes from 2000 resamples of the pairs with a fixed seed, that of a difference of shares is Newcombe's for
paired shares. The tests are Wilcoxon's signed-rank test on the logarithms of ratios, and McNemar's exact test on classes. A
difference is seen if the interval excludes equality and p is below 0.05: \"no difference seen\" means that these images do not
show one, not that there is none.

\"not comparable\" comes with its reason. Seconds of two machines never compare; multiples of a transform that each machine ran
do (--in-yardsticks). Other reasons can be accepted if they are what you ask about: --accept threads compares two runs with
other numbers of threads.

  cipherlab compare results/before results/after
  cipherlab compare results/packing results/packing --case-a CASE --case-b CASE
  cipherlab compare results/before results/after --fail-if slower:5% --fail-if less-accurate:0.5%

Status 0: compared. Status 1: a limit of --fail-if is broken. Status 2: there was nothing to compare, or a limit could not be
checked in any pair.";

/// Arguments of `compare`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of the run to compare with.
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The folder of the run that is compared.
    #[arg(value_name = "B")]
    b: PathBuf,
    /// One case of both runs. Default: every case that they have in common.
    #[arg(long, value_name = "ID", conflicts_with_all = ["case_a", "case_b"])]
    case: Option<String>,
    /// The case of A. It is held against the case of B that has the same settings, or against that of --case-b.
    #[arg(long, value_name = "ID")]
    case_a: Option<String>,
    /// The case of B.
    #[arg(long, value_name = "ID")]
    case_b: Option<String>,
    /// Compares seconds as multiples of the transform that each machine ran.
    #[arg(long)]
    in_yardsticks: bool,
    /// Differences between the runs that you accept. May be repeated.
    #[arg(long, value_enum, value_delimiter = ',')]
    accept: Vec<Doubt>,
    /// Ends with status 1 if B is worse than A by more than this, for sure: the whole interval is beyond it. slower:5%,
    /// larger:5%, less-precise:0.5bits, less-accurate:0.5% or more-flips:0.5% (percentage points of the images). May be
    /// repeated.
    #[arg(long, value_name = "LIMIT")]
    fail_if: Vec<Limit>,
    /// The format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The formats of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Aligned columns, for a terminal.
    Text,
    /// Markdown, for a README or a review.
    Markdown,
    /// A line for each quantity, in seconds, bytes and shares.
    Csv,
    /// One object, in seconds, bytes and shares.
    Json,
}

/// Runs `compare`. The process ends with status 1 if a limit is broken.
pub(crate) fn run(args: &Args) -> Result<()> {
    let cases = [&args.case_a, &args.case_b].map(|own| own.as_ref().or(args.case.as_ref()).map(String::as_str));
    let same = args.a.canonicalize().ok().is_some_and(|a| args.b.canonicalize().is_ok_and(|b| a == b));
    ensure!(
        !same || (cases[0] != cases[1] && cases[0].is_some() && cases[1].is_some()),
        "{}: found one folder twice, wanted two, or two cases by --case-a and --case-b",
        args.a.display()
    );
    let (a, b) = (source::read_idle(&args.a)?, source::read_idle(&args.b)?);
    let options = Options { cases, accept: &args.accept, in_yardsticks: args.in_yardsticks };
    let comparison = compare([&a, &b], &options)?;
    let text = match args.format {
        Format::Text => show::plain(&comparison),
        Format::Markdown => show::markdown(&comparison),
        Format::Csv => export::csv(&comparison),
        Format::Json => export::json(&comparison),
    };
    output::out(&text)?;
    if check(&args.fail_if, &comparison)? {
        std::process::exit(1);
    }
    Ok(())
}

/// Returns whether a limit is broken, and prints a line for each pair that breaks one.
///
/// # Errors
/// If a limit could not be checked in any pair.
fn check(limits: &[Limit], comparison: &Comparison) -> Result<bool> {
    let mut broken = false;
    for limit in limits {
        let outcome = limit.check(comparison);
        outcome.broken.iter().for_each(|line| eprintln!("{line}"));
        broken |= !outcome.broken.is_empty();
        let unchecked = outcome.unchecked.first();
        ensure!(outcome.checked > 0, "not checked: {}", unchecked.map_or("", String::as_str));
        outcome.unchecked.iter().for_each(|line| eprintln!("warning: not checked: {line}"));
    }
    Ok(broken)
}
