//! `plot`: draws figures of runs as SVG and PNG, each with the spec that redraws it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use crate::output;
use crate::report::plot::draw;
use crate::report::plot::figure::Figure;
use crate::report::plot::kinds::FigureKind;
use crate::report::plot::spec::Spec;
use crate::report::source::{self, Source};

/// Arguments of `plot`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folders of runs. Default: every folder of results/ with a run.json.
    #[arg(value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The figure. Default: all of them.
    #[arg(long, value_name = "NAME")]
    figure: Option<FigureKind>,
    /// Draws all folders into one figure of each kind, under this name. Default: figures for each folder.
    #[arg(long, value_name = "NAME")]
    together: Option<String>,
    /// The folder for the figures.
    #[arg(long, value_name = "DIR", default_value = "plots")]
    out: PathBuf,
    /// Draws the figure of this spec again, in place. The folders in it are relative to the working directory.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["folders", "figure", "together", "out"])]
    spec: Option<PathBuf>,
}

/// Runs `plot`.
pub(crate) fn run(args: &Args) -> Result<()> {
    if let Some(file) = &args.spec {
        return redraw(file);
    }
    let sources = source::read(&args.folders)?;
    ensure!(!sources.is_empty(), "found no run in results/, wanted one with a run.json, such as `run` writes, or DIR");
    let groups: Vec<(&str, &[Source])> = match &args.together {
        Some(name) => vec![(name.as_str(), &sources[..])],
        None => sources.iter().map(|source| (source.name(), std::slice::from_ref(source))).collect(),
    };
    let names: BTreeSet<_> = groups.iter().map(|group| group.0).collect();
    ensure!(names.len() == groups.len(), "found two runs of one name, wanted names of their own, or --together NAME");
    let kinds = args.figure.map_or(FigureKind::value_variants().to_vec(), |kind| vec![kind]);
    let mut drawn = 0;
    for (name, sources) in groups {
        for &kind in &kinds {
            let stem = format!("{}-{}", file_name(name), kind.word());
            match kind.figure(name, sources) {
                Ok(figure) => {
                    std::fs::create_dir_all(&args.out).with_context(|| format!("--out {}", args.out.display()))?;
                    write(&args.out.join(stem), &figure, &Spec::new(kind, name, sources))?;
                    drawn += 1;
                }
                Err(reason) => eprintln!("skipped {stem}: {reason}"),
            }
        }
    }
    ensure!(drawn > 0, "nothing was drawn: found no figure with enough data, wanted one; the lines above say why");
    Ok(())
}

fn redraw(file: &Path) -> Result<()> {
    let shown = file.display();
    let spec = Spec::read(file)?;
    let sources = source::read(&spec.folders)?;
    let renewed = Spec::new(spec.kind, &spec.name, &sources);
    if renewed != spec {
        eprintln!("{shown}: the runs are not those that it was drawn from; it is renewed");
    }
    match spec.kind.figure(&spec.name, &sources) {
        Ok(figure) => write(&file.with_extension(""), &figure, &renewed),
        Err(reason) => bail!("{shown}: nothing was drawn: {reason}"),
    }
}

/// Writes the three files of a figure and prints their names.
fn write(stem: &Path, figure: &Figure, spec: &Spec) -> Result<()> {
    let files =
        [("svg", draw::svg(figure)?.into_bytes()), ("png", draw::png(figure)?), ("toml", spec.text()?.into_bytes())];
    for (extension, bytes) in files {
        // A dot in the name does not begin an extension.
        let path = PathBuf::from(format!("{}.{extension}", stem.display()));
        std::fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        output::note(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

/// Returns the name with the characters replaced that file systems and shells treat specially.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect()
}
