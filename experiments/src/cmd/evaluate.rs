//! `evaluate`: the server's half, with public files only.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use fhe_nn::encrypted::Packing;
use indicatif::ProgressBar;
use serde::Serialize;

use crate::case::{AskedProfile, Case, CaseSpec, ServerArgs, Shelved};
use crate::output::{self, bytes};
use crate::roles::keys::Places;
use crate::roles::manifest::Manifest;
use crate::roles::parcel::{Direction, Parcel};
use crate::roles::server::{self, Bars, Evaluated, Hidden, Server};
use crate::{constants, machine, progress};

/// Arguments of `evaluate`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The public folder of a client's keys. The command has no use for a secret key.
    #[arg(long, value_name = "KEYS/public")]
    keys: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
    /// The folder that `encrypt` wrote.
    #[arg(long = "in", value_name = "UP")]
    from: PathBuf,
    /// A folder for the encrypted logits, one file each. Results that are there already are kept: a run that was killed
    /// goes on.
    #[arg(long, value_name = "DOWN")]
    out: PathBuf,
    /// Ciphertexts that are evaluated at once, each on its share of the threads. If not given, one after the other on all
    /// threads, and several only where there are more threads than one ciphertext keeps busy and memory allows.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    at_once: Option<u16>,
    /// A file for the encoded constants of the case. If it is not there, or is of another case, the constants are encoded and
    /// written to it; a server that starts again then maps them.
    #[arg(long, value_name = "FILE")]
    constants: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// The account of an evaluation.
#[derive(Serialize)]
struct Report {
    images: usize,
    /// Ciphertexts that were evaluated now.
    evaluated: usize,
    /// Ciphertexts whose logits were there already.
    kept: usize,
    seconds: Seconds,
    upload_bytes: u64,
    download_bytes: u64,
    evaluation_key_bytes: u64,
    peak_rss_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Seconds {
    /// Reading and checking the keys.
    load: f64,
    /// Encoding the constants, or mapping those that were stored.
    prepare: f64,
    /// Evaluating all ciphertexts.
    evaluate: f64,
}

/// Runs `evaluate`.
pub(crate) fn run(args: &Args) -> Result<()> {
    args.server.in_pool(|| {
        let ciphertexts = Parcel::expect(&args.from, Direction::Up)?.ciphertexts();
        let folder = Places::public_of(&args.keys);
        let manifest = Manifest::read(&folder)?;
        let case = case(args, &manifest).with_context(|| folder.display().to_string())?;
        let started = Instant::now();
        let read = |path| constants::read(path, &case);
        let mut stored = args.constants.as_deref().map(read).transpose()?.flatten();
        // Constants that are not in their file yet are encoded first: in memory, or by way of a second file beside theirs if the case
        // holds none in memory.
        let writes = args.constants.is_some() && stored.is_none();
        let shelved = if writes { Shelved::of_writing_server() } else { Shelved::of_server(stored.is_some()) };
        args.server.check_memory_beside(&case, case.mapped(stored.is_some()), shelved)?;
        let lanes = lanes(args.at_once, &case, ciphertexts)?;
        if let Some(path) = args.constants.as_deref().filter(|_| stored.is_none()) {
            constants::write(path, &case)?;
            // Another program may have replaced the file already. Then this one encodes its constants once more.
            stored = constants::read(path, &case)?;
        }
        let loading = started.elapsed().as_secs_f64();
        let key_bytes = manifest.evaluation_keys.bytes;
        let spinner = progress::spinner("reading keys".to_owned(), args.json);
        let mut server = Server::start(&folder, manifest, case, stored)?;
        server.prepare += loading;
        spinner.finish_and_clear();
        let parcel = server.open(&args.from, &args.out)?;
        let folders = [args.from.as_path(), args.out.as_path()];
        let evaluated = if args.json {
            server.evaluate(&parcel, folders, lanes, &Hidden)?
        } else {
            server.evaluate(&parcel, folders, lanes, &Shown)?
        };
        report(args, &server, &parcel, &evaluated, key_bytes)
    })
}

/// Returns the number of ciphertexts to evaluate at once: as many as were asked for, as far as there are so many.
///
/// # Errors
/// More than memory allows.
fn lanes(asked: Option<u16>, case: &Case, ciphertexts: usize) -> Result<usize> {
    let limit = server::memory_limit(case.dial().limit());
    let Some(asked) = asked else {
        return Ok(server::lanes(case, ciphertexts, rayon::current_num_threads(), limit));
    };
    let lanes = usize::from(asked).min(ciphertexts);
    let needed = server::memory_at_once(case, lanes);
    if let Some(limit) = limit.filter(|&limit| lanes > 1 && needed > limit) {
        let granted = case.dial().limit() == Some(limit);
        let whose = if granted { format!("--max-memory {}", case.dial()) } else { "what is there".to_owned() };
        bail!(
            "--at-once {asked}: predicted {}, wanted at most {} ({whose}); lower one or raise the other",
            bytes(needed),
            bytes(limit)
        );
    }
    Ok(lanes)
}

/// Bars on standard error.
struct Shown;

impl Bars for Shown {
    fn steps(&self, ciphertext: usize, of: usize) -> ProgressBar {
        ProgressBar::no_length().with_prefix(format!("{}/{of} ", ciphertext + 1))
    }

    fn ciphertexts(&self, count: usize) -> ProgressBar {
        progress::count(count, "ciphertexts")
    }
}

/// The case that the keys are for, with the server's weights.
fn case(args: &Args, manifest: &Manifest) -> Result<Case> {
    let relu = manifest.circuit.relu.parse().context("circuit.relu")?;
    let packing: Packing = manifest.circuit.packing.parse().context("circuit.packing")?;
    let profile = manifest.circuit.profile.clone().map(AskedProfile::new);
    let spec = CaseSpec { ring_dim: manifest.ring_dim()?, relu, packing, profile };
    args.server.case(&spec, manifest.is_insecure())
}

fn report(args: &Args, server: &Server, parcel: &Parcel, done: &Evaluated, evaluation_key_bytes: u64) -> Result<()> {
    let Evaluated { evaluated, kept, seconds, upload_bytes, download_bytes, .. } = done;
    let report = Report {
        images: parcel.images,
        evaluated: *evaluated,
        kept: *kept,
        seconds: Seconds { load: server.load, prepare: server.prepare, evaluate: *seconds },
        upload_bytes: *upload_bytes,
        download_bytes: *download_bytes,
        evaluation_key_bytes,
        peak_rss_bytes: machine::peak_rss_bytes(),
    };
    if args.json {
        return output::out(&format!("{}\n", serde_json::to_string(&report)?));
    }
    let kept = if *kept > 0 { format!(", {kept} were there already") } else { String::new() };
    let Seconds { load, prepare, evaluate } = report.seconds;
    output::out(&format!(
        "{}: logits of {} images in {} ciphertexts{kept}\n\
         seconds: reading keys {load:.2}, loading constants {prepare:.2}, evaluating {evaluate:.2}\n\
         memory: peak {}\nbytes: evaluation keys {}, upload {}, download {}\n",
        args.out.display(),
        parcel.images,
        parcel.ciphertexts(),
        report.peak_rss_bytes.map_or("unknown".to_owned(), bytes),
        bytes(evaluation_key_bytes),
        bytes(report.upload_bytes),
        bytes(report.download_bytes),
    ))
}
