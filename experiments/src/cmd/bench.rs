//! `bench`: the cost of each operation at one set of parameters, in seconds and in transforms.

use std::path::PathBuf;

use anyhow::{Result, bail};
use fhe_ckks::Parameters;
use fhe_nn::Approximation;
use fhe_ring::SecretRng;
use indicatif::{ProgressBar, ProgressStyle};

use crate::bench::setting::Setting;
use crate::bench::{operations, report};
use crate::{case, machine, measurements, output, secrecy};

/// log2 of the ring dimensions measured.
const LOG_N: std::ops::RangeInclusive<u32> = 10..=17;

/// The manual.
pub(crate) const LONG_ABOUT: &str = "\
Measures what the operations of encrypted evaluation cost, from one transform to a bootstrap.

The parameters are those of the network at the ring dimension asked for. Every operation runs once to warm up, then \
repeatedly; the table gives the median, and the shortest and longest run as the spread. Results are decrypted and \
checked before their time counts.

Two columns give times as multiples of one forward number-theoretic transform of N coefficients modulo a 50-bit prime \
on one thread, sampled between the operations all along the run:
  ntts  the reference transform: plain code that stays the same in every version, to compare machines and versions
        (files of earlier versions have multiples of the tfhe-ntt crate's transform here)
  own   the transform of the kernels that are measured

bits and mean are -log2 of the largest and of the mean error over random slots in [-1, 1]. limbs is the number of \
primes of the operand: operations are measured at the highest level and at the level of the convolutions. Transforms \
run on one thread, except for ntt_all_threads; all other operations may use every thread (column thr).

  ntt, inverse_ntt      one limb; *_every_prime: one limb of each prime, one after another
  ntt_reference         one limb, the reference transform
  ntt_all_threads       32 limbs shared by all threads, by the least time of each; on another machine `plan` scales its
                        predictions by it
  encode                a vector to a plaintext polynomial
  rotation_key          generation of one key; circuit_keys: of those of the ReLU and all bootstraps
  mod_up                gadget digits of a polynomial, raised to the special primes
  key_switch            mod_up, product with the key, division by the special primes
  rotate_hoisted        each of 8 rotations that share a mod_up; rotate: a single rotation
  add                   two ciphertexts; multiply_plain: a ciphertext and an encoded vector, not rescaled
  multiply              with relinearisation; multiply_rescale: rescaled in the same division
  rescale               division by the last prime
  relu                  the network's polynomial of degree 59 (lower in small rings), on a bootstrapped ciphertext
  bootstrap             the network's: slots to coefficients first. It returns the sine of the message, which the
                        network's ReLU inverts; here it is inverted after decryption
  bootstrap_arcsine     the more precise one: EvalMod by the exponential, and an arcsine under encryption
  bootstrap_constants   the matrices of a bootstrap, encoded once
  held_packed           a bootstrap with packed keys and constants in memory, to compare with the ways of --max-memory:
  held_words            keys in words
  held_keys_in_file, held_constants_in_file
                        keys or constants in a file without a name in $TMPDIR or /var/tmp
  held_constants_when_used
                        constants that are encoded for each bootstrap
  peak_memory           of the run up to there (without the held_ rows), as the operating system counts it

In a ring too small for a bootstrap at 128 bits of security, the operations that fit are measured. The output names \
the others and says why they do not fit.

With --json, one JSON object a line: first the provenance of the figures, then an object for each operation (op, log_n, \
slots, limbs, seconds, ntts, own_ntts, bits, mean_bits, bytes and more). null means not measured. --save stores these \
lines for `plan` and `--max-memory`. Without stored lines, `plan` predicts from shipped ones, which another machine measured.";

/// Arguments of `bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Ring dimension N, a power of two from 1024 to 131072. Bootstraps need 32768.
    #[arg(long, default_value_t = 65536)]
    ring_dim: usize,
    /// The polynomial that replaces ReLU, as in `classify`; chebyshev:59 if not given, chebyshev:15 below 65536.
    #[arg(long)]
    relu: Option<Approximation>,
    /// Print one JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    kernels: case::KernelArgs,
    /// Threads, at most 64 or four for each core; one for each core if not given.
    #[arg(long, allow_negative_numbers = true)]
    threads: Option<usize>,
    /// Seed of all keys, noise and data. Without it the operating system's randomness is used.
    #[arg(long)]
    seed: Option<u64>,
    /// Runs of every operation after the warm-up; if not given, as many as half a second allows, at least three.
    #[arg(long, value_name = "RUNS", value_parser = clap::value_parser!(u32).range(1..))]
    repeat: Option<u32>,
    /// Store the measurements for the predictions of `plan`: in FILE, or in the place where `plan` looks for them.
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    save: Option<Option<PathBuf>>,
    /// Take the network's parameters at any ring dimension, for tests of this command.
    #[arg(long, hide = true)]
    insecure: bool,
}

/// Runs `bench`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let log_n = args.ring_dim.trailing_zeros();
    if !args.ring_dim.is_power_of_two() || !LOG_N.contains(&log_n) {
        let (least, most) = (1u32 << LOG_N.start(), 1u32 << LOG_N.end());
        bail!("--ring-dim {}: wanted a power of two from {least} to {most}, such as 65536", args.ring_dim);
    }
    case::in_pool(args.threads, "--threads", || measure(args, log_n))
}

fn measure(args: &Args, log_n: u32) -> Result<()> {
    let load_average = machine::load_average();
    let mut setting = Setting::new(log_n, args.relu.clone(), args.insecure)?;
    setting.parameters.kernels = args.kernels.choose()?;
    let params = Parameters::try_from(setting.parameters.clone())?;
    let rng = match args.seed {
        Some(seed) => SecretRng::seeded(seed),
        None => {
            secrecy::forbid_dumps()?;
            SecretRng::from_os()
        }
    };
    let repeat = args.repeat.map(|repeat| repeat as usize);

    let style = ProgressStyle::with_template("{elapsed_precise} {spinner} {pos} {msg}").expect("a valid template");
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    let measured = operations::measure(setting, &params, repeat, rng, &bar);
    bar.finish_and_clear();
    let measured = measured?;

    let provenance = report::Provenance::new(&params, &measured, load_average);
    if let Some(file) = &args.save {
        let default = || measurements::saved(args.ring_dim, params.ring().kernels());
        let path = file.clone().map_or_else(default, Ok)?;
        measurements::save(&path, &report::json(&provenance, &params, &measured)?)?;
        eprintln!("{}: measurements stored", path.display());
    }
    if args.json {
        output::out(&report::json(&provenance, &params, &measured)?)?
    } else {
        output::out(&report::table(&provenance, &params, &measured))?
    }
    Ok(())
}
