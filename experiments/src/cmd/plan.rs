//! `plan`: shows a case before anything runs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::case::{CaseSpec, Dial, Shelved};
use crate::output::bytes;
use crate::plan::{Plan, sweep, text};
use crate::search::{self, Bounds, FEWEST_BITS, Front, Goal, MOST_BITS, Setting};
use crate::{case, files, output};

/// What `plan --help` says first.
pub(crate) const LONG_ABOUT: &str = "\
Shows a case, or every case of a config, before anything runs: primes, levels, keys, security, memory, seconds.

With --search it looks for circuits instead. A circuit has a profile: the sizes of its primes, the stages of the transforms
between slots and coefficients and the primes that they share, the ratio of the first prime to the messages, masks of
convolutions, rounds of layers to a bootstrap, special primes, and the series of EvalMod. Two profiles for polynomials are part of the program, wide and
narrow. Others cost less where a network needs fewer bits, and these are found from the precision down: EvalMod's primes
are as long as the bits in the worst slot ask for, all others so long that their errors hardly count. The noise of each
bootstrap is derived, not measured; derived and real ones differ by some tenths of a bit.

  cipherlab plan --search fastest --min-bits 12
  cipherlab plan --search smallest --ring-dim 32768 --weights resnet20-chebyshev7 --max-memory 1G
  cipherlab plan --search precise --write front
  cipherlab plan --circuit front/01-22.5-bits.toml
  cipherlab classify --image 0 --circuit front/01-22.5-bits.toml

A line for each circuit: predicted seconds of a ciphertext and of its bootstraps, memory, bits of a bootstrap in the worst
of all slots and in the mean, logQP, digits of the tallest key, main and special primes, the way of holding keys and constants, and
the shape of the profile. Each circuit is held as --max-memory says: in the fastest way that is predicted to fit so many bytes, or in
the leanest or the fastest of all; its seconds and its memory are those of that way. No line is
beaten by another in all of seconds, memory and worst bits. Seconds are those of the machine that `bench` measured, scaled to
this one. A network needs about eight bits in the worst slot; `run` with the key `profile` measures what it makes of fewer.";

/// Decimals of the bits in a file's name.
const BITS: usize = 1;

/// Arguments of `plan`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Plan every case of this config, in a line for each, instead of the case that the flags name.
    #[arg(conflicts_with_all = [
        "ring_dim", "relu", "packing", "circuit", "headroom", "weights", "card", "insecure", "kernels", "backend", "threads", "max_memory",
    ])]
    config: Option<PathBuf>,
    #[command(flatten)]
    case: case::Args,
    /// Search for circuits instead of planning one: primes, stages of both transforms, message ratio, masks, rounds, special
    /// primes and EvalMod, for the network, ring, activation and packing of the other flags. Prints those that no other beats
    /// in all of predicted seconds, memory and bits in the worst slot of a bootstrap, the best by this goal first.
    #[arg(long, value_name = "GOAL", conflicts_with_all = ["config", "circuit", "insecure"])]
    search: Option<Goal>,
    /// The fewest bits in the worst slot that the search keeps. The shipped circuits have 15 at N = 65536 and 9 at 32768.
    #[arg(long, value_name = "BITS", requires = "search", default_value_t = DEFAULT_BITS)]
    min_bits: f64,
    /// A folder for the circuits that the search found: a TOML file each, which --circuit and the key `profile` of configs
    /// take.
    #[arg(long, value_name = "DIR", requires = "search")]
    write: Option<PathBuf>,
    /// Print the plan as one JSON object, or what the search found.
    #[arg(long)]
    json: bool,
}

/// The default of `--min-bits`.
const DEFAULT_BITS: f64 = 8.0;

/// Runs `plan`.
pub(crate) fn run(args: &Args) -> Result<()> {
    if let Some(config) = &args.config {
        return sweep::run(config, args.json);
    }
    if let Some(goal) = args.search {
        return args.case.in_pool(|| search_for(args, goal));
    }
    args.case.in_pool(|| {
        let case = args.case.case()?;
        let plan = Plan::new(&case, args.case.check_memory(&case, Shelved::BOTH).err())?;
        if args.json {
            output::out(&format!("{}\n", serde_json::to_string(&plan)?))
        } else {
            output::out(&text::render(&plan))
        }
    })
}

/// Runs the search.
fn search_for(args: &Args, goal: Goal) -> Result<()> {
    let min_bits = args.min_bits;
    ensure!(
        (FEWEST_BITS..=MOST_BITS).contains(&min_bits),
        "--min-bits {min_bits}: wanted {FEWEST_BITS} to {MOST_BITS}; with fewer bits a network loses its classes, and primes are too short for more"
    );
    if let Some(folder) = &args.write {
        check_folder(folder).with_context(|| format!("--write {}", folder.display()))?;
    }
    let dial = args.case.dial().clone();
    let (CaseSpec { ring_dim, relu, packing, .. }, model, kernels) = args.case.parts()?;
    let setting = Setting { ring_dim, relu, packing, model, kernels };
    let front = search::search(&setting, goal, &Bounds { min_bits, dial })?;
    if let Some(folder) = &args.write {
        write(folder, &front, args.case.dial()).with_context(|| format!("--write {}", folder.display()))?;
    }
    if args.json {
        output::out(&format!("{}\n", serde_json::to_string(&front)?))
    } else {
        output::out(&search::text::render(&front))
    }
}

/// The end of the name of a circuit's file.
const ENDING: &str = "-bits.toml";

/// Fails for a folder with the circuits of another search: their numbers would mix with those of this one.
fn check_folder(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        ensure!(
            !name.to_string_lossy().ends_with(ENDING),
            "found {}, the circuit of another search, wanted a folder without",
            name.display()
        );
    }
    Ok(())
}

/// Writes the profile of each point to a file, with the dial that it was searched for.
fn write(folder: &Path, front: &Front, dial: &Dial) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for (index, point) in front.points.iter().enumerate() {
        let name = format!("{:02}-{:.BITS$}{ENDING}", index + 1, point.worst_bits);
        let text = format!(
            "# {:.2} s predicted, {}, {:.1} bits in the worst slot of a bootstrap, logQP = {:.0}\n# {}: use it with --max-memory {dial}\n\
             # seconds from {}\n{}",
            point.seconds,
            bytes(point.bytes),
            point.worst_bits,
            point.log_qp,
            point.holding,
            front.seconds_from,
            case::profile_text(&point.profile)
        );
        files::replace(&folder.join(name), text.as_bytes())?;
    }
    Ok(())
}
