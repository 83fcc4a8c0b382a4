use std::time::Instant;

use super::*;

fn demand(case: usize, seconds: f64, gigabytes: f64) -> Demand {
    let bytes = (gigabytes * 1e9) as u64;
    Demand { case: format!("case-{case}"), threads: 2, bytes, start_s: 2.0, seconds, batch: 1 }
}

/// Fails unless each case has each share of its images in one task, and no task is longer than `most`.
fn check(layout: &Layout, demands: &[Demand], images: usize, most: f64) {
    let mut names: Vec<&str> = layout.groups.iter().flat_map(|group| &group.cases).map(String::as_str).collect();
    names.sort_unstable();
    let mut wanted: Vec<&str> = demands.iter().map(|demand| demand.case.as_str()).collect();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    let mut shares: Vec<(usize, usize)> =
        layout.jobs.iter().flat_map(|job| &job.tasks).map(|task| (task.group, task.shard)).collect();
    shares.sort_unstable();
    let groups = layout.groups.iter().enumerate();
    let wanted = groups.flat_map(|(at, group)| (1..=group.shards).map(move |shard| (at + 1, shard)));
    assert_eq!(shares, wanted.collect::<Vec<_>>());
    let known = |name: &String| demands.iter().find(|demand| demand.case == *name).unwrap();
    for job in &layout.jobs {
        assert!(!job.tasks.is_empty() && job.tasks.len() <= MOST_TASKS);
        for task in &job.tasks {
            let Group { cases, shards } = &layout.groups[task.group - 1];
            let seconds: f64 = cases.iter().map(|case| known(case).of_share(images, *shards)).sum();
            assert!((seconds - task.seconds).abs() < 1e-6 * seconds && seconds <= most, "{seconds} s, {task:?}");
            let memory = |case: &String| known(case).bytes <= job.bytes && 2 * known(case).bytes >= job.bytes;
            assert!(cases.iter().all(memory) && known(&cases[0]).threads == job.threads);
        }
    }
}

#[test]
fn tasks_hold_all_cases_and_have_near_equal_lengths() {
    let demands: Vec<Demand> =
        (0..90).map(|case| demand(case, 3.0 + (case * 37 % 23) as f64, [0.9, 1.6, 3.2, 9.0][case % 4])).collect();
    let wish = Wish { images: 20, nodes_per_case: None, most_s: Some(1800.0) };
    let layout = Layout::new(&demands, wish).unwrap();
    check(&layout, &demands, 20, 1800.0);
    assert_eq!(layout.jobs.len(), 4, "each memory is twice the one before it");
    for job in &layout.jobs {
        let shortest = job.tasks.iter().map(|task| task.seconds).fold(f64::INFINITY, f64::min);
        assert!(job.longest_s() < 1.25 * shortest, "{shortest} s to {} s", job.longest_s());
    }
}

#[test]
fn long_cases_are_split_as_far_as_the_limit_asks_or_the_user_wishes() {
    let demands = [demand(0, 100.0, 1.5), demand(1, 1.0, 1.5)];
    let wish = |nodes_per_case, most_s| Wish { images: 50, nodes_per_case, most_s };
    let free = Layout::new(&demands, wish(None, Some(1000.0))).unwrap();
    check(&free, &demands, 50, 1000.0);
    assert_eq!(free.groups.iter().map(|group| group.shards).collect::<Vec<_>>(), [1, 6]);
    let asked = Layout::new(&demands, wish(Some(10), None)).unwrap();
    check(&asked, &demands, 50, LENGTH_S);
    assert_eq!(asked.jobs[0].tasks.len(), 10);
    let error = |nodes, most| format!("{:#}", Layout::new(&demands, wish(nodes, most)).unwrap_err());
    assert!(error(Some(51), None).contains("--nodes-per-case 51: found 50 images"));
    assert!(error(Some(2), Some(1000.0)).contains("wanted 6 or more"), "{}", error(Some(2), Some(1000.0)));
    assert!(error(None, Some(60.0)).contains("case case-0: predicted 0-00:02:00 for one ciphertext"));
}

#[test]
fn ten_thousand_cases_are_grouped_at_once() {
    let demands: Vec<Demand> = (0..10_000).map(|case| demand(case, 5.0 + (case % 97) as f64 / 10.0, 1.5)).collect();
    let started = Instant::now();
    let layout = Layout::new(&demands, Wish { images: 20, nodes_per_case: Some(2), most_s: None }).unwrap();
    let seconds = started.elapsed().as_secs_f64();
    println!("grouped in {seconds:.2} s into {} jobs", layout.jobs.len());
    assert!(seconds < 2.0, "{seconds} s");
    assert!(layout.jobs.iter().all(|job| job.longest_s() < LENGTH_S));
}
