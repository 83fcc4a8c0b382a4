//! `slurm` with programs in the place of Slurm's: what is sent, what is never sent twice, and what is refused. `.ci/slurm` has a
//! real one.
#![cfg(unix)]
#![allow(missing_docs)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use cipherlab::records::Run;

/// Answers as `sbatch` does, counts jobs from 101, and writes down how it was called. Refuses if a file says so.
const SBATCH: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "$*" >>"$here/calls"
for refusal in "$here/refuse" "$here/refuse-from-$(cat "$here/last" 2>/dev/null)"; do
    if [ -e "$refusal" ]; then
        echo "sbatch: error: Batch job submission failed: $(cat "$refusal")" >&2
        exit 1
    fi
done
case "$*" in *--test-only*) exit 0 ;; esac
number=$(($(cat "$here/last" 2>/dev/null || echo 100) + 1))
echo "$number" >"$here/last"
echo "$number"
"#;
/// Answers as `squeue` does, with what files say.
const SQUEUE: &str = r#"#!/bin/sh
here=$(dirname "$0")
case "$*" in *--name=*) cat "$here/named" 2>/dev/null; exit 0 ;; esac
if [ -e "$here/queue" ]; then cat "$here/queue"; else echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1; fi
"#;
const SACCT: &str = "#!/bin/sh\necho 'Slurm accounting storage is disabled' >&2\nexit 1\n";
const SINFO: &str = "#!/bin/sh\nprintf 'long\\nshort\\nlong\\n'\n";

/// A folder with a config, and programs in the place of Slurm's.
struct Place {
    folder: tempfile::TempDir,
}

const CONFIG: &str = "name = \"fixture\"\nquestion = \"Is nothing lost?\"\n[data]\nimages = \"0..7\"\n[backend]\n\
                      kind = \"plain\"\n[sweep]\nrelu = [\"exact\", \"chebyshev:13\", \"chebyshev:27\"]\nthreads = [1]\n";

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(place.path("bin")).unwrap();
        for (name, text) in [("sbatch", SBATCH), ("squeue", SQUEUE), ("sacct", SACCT), ("sinfo", SINFO)] {
            let path = place.path("bin").join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        place.set("config.toml", CONFIG);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn set(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Runs the program in the folder, with the programs of `bin` before all others.
    fn cipherlab(&self, arguments: &[&str]) -> common::Run {
        self.cipherlab_with(&format!("{}:/usr/bin:/bin", self.path("bin").display()), arguments)
    }

    fn cipherlab_with(&self, path: &str, arguments: &[&str]) -> common::Run {
        let output = Command::new(env!("CARGO_BIN_EXE_cipherlab"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env("CIPHERLAB_DATA", self.path("data"))
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        common::Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Sends the config into the folder `run`, three tasks to a case.
    fn send(&self) -> common::Run {
        self.cipherlab(&["slurm", "config.toml", "--out", "run", "--nodes-per-case", "3"])
    }

    fn task(&self, index: &str) -> common::Run {
        self.cipherlab(&["slurm", "task", "run", "1", index])
    }

    fn read(&self, run: &str) -> Run {
        Run::read(&self.path(run)).unwrap()
    }
}

#[track_caller]
fn ended(run: &common::Run, code: i32) {
    assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
}

/// Fails unless the program ended with status 2 and one line with these words.
#[track_caller]
fn refused(run: &common::Run, words: &[&str]) {
    let line = run.stderr.trim_end();
    assert_eq!((run.code, line.lines().count()), (Some(2), 1), "{line}");
    words.iter().for_each(|word| assert!(line.contains(word), "no '{word}' in '{line}'"));
}

#[test]
fn the_rows_of_tasks_are_those_of_one_process() {
    let place = Place::new();
    ended(&place.send(), 0);
    let calls = place.text("bin/calls");
    let sent: Vec<&str> = calls.lines().filter(|call| call.starts_with("--parsable")).collect();
    assert_eq!(sent.len(), 2, "{calls}");
    assert!(sent[0].contains("--array=1-3") && sent[0].ends_with("job-1.sbatch"), "{calls}");
    assert!(sent[1].contains("--dependency=afterany:101") && sent[1].ends_with("merge.sbatch"), "{calls}");
    refused(&place.send(), &["found jobs that were sent before", "slurm resubmit run", "--out"]);
    assert_eq!(place.text("bin/calls"), calls, "nothing is sent twice");

    place.set(
        "bin/queue",
        "101|1|RUNNING|None\n101|2|PENDING|Resources\n101|3|PENDING|Resources\n102|N/A|PENDING|Dependency\n",
    );
    let status = place.cipherlab(&["slurm", "status", "run"]);
    ended(&status, 0);
    assert!(status.stdout.contains("3 tasks: 0 done, 1 running, 2 waiting, 0 failed"), "{}", status.stdout);
    assert!(
        status.stdout.contains("waits (Resources)") && status.stdout.contains("job 102 will do it"),
        "{}",
        status.stdout
    );

    refused(&place.cipherlab(&["slurm", "merge", "run"]), &["shard-1-of-3", "wanted the folder of a run"]);
    ["3", "1", "2"].iter().for_each(|index| ended(&place.task(index), 0));
    ended(&place.task("2"), 0);
    ended(&place.cipherlab(&["slurm", "merge", "run"]), 0);
    ended(&place.cipherlab(&["run", "config.toml", "--out", "single"]), 0);
    let (joined, single) = (place.read("run"), place.read("single"));
    assert_eq!((joined.cases, joined.images, joined.layers), (single.cases, single.images, single.layers));
    assert_eq!((joined.provenance.planned_images, joined.provenance.planned_cases), (21, 3));
    assert_eq!((joined.provenance.threads, joined.provenance.shard), (single.provenance.threads, None));
    ended(&place.cipherlab(&["run", "config.toml", "--out", "run"]), 0);

    let status = place.cipherlab(&["slurm", "status", "run"]);
    ended(&status, 0);
    assert!(status.stdout.contains("3 tasks: 3 done"), "{}", status.stdout);
    assert!(status.stdout.contains("the rows are joined in run"), "{}", status.stdout);
    let again = place.cipherlab(&["slurm", "resubmit", "run"]);
    ended(&again, 0);
    assert!(again.stdout.contains("nothing was sent"), "{}", again.stdout);
    ended(&place.cipherlab(&["slurm", "merge", "run"]), 0);
    assert_eq!(place.text("bin/calls"), calls);
}

/// The first task would otherwise answer the plaintext model on all images, and so would every other.
#[test]
fn tasks_share_the_answers_of_the_plaintext_model() {
    let place = Place::new();
    ended(&place.send(), 0);
    let (answers, origin) = (place.text("run/slurm/exact.csv"), place.text("run/slurm/answers.json"));
    assert_eq!(answers.lines().count(), 8, "{answers}");
    let of_task = |index: &str| {
        ended(&place.task(index), 0);
        place.text(&format!("run/slurm/rows/group-1/shard-{index}-of-3/exact.csv"))
    };
    // Damaged answers, and answers of other weights, are computed anew.
    place.set("run/slurm/exact.csv", &answers.replacen("\n0,", "\n00,", 1));
    assert_eq!(of_task("1"), answers);
    place.set("run/slurm/exact.csv", &answers);
    let digest = origin.split('"').nth(3).unwrap();
    place.set("run/slurm/answers.json", &origin.replace(digest, &"0".repeat(64)));
    let margin = answers.lines().nth(1).unwrap().rsplit(',').next().unwrap();
    let changed = answers.replacen(margin, "9.5", 1);
    place.set("run/slurm/exact.csv", &changed);
    std::fs::remove_file(place.path("run/slurm/exact.csv.digests")).unwrap();
    assert_eq!(of_task("2"), answers);
    // Without digests a change that is meant is read: the answers are those of the folder.
    place.set("run/slurm/answers.json", &origin);
    assert_eq!(of_task("3"), changed);
    refused(&place.cipherlab(&["slurm", "merge", "run"]), &["other answers of the plaintext model"]);
}

#[test]
fn failed_tasks_alone_are_sent_again() {
    let place = Place::new();
    ended(&place.send(), 0);
    ended(&place.task("1"), 0);
    place.set(
        "bin/queue",
        "101|1|COMPLETED|None\n101|2|RUNNING|None\n101|3|TIMEOUT|TimeLimit\n102|N/A|PENDING|Dependency\n",
    );
    place.set("run/slurm/logs/job-1-task-3.log", "a line\nerror: out of luck\n");
    let status = place.cipherlab(&["slurm", "status", "run"]);
    ended(&status, 1);
    assert!(status.stdout.contains("1 done, 1 running, 0 waiting, 1 failed"), "{}", status.stdout);
    assert!(status.stdout.contains("failed: timeout (TimeLimit); error: out of luck"), "{}", status.stdout);

    let before = place.text("bin/calls").lines().count();
    ended(&place.cipherlab(&["slurm", "resubmit", "run"]), 0);
    let calls = place.text("bin/calls");
    let new: Vec<&str> = calls.lines().skip(before).collect();
    assert_eq!(new.len(), 2, "{calls}");
    assert!(new[0].contains("--array=3 ") && new[1].contains("--dependency=afterany:101:103"), "{calls}");

    // Slurm says that the task waits. Where `squeue` does not answer, `status` says that it does not know.
    place.set("bin/queue", "101|2|RUNNING|None\n103|3|PENDING|Priority\n104|N/A|PENDING|Dependency\n");
    let again = place.cipherlab(&["slurm", "resubmit", "run"]);
    assert!(again.stdout.contains("nothing was sent"), "{}", again.stdout);
    let broken = "#!/bin/sh\necho 'slurm_load_jobs error: Unable to contact slurm controller' >&2\nexit 1\n";
    place.set("bin/squeue", broken);
    refused(&place.cipherlab(&["slurm", "resubmit", "run"]), &["squeue refused", "Unable to contact slurm controller"]);
    let status = place.cipherlab(&["slurm", "status", "run"]);
    assert!(status.stdout.contains("1 done, 0 running, 2 waiting, 0 failed"), "{}", status.stdout);
    assert!(status.stdout.contains("note: only the rows were looked at: squeue"), "{}", status.stdout);
    assert_eq!(place.text("bin/calls"), calls);
}

/// The process may be stopped between the call of `sbatch` and its answer.
#[test]
fn a_job_whose_number_was_lost_is_found_by_its_name() {
    let place = Place::new();
    ended(&place.send(), 0);
    let journal = place.text("run/slurm/jobs.jsonl");
    let first = journal.lines().next().unwrap();
    assert!(first.contains("\"id\":null"), "{first}");
    place.set("run/slurm/jobs.jsonl", &format!("{first}\n"));
    place.set("bin/named", "101\n101\n");
    place.set("bin/queue", "101|1|PENDING|None\n101|2|PENDING|None\n101|3|PENDING|None\n");
    ended(&place.cipherlab(&["slurm", "resubmit", "run"]), 0);
    let calls = place.text("bin/calls");
    let last = calls.lines().last().unwrap();
    assert!(last.ends_with("merge.sbatch") && last.contains("afterany:101"), "{last}");
    assert_eq!(calls.lines().filter(|call| call.ends_with("job-1.sbatch") && call.contains("--parsable")).count(), 1);
}

#[test]
fn a_refusal_on_the_way_leaves_the_rest_to_resubmit() {
    let place = Place::new();
    place.set("bin/refuse-from-101", "QOSMaxSubmitJobPerUserLimit");
    let run = place.send();
    refused(&run, &["sent 1 of 1 jobs", "slurm resubmit run", "sbatch refused", "QOSMaxSubmitJobPerUserLimit"]);
    std::fs::remove_file(place.path("bin/refuse-from-101")).unwrap();
    place.set("bin/queue", "101|1|PENDING|None\n101|2|PENDING|None\n101|3|PENDING|None\n");
    let again = place.cipherlab(&["slurm", "resubmit", "run"]);
    ended(&again, 0);
    assert!(again.stdout.contains("sent job 102, which joins"), "{}", again.stdout);
}

#[test]
fn rows_of_several_processors_are_marked() {
    let place = Place::new();
    ended(&place.send(), 0);
    ["1", "2", "3"].iter().for_each(|index| ended(&place.task(index), 0));
    let file = "run/slurm/rows/group-1/shard-2-of-3/run.json";
    let first = Run::read(&place.path("run/slurm/rows/group-1/shard-1-of-3")).unwrap().provenance;
    let (cpu, kernels) = (first.cpu.unwrap(), format!("\"kernels\": \"{}\"", first.kernels));
    let other = place.text(file).replace(&cpu, "Example 9000").replace(&kernels, "\"kernels\": \"vectors\"");
    place.set(file, &other);
    let merged = place.cipherlab(&["slurm", "merge", "run"]);
    ended(&merged, 0);
    assert!(merged.stderr.contains("several types of processors"), "{}", merged.stderr);
    let run = place.read("run");
    assert!(run.provenance.is_mixed() && run.provenance.cpu.unwrap().contains("Example 9000"));
    assert_eq!(run.provenance.kernels, format!("{}, vectors", first.kernels));
    // A task that another processor began goes on apart from its rows.
    ended(&place.cipherlab(&["slurm", "config.toml", "--out", "other", "--nodes-per-case", "3"]), 0);
    ended(&place.cipherlab(&["slurm", "task", "other", "1", "1"]), 0);
    let file = "other/slurm/rows/group-1/shard-1-of-3/run.json";
    let begun = place.text(file).replace(&cpu, "Example 9000");
    let end = begun.find("\"ended\"").unwrap();
    place.set(file, &format!("{}\"ended\": null\n}}\n", &begun[..end]));
    let task = place.cipherlab(&["slurm", "task", "other", "1", "1"]);
    ended(&task, 0);
    assert!(task.stderr.contains("rows of another processor (Example 9000) are set aside"), "{}", task.stderr);
    assert!(place.path("other/slurm/rows/group-1/shard-1-of-3.aside-1/images.csv").exists());
}

/// A case that could not run in the joined rows, whose tasks have run since.
#[test]
fn rows_with_a_case_that_could_not_run_are_joined_again() {
    let place = Place::new();
    ended(&place.send(), 0);
    ["1", "2", "3"].iter().for_each(|index| ended(&place.task(index), 0));
    let merge = || place.cipherlab(&["slurm", "merge", "run"]);
    ended(&merge(), 0);
    let joined = place.read("run");
    let mut cases = joined.cases.clone();
    cases[1].error = Some("found no folder".to_owned());
    let mut writer = csv::Writer::from_path(place.path("run/cases.csv")).unwrap();
    cases.iter().for_each(|case| writer.serialize(case).unwrap());
    writer.flush().unwrap();
    std::fs::remove_file(place.path("run/cases.csv.digests")).unwrap();
    // A task that runs again keeps the joined rows as they are.
    let (task, aside) = ("run/slurm/rows/group-1/shard-2-of-3", "run/slurm/rows/group-1/aside");
    std::fs::rename(place.path(task), place.path(aside)).unwrap();
    refused(&merge(), &["shard-2-of-3", "wanted the folder of a run"]);
    assert!(place.path("run/run.json").exists());
    std::fs::rename(place.path(aside), place.path(task)).unwrap();
    assert!(!merge().stdout.contains("joined before"));
    let again = place.read("run");
    assert_eq!((again.cases, again.images), (joined.cases, joined.images));
    assert!(merge().stdout.contains("joined before"));
}

#[test]
fn bad_input_is_refused_in_a_line_and_nothing_is_sent() {
    let place = Place::new();
    let slurm = |more: &[&str]| place.cipherlab(&[&["slurm", "config.toml", "--out", "run"], more].concat());
    place.set("late", "module load x\n#SBATCH --qos=low\n");
    place.set("array", "#SBATCH --array=1-9\n");
    let table: [(&[&str], &[&str]); 9] = [
        (&["--partition", "nowhere"], &["--partition nowhere: found no such partition", "wanted one of: long, short"]),
        (&["--time", "4h"], &["--time 4h: wanted minutes, MM:SS"]),
        (&["--time", "0"], &["--time 0: wanted minutes, MM:SS"]),
        (&["--nodes-per-case", "8"], &["--nodes-per-case 8: found 7 images"]),
        (&["--nodes-per-case", "0"], &["--nodes-per-case 0: wanted 1 or more"]),
        (&["--cpus-per-task", "0"], &["--cpus-per-task 0: wanted 1 or more"]),
        (&["--template", "absent"], &["--template absent: found no such file"]),
        (&["--template", "late"], &["--template late: line 2: found #SBATCH after the command in line 1"]),
        (&["--template", "array"], &["--template array: line 1: found --array, which the scripts set themselves"]),
    ];
    for (arguments, words) in table {
        refused(&slurm(arguments), words);
    }
    std::fs::create_dir_all(place.path("suite/submission")).unwrap();
    let suite =
        "name = \"s\"\nquestion = \"?\"\n[data]\nimages = \"0\"\n[backend]\nkind = \"suite\"\ndir = \"suite\"\n";
    place.set("suite.toml", suite);
    refused(&place.cipherlab(&["slurm", "suite.toml"]), &["suite.toml: found the backend suite, wanted encrypted"]);
    place.set("bin/refuse", "Invalid account");
    refused(&slurm(&[]), &["run/slurm/job-1.sbatch: sbatch refused", "Invalid account"]);
    refused(&place.cipherlab(&["slurm", "config.toml"]), &["results/fixture/slurm/job-1.sbatch: sbatch refused"]);
    assert!(!place.path("results").exists(), "no folder is left behind");
    let alone = place.cipherlab_with("/nowhere", &["slurm", "config.toml", "--out", "run"]);
    refused(&alone, &["sbatch: found no such program on PATH", "--dry-run"]);
    refused(&place.cipherlab(&["slurm", "absent.toml"]), &["absent.toml"]);
    for action in ["status", "resubmit", "merge"] {
        let words = ["bin/slurm/plan.json", "wanted the folder of a run that `cipherlab slurm CONFIG` submitted"];
        refused(&place.cipherlab(&["slurm", action, "bin"]), &words);
    }
    assert!(!place.path("run").exists(), "nothing is left behind");
    std::fs::remove_file(place.path("bin/refuse")).unwrap();
    place.set("absent.toml", &CONFIG.replace("0..7", "0..700"));
    let absent = place.cipherlab(&["slurm", "absent.toml", "--out", "run"]);
    refused(&absent, &["absent.toml:4: data.images", "cipherlab datasets fetch"]);
    assert!(!place.path("run").exists() && !place.path("bin/last").exists(), "nothing was sent or is left behind");

    ended(&place.send(), 0);
    refused(&place.task("4"), &["run: found job 1, task 4, wanted one of the plan"]);
    refused(&place.cipherlab(&["slurm", "task", "run", "0", "1"]), &["found job 0, task 1"]);
    place.set("config.toml", &CONFIG.replace("0..7", "0..8"));
    refused(&place.task("1"), &["config.toml: found another config than the one that was planned"]);
    place.set("run/slurm/plan.json", "{");
    refused(&place.cipherlab(&["slurm", "status", "run"]), &["plan.json: wanted the folder"]);
    ended(&place.cipherlab(&["run", "config.toml", "--out", "finished"]), 0);
    let into = place.cipherlab(&["slurm", "config.toml", "--out", "finished"]);
    refused(&into, &["finished: found a run, wanted a folder without"]);
}

#[test]
fn a_dry_run_prints_every_script_and_writes_nothing() {
    let place = Place::new();
    place.set("site", "#SBATCH --account=mine\nmodule load example\n");
    let arguments = ["slurm", "config.toml", "--out", "run", "--dry-run", "--template", "site", "--time", "30"];
    let run = place.cipherlab_with("/nowhere", &arguments);
    ended(&run, 0);
    let wanted = [
        "fixture: 3 cases in 1 array jobs",
        "---- slurm/job-1.sbatch\n#!/bin/bash\n",
        "#SBATCH --time=30\n",
        "#SBATCH --account=mine\nmodule load example\nexec ./cipherlab slurm task .. 1 \"$SLURM_ARRAY_TASK_ID\"\n",
        "---- slurm/merge.sbatch\n",
    ];
    wanted.iter().for_each(|words| assert!(run.stdout.contains(words), "no '{words}' in {}", run.stdout));
    assert!(!place.path("run").exists() && !place.path("bin/calls").exists());
}

#[test]
fn ten_thousand_cases_are_planned_in_seconds() {
    let place = Place::new();
    let list = |values: &mut dyn Iterator<Item = String>| values.collect::<Vec<_>>().join(", ");
    let threads = list(&mut (1..=64).map(|count| count.to_string()));
    let plan = |backend: &str, sweep: &str, wanted: &str| {
        place.set(
            "config.toml",
            &format!(
                "name = \"large\"\nquestion = \"How long?\"\n[data]\nimages = \"0..100\"\n[backend]\n{backend}\n\
                 [sweep]\n{sweep}\nthreads = [{threads}]\n"
            ),
        );
        let started = Instant::now();
        let run = place.cipherlab(&["slurm", "config.toml", "--dry-run"]);
        let seconds = started.elapsed().as_secs_f64();
        ended(&run, 0);
        println!("{seconds:.1} s: {}", run.stdout.lines().next().unwrap());
        assert!(run.stdout.starts_with(&format!("large: {wanted} cases in ")), "{}", run.stdout);
        // Some 3 s on two cores without other work. Each of the 10,000 cases by itself would take minutes.
        assert!(seconds < 60.0, "{seconds} s");
    };
    let relus = list(&mut (3..=161).map(|degree| format!("\"chebyshev:{degree}\"")));
    plan("kind = \"plain\"", &format!("relu = [{relus}]"), "10176");
    plan(
        "kind = \"encrypted\"\ninsecure = true\nkernels = \"scalar\"",
        "ring_dim = [32768, 65536, 131072]\npacking = [\"fused\", \"vector\", \"multiplexed\", \"diagonal\", \"batch\"]\n\
         relu = [\"chebyshev:7\", \"chebyshev:15\", \"chebyshev:27\", \"minimax:31\", \"chebyshev:59\"]",
        "4800",
    );
}

/// The folder that a user names is the one that jobs name too.
#[test]
fn scripts_name_no_folder_so_any_name_will_do() {
    let place = Place::new();
    let odd = "a folder's \"$HOME\" %a";
    ended(&place.cipherlab(&["slurm", "config.toml", "--out", odd, "--nodes-per-case", "1"]), 0);
    let script = place.text(&format!("{odd}/slurm/job-1.sbatch"));
    assert!(!script.contains("HOME") && script.contains("logs/job-1-task-%a.log"), "{script}");
    let run = Command::new(place.path(odd).join("slurm/cipherlab"))
        .args(["slurm", "task", "..", "1", "1"])
        .current_dir(place.path(odd).join("slurm"))
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}
