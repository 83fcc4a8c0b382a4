//! The scripts of the jobs.

use std::fmt::Write;

use super::duration;
use super::layout::Job;

/// Bytes that a task takes beside its case: the program, its images, the models in cleartext.
const BESIDE: u64 = 256 << 20;
/// Seconds beside the predicted ones, for nodes that are slow to start.
const SLACK_S: f64 = 600.0;
/// Seconds and mebibytes of the job that joins the rows.
const MERGE: (f64, u64) = (3600.0, 2048);

/// What a user asks of every script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// The partition.
    pub partition: Option<String>,
    /// The time limit of a task.
    pub time: Option<String>,
    /// The text of the template.
    pub template: String,
}

/// Returns the memory that a task asks for, in mebibytes: a tenth more than predicted, and what the program itself takes.
pub(super) fn mebibytes(job: &Job) -> u64 {
    (job.bytes + job.bytes / 10 + BESIDE).div_ceil(1 << 20)
}

/// Returns the time limit of a task: as asked, or twice the prediction.
pub(super) fn limit(job: &Job, asked: &Asked) -> String {
    asked.time.clone().unwrap_or_else(|| duration::write(2.0 * job.longest_s() + SLACK_S))
}

/// Returns the script of an array job. It runs in the folder of the scripts.
pub(super) fn of_job(number: usize, job: &Job, name: &str, asked: &Asked) -> String {
    let about = format!(
        "Tasks of {name}. A task goes on where it was stopped, so it may be requeued at any moment.\n\
         # Predicted: {:.0} s at most, {} bytes.",
        job.longest_s(),
        job.bytes
    );
    let options = [
        ("array", format!("1-{}", job.tasks.len())),
        ("cpus-per-task", job.threads.to_string()),
        ("mem", format!("{}M", mebibytes(job))),
        ("time", limit(job, asked)),
        ("output", format!("logs/job-{number}-task-%a.log")),
    ];
    script(&about, &options, asked, &format!("slurm task .. {number} \"$SLURM_ARRAY_TASK_ID\""))
}

/// Returns the script of the job that joins the rows.
pub(super) fn of_merge(name: &str, asked: &Asked) -> String {
    let options = [
        ("cpus-per-task", "1".to_owned()),
        ("mem", format!("{}M", MERGE.1)),
        ("time", duration::write(MERGE.0)),
        ("output", "logs/merge.log".to_owned()),
    ];
    script(&format!("Joins the rows of {name}."), &options, asked, "slurm merge ..")
}

fn script(about: &str, options: &[(&str, String)], asked: &Asked, command: &str) -> String {
    let mut text = format!("#!/bin/bash\n# {about}\n");
    let partition = asked.partition.iter().map(|partition| ("partition", partition.clone()));
    for (option, value) in options.iter().cloned().chain(partition) {
        writeln!(text, "#SBATCH --{option}={value}").expect("strings take all text");
    }
    text += "#SBATCH --nodes=1\n#SBATCH --ntasks=1\n#SBATCH --requeue\n#SBATCH --open-mode=append\n";
    text += &asked.template;
    if !asked.template.is_empty() && !asked.template.ends_with('\n') {
        text.push('\n');
    }
    text + &format!("exec ./cipherlab {command}\n")
}

#[cfg(test)]
mod tests {
    use super::super::layout::Task;
    use super::*;

    #[test]
    fn a_script_asks_for_a_tenth_more_than_predicted() {
        let task = Task { group: 1, shard: 1, seconds: 1000.0 };
        let job = Job { threads: 4, bytes: 10 << 30, tasks: vec![task, task, task] };
        let asked = Asked { partition: Some("long".to_owned()), template: "#SBATCH --qos=low".to_owned(), time: None };
        let text = of_job(2, &job, "sweep", &asked);
        let wanted = [
            "--array=1-3",
            "--cpus-per-task=4",
            "--mem=11520M",
            "--time=0-00:44:00",
            "--output=logs/job-2-task-%a.log",
            "--partition=long",
            "--requeue",
            "--qos=low",
        ];
        wanted.iter().for_each(|option| assert!(text.contains(&format!("#SBATCH {option}\n")), "{option} in {text}"));
        assert!(
            text.starts_with("#!/bin/bash\n")
                && text.ends_with("exec ./cipherlab slurm task .. 2 \"$SLURM_ARRAY_TASK_ID\"\n")
        );
        let limited = Asked { time: Some("2:00:00".to_owned()), ..Asked::default() };
        assert!(of_job(1, &job, "sweep", &limited).contains("#SBATCH --time=2:00:00\n"));
        assert!(!of_merge("sweep", &limited).contains("--partition"));
    }
}
