//! `run`: an experiment config, case by case and image by image.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::config::Config;
use crate::records::schema;
use crate::run::shard::Shard;
use crate::run::start::{self, Start};
use crate::run::{columns, merge, tally};
use crate::{case, output, page};

/// The manual.
pub(crate) const LONG_ABOUT: &str = concat!(
    "Runs an experiment config: every case of its sweep over its images.\n\n",
    include_str!("../run/manual.txt")
);

/// Arguments of `run`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The config.
    #[arg(required_unless_present_any = ["merge", "columns", "schema"], conflicts_with = "merge")]
    config: Option<PathBuf>,
    /// The folder to write to; results/NAME if not given.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Run part I of N of the images of every case, in a folder shard-I-of-N inside that of the run. Images of
    /// different shards never share a ciphertext.
    #[arg(long, value_name = "I/N", conflicts_with = "merge")]
    shard: Option<String>,
    /// Join the shards in these folders, or in folders shard-I-of-N inside of them, to one run in --out.
    #[arg(long, value_name = "DIR", num_args = 1.., requires = "out")]
    merge: Vec<PathBuf>,
    /// Print the meaning of each column of the files, and run nothing.
    #[arg(long, conflicts_with_all = ["config", "out", "shard", "merge"])]
    columns: bool,
    /// Print schema.json, which has the type and the unit of each column, and run nothing.
    #[arg(long, conflicts_with_all = ["config", "out", "shard", "merge", "columns"])]
    schema: bool,
}

/// Runs `run`. The process ends with status 1 if an evaluation failed, an image is without a class, or a case could not
/// run.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.columns {
        return output::out(&columns::describe());
    }
    if args.schema {
        return output::out(&schema());
    }
    if let Some(out) = args.out.as_ref().filter(|_| !args.merge.is_empty()) {
        let merged = merge::merge(&args.merge, out)?;
        page::of_run(out);
        if !merged.flawless() {
            std::process::exit(1);
        }
        return Ok(());
    }
    let shard = args.shard.as_ref().map(|text| text.parse::<Shard>().with_context(|| format!("--shard {text}")));
    let shard = shard.transpose()?;
    let config = Config::read(args.config.as_ref().context("found no config, wanted one")?)?;
    let out = args.out.clone().unwrap_or_else(|| Path::new("results").join(&config.name));
    let out = shard.map_or(out.clone(), |shard| out.join(shard.folder()));
    let tally = case::in_pool(config.threads(), "threads", || {
        let model = config.model()?;
        match start::start(&config, &model, shard, None, &out)? {
            Start::Finished(run) => tally::show(&run, &config.question),
            Start::Ready(sweep) => {
                let tally = sweep.run()?;
                page::of_run(&out);
                Ok(tally)
            }
        }
    })?;
    if !tally.flawless() {
        std::process::exit(1);
    }
    Ok(())
}
