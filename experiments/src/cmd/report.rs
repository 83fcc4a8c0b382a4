//! `report`: writes the page of runs.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::report::source;
use crate::{output, page};

/// Help of the command.
pub(crate) const LONG_ABOUT: &str = "\
Writes one HTML file about runs, for reading, printing and passing on. It needs no network and loads nothing.

It has the question of each run and what came out, the warnings (partial, failed, simulated, changed sources, several
machines), what ran where, the cases as a table, the figures, the images with those first that changed their class, and
the layers. Tables sort by a click on a column's name, and filter by words and by limits:

  fused latency_s<20 precision_bits>=10

Point at a figure to see the case; click to find it in the table. The address keeps sorting and filters, so that a view can be
shared: report.html#sort=-latency_s&filter=fused

`run` writes the page of its run at its end, as report.html in the run's folder.

  cipherlab report results/paper results/fastest --out two.html
  cipherlab report                                             every run of results/, into report.html";

/// Arguments of `report`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folders of runs. Default: every folder of results/ with a run.json.
    #[arg(value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The page. It may replace another page, but no other file.
    #[arg(long, value_name = "FILE", default_value = page::FILE)]
    out: PathBuf,
    /// The most thumbnails, 0 to 10000. Images that failed or changed their class come first. Each takes some 500 bytes.
    #[arg(long, value_name = "COUNT", default_value_t = page::THUMBNAILS)]
    thumbnails: usize,
}

/// Runs `report`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let most = page::THUMBNAILS;
    ensure!(args.thumbnails <= most, "--thumbnails: found {}, wanted 0 to {most}", args.thumbnails);
    page::check(&args.out)?;
    let sources = source::read_all_idle(&args.folders)?;
    ensure!(!sources.is_empty(), "found no run in results/, wanted one with a run.json, such as `run` writes, or DIR");
    page::write(&args.out, &sources, args.thumbnails)?;
    output::note(&format!("{}\n", args.out.display()))
}
