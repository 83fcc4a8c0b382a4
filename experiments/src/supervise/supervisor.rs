//! The side of the supervisor: runs one program, and answers with one line.

use std::fs::File;
use std::io::{BufRead, Read, Seek, SeekFrom};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use wait4::Wait4;

use super::{End, Order, Report};
use crate::machine::Energy;
use crate::output::{self, in_one_line};

/// Seconds between two looks at the counters of energy, which must be read once in each of their rounds.
const LOOK_S: f64 = 60.0;
/// The part of the output, from its end, in which the last line is looked for.
const TAIL_BYTES: u64 = 16 << 10;
/// The longest line that is repeated, in characters.
const LONGEST_LINE: usize = 300;

/// Reads an order from standard input, runs the program, and writes its report, or the reason why there is none.
///
/// # Errors
/// Standard input without an order, or standard output that is closed.
pub(crate) fn serve() -> Result<()> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("standard input")?;
    let order: Order = serde_json::from_str(&line).context("standard input: wanted an order, as `run` gives it")?;
    let guard = |group| drop(std::thread::spawn(move || kill_without_owner(group)));
    let report = run(&order, guard).map_err(|error| in_one_line(&error));
    output::out(&format!("{}\n", serde_json::to_string(&report)?))
}

/// Runs the program of an order. Calls `started` with its process group.
fn run(order: &Order, started: impl FnOnce(Pid)) -> Result<Report> {
    // Without a name: it goes away with the last process that has it open.
    let mut log = tempfile::tempfile().context("a temporary file for the output of a program")?;
    let mut command = Command::new(&order.program);
    command.args(&order.arguments).current_dir(&order.folder).envs(&order.environment).process_group(0);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?);
    let energy = Energy::start();
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("starting {}", order.program.display()))?;
    let group = Pid::from_child(&child);
    started(group);
    let deadline = start + Duration::from_secs_f64(order.limit_s);
    let (ended, ends) = channel();
    let watch = std::thread::spawn(move || watch(&ends, deadline, group, energy));
    let used = child.wait4();
    let wall_s = start.elapsed().as_secs_f64();
    drop(ended);
    let (killed, energy_j) = watch.join().expect("the watch does not fail");
    let used = used.context("waiting for a program")?;
    let end = match (killed, used.status.code(), used.status.signal()) {
        (true, ..) => End::TimeLimit,
        (false, Some(status), _) => End::Status(status),
        (false, None, signal) => End::Signal(signal.unwrap_or_default()),
    };
    if end != End::Status(0) {
        // What it started may still run.
        kill(group);
    }
    Ok(Report {
        end,
        wall_s,
        user_s: used.rusage.utime.as_secs_f64(),
        system_s: used.rusage.stime.as_secs_f64(),
        peak_rss_bytes: used.rusage.maxrss,
        energy_j,
        last_line: last_line(&mut log).context("the output of a program")?,
    })
}

/// Waits until the program ended, which closes the channel, or until the deadline, at which it kills the program. Returns
/// whether it did, and the joules until then.
fn watch(ends: &Receiver<()>, deadline: Instant, group: Pid, mut energy: Option<Energy>) -> (bool, Option<f64>) {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = ends.recv_timeout(left.min(Duration::from_secs_f64(LOOK_S))) == Err(RecvTimeoutError::Timeout);
        let joules = energy.as_mut().and_then(Energy::joules);
        if !timeout {
            return (false, joules);
        }
        if Instant::now() >= deadline {
            kill(group);
            return (true, joules);
        }
    }
}

/// Kills the program when standard input ends, which is when the process that gave the order is gone.
fn kill_without_owner(group: Pid) {
    let mut rest = Vec::new();
    let _ = std::io::stdin().lock().read_to_end(&mut rest);
    kill(group);
    std::process::exit(1);
}

/// Kills every process of a group. A group that is gone is no error.
fn kill(group: Pid) {
    let _ = kill_process_group(group, Signal::KILL);
}

/// Returns the last line with text, cut to a length for messages.
fn last_line(log: &mut File) -> std::io::Result<String> {
    let length = log.seek(SeekFrom::End(0))?;
    log.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    log.take(TAIL_BYTES).read_to_end(&mut tail)?;
    let tail = String::from_utf8_lossy(&tail);
    let line = tail.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    Ok(line.chars().filter(|c| !c.is_control()).take(LONGEST_LINE).collect())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn shell(script: &str, limit_s: f64) -> Report {
        let order = Order {
            program: "sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            folder: "/".into(),
            environment: [("COLOUR".to_owned(), "green".to_owned())].into(),
            limit_s,
        };
        run(&order, drop).unwrap()
    }

    #[test]
    fn the_end_and_the_last_line_are_told() {
        let report = shell("echo first; echo \"$COLOUR in $PWD\" >&2; echo", 60.0);
        assert_eq!((report.end, report.last_line.as_str()), (End::Status(0), "green in /"));
        assert!(report.wall_s > 0.0 && report.wall_s < 60.0 && report.peak_rss_bytes > 100_000);
        assert_eq!(shell("exit 3", 60.0).end, End::Status(3));
        assert_eq!(shell("kill -9 $$", 60.0).end, End::Signal(9));
    }

    #[test]
    fn processor_time_is_that_of_the_process_and_its_children() {
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let report = shell(&format!("({busy}); true"), 60.0);
        assert!(report.user_s > 0.01 && report.user_s + report.system_s < 2.0 * report.wall_s + 0.1, "{report:?}");
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_what_it_started() {
        let place = tempfile::tempdir().unwrap();
        let child = place.path().join("child");
        let report = shell(&format!("sleep 1000 & echo $! > {}; echo waits; sleep 1000", child.display()), 2.0);
        assert_eq!((report.end, report.last_line.as_str()), (End::TimeLimit, "waits"));
        assert!(report.wall_s < 500.0);
        // The one that inherits a killed process need not ask for its status.
        let status = format!("/proc/{}/stat", std::fs::read_to_string(child).unwrap().trim());
        let started = Instant::now();
        while std::fs::read_to_string(&status).is_ok_and(|text| !text.contains(") Z ")) {
            assert!(started.elapsed() < Duration::from_secs(300), "the child outlived its group");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let order = Order {
            program: "/no/such/program".into(),
            arguments: Vec::new(),
            folder: "/".into(),
            environment: [].into(),
            limit_s: 1.0,
        };
        let error = format!("{:#}", run(&order, drop).unwrap_err());
        assert!(error.starts_with("starting /no/such/program: "), "{error}");
    }

    #[test]
    fn long_output_is_cut_to_its_last_line() {
        let mut log = tempfile::tempfile().unwrap();
        assert_eq!(last_line(&mut log).unwrap(), "");
        log.write_all(&b"noise\n".repeat(10_000)).unwrap();
        log.write_all("\x1b[31mthe end\x1b[0m\n \n".as_bytes()).unwrap();
        assert_eq!(last_line(&mut log).unwrap(), "[31mthe end[0m");
        log.write_all("é".repeat(20_000).as_bytes()).unwrap();
        assert_eq!(last_line(&mut log).unwrap().chars().count(), LONGEST_LINE);
    }
}
