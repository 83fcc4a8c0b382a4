//! Groups the cases of a sweep into tasks of near-equal length, and tasks of like memory and threads into array jobs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::demand::Demand;
use super::duration;
use crate::run::shard::Shard;

/// Seconds of a task, if the user sets no limit.
pub(crate) const LENGTH_S: f64 = 3600.0;
/// Tasks of an array job: Slurm's own default is at most 1000.
const MOST_TASKS: usize = 1000;

/// What a user wants of the tasks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// Images of each case.
    pub images: usize,
    /// Tasks that share the images of a case; `None` for as few as the length of a task allows.
    pub nodes_per_case: Option<usize>,
    /// The most predicted seconds of a task, if there is a limit.
    pub most_s: Option<f64>,
}

/// Cases that the same tasks evaluate, each task on its share of the images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    /// The names of its cases.
    pub cases: Vec<String>,
    /// Shares of the images.
    pub shards: usize,
}

/// A group of cases on a share of the images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Task {
    /// Number of the group, from 1.
    pub group: usize,
    /// Number of the share, from 1.
    pub shard: usize,
    /// Predicted seconds.
    pub seconds: f64,
}

/// An array job: tasks with the same threads and like memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    /// Threads of each task.
    pub threads: usize,
    /// Predicted bytes of the largest case.
    pub bytes: u64,
    /// Its tasks; the first has index 1.
    pub tasks: Vec<Task>,
}

/// The groups and the array jobs of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layout {
    /// The groups; the first has number 1.
    pub groups: Vec<Group>,
    /// The array jobs; the first has number 1.
    pub jobs: Vec<Job>,
}

impl Job {
    /// Returns the predicted seconds of the longest task.
    pub(crate) fn longest_s(&self) -> f64 {
        self.tasks.iter().map(|task| task.seconds).fold(0.0, f64::max)
    }
}

impl Layout {
    /// Groups cases. A case is split into shares of its images if it is longer than a task may be; shorter cases are put
    /// together.
    ///
    /// # Errors
    /// More nodes than images, or a case that no share of its images brings under the limit.
    pub(crate) fn new(demands: &[Demand], wish: Wish) -> Result<Self> {
        let mut classes: BTreeMap<(usize, u32, usize), Vec<&Demand>> = BTreeMap::new();
        for demand in demands {
            // Memory in steps of two: no task asks for more than twice what its cases take.
            let step = demand.bytes.max(1).next_power_of_two().ilog2();
            classes.entry((demand.threads, step, shares(demand, wish)?)).or_default().push(demand);
        }
        let mut layout = Self { groups: Vec::new(), jobs: Vec::new() };
        let mut jobs: BTreeMap<(usize, u32), Job> = BTreeMap::new();
        for ((threads, step, shards), demands) in classes {
            let job = jobs.entry((threads, step)).or_insert(Job { threads, bytes: 0, tasks: Vec::new() });
            job.bytes = demands.iter().map(|demand| demand.bytes).fold(job.bytes, u64::max);
            for (seconds, cases) in bins(demands, wish, shards) {
                let cases = cases.into_iter().map(|demand| demand.case.clone()).collect();
                layout.groups.push(Group { cases, shards });
                let group = layout.groups.len();
                job.tasks.extend((1..=shards).map(|shard| Task { group, shard, seconds }));
            }
        }
        for job in jobs.into_values() {
            let whole = job.tasks.chunks(MOST_TASKS).map(|tasks| Job { tasks: tasks.to_vec(), ..job.clone() });
            layout.jobs.extend(whole);
        }
        Ok(layout)
    }

    /// Returns the share of the images that a task evaluates.
    pub(crate) fn shard(&self, task: Task) -> Shard {
        Shard { index: task.shard, count: self.groups[task.group - 1].shards }
    }
}

/// Returns the number of tasks that share the images of a case.
fn shares(demand: &Demand, wish: Wish) -> Result<usize> {
    let Wish { images, nodes_per_case, most_s } = wish;
    let fits = |shards: &usize| demand.of_share(images, *shards) <= most_s.unwrap_or(LENGTH_S);
    let fewest = (1..=images).find(fits);
    if let (None, Some(most)) = (fewest, most_s) {
        bail!(
            "case {}: predicted {} for one ciphertext, wanted at most {}; raise --time or exclude the case",
            demand.case,
            duration::write(demand.of_share(images, images)),
            duration::write(most)
        );
    }
    let Some(nodes) = nodes_per_case else { return Ok(fewest.unwrap_or(images)) };
    ensure!(nodes <= images, "--nodes-per-case {nodes}: found {images} images, wanted at least one for each node");
    ensure!(
        most_s.is_none() || fits(&nodes),
        "--nodes-per-case {nodes}: case {} takes longer than --time allows, wanted {} or more",
        demand.case,
        fewest.unwrap_or(images)
    );
    Ok(nodes)
}

/// Puts cases into as few bins as hold them, each into the emptiest bin, the longest first. Returns the seconds and the
/// cases of each bin; the cases stay in their order.
fn bins(demands: Vec<&Demand>, wish: Wish, shards: usize) -> Vec<(f64, Vec<&Demand>)> {
    let seconds = |at: usize| demands[at].of_share(wish.images, shards);
    let most = (0..demands.len()).map(seconds).fold(wish.most_s.unwrap_or(LENGTH_S), f64::max);
    let sum: f64 = (0..demands.len()).map(seconds).sum();
    let mut longest_first: Vec<usize> = (0..demands.len()).collect();
    longest_first.sort_by(|&a, &b| seconds(b).total_cmp(&seconds(a)));
    let mut count = ((sum / most).ceil() as usize).clamp(1, demands.len());
    loop {
        // Whole microseconds have an order.
        let mut emptiest: BinaryHeap<Reverse<(u64, usize)>> = (0..count).map(|bin| Reverse((0, bin))).collect();
        let mut filled: Vec<(f64, Vec<usize>)> = vec![(0.0, Vec::new()); count];
        for &at in &longest_first {
            let Reverse((_, bin)) = emptiest.pop().expect("there is a bin");
            filled[bin].0 += seconds(at);
            filled[bin].1.push(at);
            emptiest.push(Reverse(((filled[bin].0 * 1e6) as u64, bin)));
        }
        if count == demands.len() || filled.iter().all(|(seconds, _)| *seconds <= most) {
            let cases = |mut cases: Vec<usize>| {
                cases.sort_unstable();
                cases.into_iter().map(|at| demands[at]).collect()
            };
            return filled.into_iter().map(|(seconds, at)| (seconds, cases(at))).collect();
        }
        count = (count + count.div_ceil(20)).min(demands.len());
    }
}

#[cfg(test)]
mod tests;
