//! What it costs, in memory, time and precision, to classify an encrypted image.

mod bench;
mod calibrate;
mod case;
mod classify;
mod config;
mod cost;
mod data;
mod files;
mod images;
mod import;
mod layers;
mod machine;
mod output;
mod plan;
mod plot;
mod prediction;
mod progress;
mod records;
mod run;
mod session;
mod simulation;
mod source;
mod statistics;
mod tables;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

/// Measures what it costs to classify an encrypted image: RNS-CKKS, ResNet-20, CIFAR-10.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Encrypts an image, classifies the ciphertext, decrypts, and compares with the plaintext model.
    Classify(classify::Args),
    /// Measures what each operation costs, from one transform to a bootstrap: seconds, memory, precision.
    #[command(long_about = bench::LONG_ABOUT)]
    Bench(bench::Args),
    /// Shows a case, or every case of a config, before anything runs: primes, levels, keys, security, memory, seconds.
    Plan(plan::Args),
    /// The paper's tables with ours beside them: parameters, accuracy, comparison, memory, sweep.
    Tables(tables::Args),
    /// Figures of runs, as SVG and PNG: precision, layers, ring, pareto, flips.
    Plot(plot::Args),
    /// Takes the noise of every step from encrypted images, for the simulated backend.
    Calibrate(calibrate::Args),
    /// Runs an experiment config: every case of its sweep over its images; resumes where it stopped.
    #[command(long_about = run::LONG_ABOUT)]
    Run(run::Args),
    /// CIFAR-10 on disk: fetches it, checks it against the official digests, lists it.
    Datasets(data::Args),
}

fn main() {
    let cli = Cli::try_parse().unwrap_or_else(|error| refuse(&error));
    let result = match cli.command {
        Command::Classify(args) => classify::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Tables(args) => tables::run(&args),
        Command::Plot(args) => plot::run(&args),
        Command::Calibrate(args) => calibrate::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Datasets(args) => data::run(&args),
    };
    if let Err(error) = result {
        eprintln!("error: {}", in_one_line(&error));
        std::process::exit(2);
    }
}

/// An error with its causes; some messages hold that of their cause already.
fn in_one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(|cause| cause.to_string().replace('\n', " ")) {
        if !line.ends_with(&cause) {
            line += if line.is_empty() { "" } else { ": " };
            line += &cause;
        }
    }
    line
}

/// Wrong arguments are one line, like every other error; help and version are as clap prints them.
fn refuse(error: &clap::Error) -> ! {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        error.exit();
    }
    let text = error.to_string();
    let first: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    eprintln!("{}; see --help", first.join(" "));
    std::process::exit(2);
}
