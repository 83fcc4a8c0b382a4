//! The command line: its commands, and how the process ends.

use anyhow::Result;
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::cmd::{
    bench, calibrate, classify, compare, datasets, decrypt, encrypt, evaluate, keygen, model, plan, plot, report, run,
    slurm, suite, supervise, tables,
};
use crate::output::in_one_line;
use crate::suite::stage::Call;
use crate::supervise::COMMAND;

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
    /// Client: makes the secret key, and the public keys for the server.
    #[command(long_about = keygen::LONG_ABOUT)]
    Keygen(keygen::Args),
    /// Client: encrypts images to a folder of ciphertexts.
    Encrypt(encrypt::Args),
    /// Server: evaluates the network on encrypted images, with public keys only.
    Evaluate(evaluate::Args),
    /// Client: decrypts the logits that the server returned.
    Decrypt(decrypt::Args),
    /// Measures what each operation costs, from one transform to a bootstrap: seconds, memory, precision.
    #[command(long_about = bench::LONG_ABOUT)]
    Bench(bench::Args),
    /// Shows a case, or every case of a config, before anything runs: primes, levels, keys, security, memory, seconds.
    #[command(long_about = plan::LONG_ABOUT)]
    Plan(plan::Args),
    /// The paper's tables with ours beside them: parameters, accuracy, comparison, memory, sweep, engines.
    Tables(tables::Args),
    /// Figures of runs, as SVG and PNG: precision, layers, ring, pareto, flips, engines, speedup, memory.
    Plot(plot::Args),
    /// Holds two runs against each other, with intervals and tests.
    #[command(long_about = compare::LONG_ABOUT)]
    Compare(compare::Args),
    /// Writes one HTML file about runs: outcome, warnings, cases, figures, images, layers. It needs no network.
    #[command(long_about = report::LONG_ABOUT)]
    Report(report::Args),
    /// Takes the noise of every step from encrypted images, for the simulated backend.
    Calibrate(calibrate::Args),
    /// Runs an experiment config: every case of its sweep over its images; resumes where it stopped.
    #[command(long_about = run::LONG_ABOUT)]
    Run(run::Args),
    /// Runs an experiment config on a cluster under Slurm, in array jobs of near-equal tasks.
    #[command(long_about = slurm::LONG_ABOUT)]
    Slurm(slurm::Args),
    /// Prepares networks of yours: writes the model card of a checkpoint.
    Model(model::Args),
    /// A submission to the FHE Benchmarking Suite.
    Suite(suite::Args),
    /// CIFAR-10 on disk: fetches it, checks it against the official digests, lists it.
    Datasets(datasets::Args),
    /// Runs another program for this one, and measures it.
    #[command(name = COMMAND, hide = true)]
    Supervise,
}

/// Runs the program on the arguments of the process. The process ends with status 2 after an error.
pub fn main() {
    if let Some(call) = Call::of_process() {
        return end(call.run());
    }
    let cli = Cli::try_parse().unwrap_or_else(|error| refuse(&error));
    let result = match cli.command {
        Command::Classify(args) => classify::run(&args),
        Command::Keygen(args) => keygen::run(&args),
        Command::Encrypt(args) => encrypt::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Decrypt(args) => decrypt::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Tables(args) => tables::run(&args),
        Command::Plot(args) => plot::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Calibrate(args) => calibrate::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Slurm(args) => slurm::run(&args),
        Command::Model(args) => model::run(&args),
        Command::Suite(args) => suite::run(&args),
        Command::Datasets(args) => datasets::run(&args),
        Command::Supervise => supervise::run(),
    };
    end(result);
}

/// Ends the process with status 2 after an error.
fn end(result: Result<()>) {
    if let Err(error) = result {
        eprintln!("error: {}", in_one_line(&error));
        std::process::exit(2);
    }
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
