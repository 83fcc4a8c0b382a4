//! `tables`: prints the paper's tables with ours beside them.

mod planner;
mod splice;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::ValueEnum;

use planner::ThisProgram;

use crate::output;
use crate::report::source;
use crate::report::tables::{Name, format};

/// Arguments of `tables`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folders of runs. Default: every folder of results/ with a run.json.
    #[arg(value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The table. Default: all of them.
    #[arg(long, value_name = "NAME")]
    table: Option<Name>,
    /// The format.
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,
    /// Renews the tables of this Markdown file in place, between `<!-- tables:NAME begin (command) -->` and `<!--
    /// tables:NAME end -->`, instead of printing them. Without DIR, each from the folders that its own command names.
    #[arg(long, value_name = "FILE", conflicts_with = "format")]
    splice: Option<PathBuf>,
}

/// The formats of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Markdown, as in a README.
    Markdown,
    /// LaTeX, as in a paper, for the package booktabs.
    Latex,
    /// CSV, for other programs: one table at a time. An empty cell was not measured.
    Csv,
}

/// Runs `tables`.
pub(crate) fn run(args: &Args) -> Result<()> {
    if let Some(file) = &args.splice {
        return splice::run(file, args.table, &args.folders);
    }
    ensure!(
        args.format != Format::Csv || args.table.is_some(),
        "--format csv: found no --table, wanted one; a CSV file holds one table"
    );
    let sources = source::read(&args.folders)?;
    let names = args.table.map_or(Name::value_variants().to_vec(), |name| vec![name]);
    let texts: Vec<String> = names
        .into_iter()
        .map(|name| {
            let table = name.table(&sources, &ThisProgram);
            match args.format {
                Format::Markdown => format!("## {}\n\n{}", table.title, format::markdown(&table)),
                Format::Latex => format::latex(&table),
                Format::Csv => format::csv(&table),
            }
        })
        .collect();
    output::out(&texts.join("\n"))
}
