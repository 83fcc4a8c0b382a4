//! What it costs, in memory, time and precision, to classify an encrypted image.

mod bench;
mod classify;
mod machine;

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
}

fn main() {
    let result = match Cli::parse().command {
        Command::Classify(args) => classify::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    if let Err(error) = result {
        eprintln!("error: {error:#}");
        std::process::exit(2);
    }
}
