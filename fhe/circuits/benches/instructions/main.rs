//! Runs one workload, so that `.ci/instructions` can count its instructions.
//!
//! `instructions KERNELS WORKLOAD` runs a workload once to warm up, and once more inside [`measured`]. Valgrind counts
//! only what `measured` calls. Without arguments the program lists the pairs that it can run, one on a line.
//!
//! Everything runs on the main thread, from fixed seeds.
#![allow(missing_docs)]

mod circuit;
mod ring;
mod scheme;

use std::process::ExitCode;

use fhe_ring::Kernels;

/// A workload: its name, and what prepares it and returns the part to count.
type Workload = (&'static str, fn(Kernels) -> Box<dyn FnMut()>);

/// The kernels that Valgrind can run. It knows no AVX-512.
const KERNELS: [&str; 2] = ["fma", "scalar"];

const RING: [Workload; 7] = [
    ("ntt_forward", ring::ntt_forward),
    ("ntt_inverse", ring::ntt_inverse),
    ("mod_up", ring::mod_up),
    ("dot", ring::dot),
    ("unpack", ring::unpack),
    ("uniform", ring::uniform),
    ("permute", ring::permute),
];

/// Their instructions outside the kernels do not depend on the kernels, so one set is enough.
const ABOVE_THE_RING: [Workload; 4] = [
    ("rotate", scheme::rotate),
    ("rotate_hoisted4", scheme::rotate_hoisted),
    ("multiply_rescale", scheme::multiply_rescale),
    ("bootstrap", circuit::bootstrap),
];

fn workloads() -> impl Iterator<Item = (&'static str, Workload)> {
    let ring = KERNELS.into_iter().flat_map(|kernels| RING.map(|workload| (kernels, workload)));
    ring.chain(ABOVE_THE_RING.map(|workload| (KERNELS[0], workload)))
}

/// Runs what is to be counted. Valgrind finds this function by its name.
#[inline(never)]
fn measured(run: &mut dyn FnMut()) {
    run();
}

fn main() -> ExitCode {
    // Cargo gives `--bench` to every bench.
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let [kernels, name] = arguments[..] else {
        workloads().for_each(|(kernels, (name, _))| println!("{kernels} {name}"));
        return ExitCode::SUCCESS;
    };
    let Some((_, (_, prepare))) = workloads().find(|&(k, (n, _))| (k, n) == (kernels, name)) else {
        eprintln!("found workload '{kernels} {name}', wanted a line that this program prints without arguments");
        return ExitCode::from(2);
    };
    let kernels = match Kernels::forced(kernels) {
        Ok(kernels) => kernels,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    // The workload runs on this thread only. Idle threads would spin while they wait for work, and their instructions would
    // differ from run to run.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    pool.build_global().expect("the first use of rayon");
    let mut run = prepare(kernels);
    // The first call fills caches and pools of memory.
    run();
    measured(&mut run);
    ExitCode::SUCCESS
}
