//! `slurm`: a run on a cluster, in array jobs.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Subcommand;
use datasets::digest::sha256;

use crate::case::Model;
use crate::config::Config;
use crate::run::answers;
use crate::slurm::layout::{LENGTH_S, Layout, Wish};
use crate::slurm::{Asked, Planned, demand, duration, merge, status, submit, task, template};
use crate::{case, output, page};

/// The manual.
pub(crate) const LONG_ABOUT: &str =
    concat!("Runs an experiment config on a cluster under Slurm.\n\n", include_str!("../slurm/manual.txt"));

/// Arguments of `slurm`.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    new: New,
}

/// Arguments of a run that is to be sent.
#[derive(clap::Args)]
struct New {
    /// The config.
    #[arg(required = true)]
    config: Option<PathBuf>,
    /// The folder of the run; results/NAME if not given. All nodes must see it.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The partition; the cluster's default if not given.
    #[arg(long, value_name = "NAME")]
    partition: Option<String>,
    /// The time limit of a task, as sbatch takes it: minutes, HH:MM:SS or D-HH:MM:SS. Cases are split until each task is
    /// predicted to take a tenth less. If not given, tasks are of one hour, and the limit is twice the prediction.
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Tasks that share the images of each case. If not given, as few as the length of a task allows.
    #[arg(long, value_name = "N")]
    nodes_per_case: Option<usize>,
    /// Threads of a task where the config says nothing; the cores of this machine if not given.
    #[arg(long, value_name = "N")]
    cpus_per_task: Option<usize>,
    /// A file of lines for every script: `#SBATCH` lines, then commands such as `module load`.
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Print the plan and the scripts; write and send nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Subcommand)]
enum Action {
    /// Shows what is done, runs, waits, or failed and why. Ends with status 1 if a task failed.
    Status(Of),
    /// Sends the tasks again that failed, and no others.
    Resubmit(Of),
    /// Joins the rows of all tasks; the last job does it.
    Merge(Of),
    /// Evaluates a task; the array jobs do it.
    Task(One),
}

/// The folder of a run that was sent.
#[derive(clap::Args)]
struct Of {
    /// The folder of the run.
    #[arg(value_name = "DIR")]
    run: PathBuf,
}

/// A task of a run that was sent.
#[derive(clap::Args)]
struct One {
    /// The folder of the run.
    #[arg(value_name = "DIR")]
    run: PathBuf,
    /// Number of the array job in the plan.
    job: usize,
    /// Index of the task in the array.
    index: usize,
}

/// Runs `slurm`. The process ends with status 1 if a task failed, or a case of the task could not run.
pub(crate) fn run(args: &Args) -> Result<()> {
    let well = match &args.action {
        None => args.new.send().map(|()| true),
        Some(Action::Status(of)) => status::report(&of.run).and_then(|(text, well)| output::out(&text).map(|()| well)),
        Some(Action::Resubmit(of)) => submit::resubmit(&of.run).and_then(|text| output::out(&text)).map(|()| true),
        Some(Action::Merge(of)) => merge::merge(&of.run).map(|()| page::of_run(&of.run)).map(|()| true),
        Some(Action::Task(one)) => task::run(&one.run, one.job, one.index),
    };
    if !well? {
        std::process::exit(1);
    }
    Ok(())
}

impl New {
    fn send(&self) -> Result<()> {
        let path = self.config.as_ref().context("found no config, wanted one")?;
        let read = |text: &String| duration::read(text).with_context(|| format!("--time {text}"));
        let time_s = self.time.as_ref().map(read).transpose()?;
        let template = self.template.as_deref().map_or(Ok(String::new()), template::read)?;
        let asked = Asked { partition: self.partition.clone(), time: self.time.clone(), template };
        for (flag, count) in [("--nodes-per-case", self.nodes_per_case), ("--cpus-per-task", self.cpus_per_task)] {
            ensure!(count != Some(0), "{flag} 0: wanted 1 or more");
        }
        case::in_pool(None, "threads", || {
            let config = Config::read(path)?;
            let model = config.model()?;
            let planned = self.plan(path, &config, &model, time_s)?;
            if self.dry_run {
                return output::out(&(table(&planned) + &planned.in_full(&asked)));
            }
            let run = self.out.clone().unwrap_or_else(|| Path::new("results").join(&planned.name));
            let sent = submit::submit(&run, &planned, &asked, |place| answers::share(&config, &model, place))?;
            let hint = format!("`cipherlab slurm status {}` shows what becomes of them\n", run.display());
            output::out(&(table(&planned) + &sent + &hint))
        })
    }

    fn plan(&self, path: &Path, config: &Config, model: &Model, time_s: Option<u64>) -> Result<Planned> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let demands = demand::of_config(config, model, self.cpus_per_task.unwrap_or(cores))?;
        let wish = Wish {
            images: config.data.count(),
            nodes_per_case: self.nodes_per_case,
            most_s: time_s.map(|seconds| seconds as f64 / 1.1),
        };
        Ok(Planned {
            config: path.canonicalize().with_context(|| path.display().to_string())?,
            config_sha256: sha256(config.source.text.as_bytes()),
            cases: demands.iter().map(|demand| demand.case.clone()).collect(),
            layout: Layout::new(&demands, wish)?,
            name: config.name.clone(),
        })
    }
}

/// Returns the array jobs, a line for each.
fn table(planned: &Planned) -> String {
    let Layout { groups, jobs } = &planned.layout;
    let mut text = format!("{}: {} cases in {} array jobs\n", planned.name, planned.cases.len(), jobs.len());
    let hours: f64 = jobs.iter().flat_map(|job| &job.tasks).map(|task| task.seconds / LENGTH_S).sum();
    for (job, number) in jobs.iter().zip(1..) {
        let mut of_job: Vec<usize> = job.tasks.iter().map(|task| task.group).collect();
        of_job.sort_unstable();
        of_job.dedup();
        let cases: usize = of_job.iter().map(|&group| groups[group - 1].cases.len()).sum();
        let shortest = job.tasks.iter().map(|task| task.seconds).fold(f64::INFINITY, f64::min);
        writeln!(
            text,
            "job {number}: {} tasks of {shortest:.0} to {:.0} s by prediction, {} threads, {} MiB, {cases} cases",
            job.tasks.len(),
            job.longest_s(),
            job.threads,
            planned.mebibytes(job)
        )
        .expect("strings take all text");
    }
    text + &format!("{hours:.2} hours of tasks in all\n")
}
