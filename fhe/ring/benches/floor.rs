//! The least time of one transform at N = 65536 among many calls, in µs: the table in `fhe/ring/docs/floor.md`.
//!
//! A minimum, unlike Criterion's mean, survives a machine that does other work too. "In turn" is one call each for
//! thirty primes, whose data and tables push one another out of the second-level cache.
#![allow(missing_docs)]

use std::time::Instant;

use fhe_ring::{Backend, Limb, ntt::NttTable, primes};

const LOG_N: u32 = 16;
const LIMBS: usize = 30;
const ROUNDS: usize = 25;

fn micros(f: impl FnOnce()) -> f64 {
    let start = Instant::now();
    f();
    1e6 * start.elapsed().as_secs_f64()
}

/// The least of many calls of `f` on one limb.
fn alone(mut f: impl FnMut()) -> f64 {
    (0..10 * ROUNDS).map(|_| micros(&mut f)).fold(f64::MAX, f64::min)
}

/// The mean over `limbs` of the least among calls of `f` on each in turn.
fn in_turn(limbs: &mut [(NttTable, Limb)], f: impl Fn(&NttTable, &mut Limb)) -> f64 {
    let mut least = [f64::MAX; LIMBS];
    for _ in 0..ROUNDS {
        for (least, (table, limb)) in least.iter_mut().zip(limbs.iter_mut()) {
            *least = least.min(micros(|| f(table, limb)));
        }
    }
    least.iter().sum::<f64>() / LIMBS as f64
}

fn main() {
    let n = 1 << LOG_N;
    println!("{:>10} {:>5} {:>8} {:>14} {:>14} {:>14}", "backend", "bits", "", "tfhe-ntt alone", "alone", "30 in turn");
    for (bits, backend) in
        [46, 48, 49, 50].into_iter().flat_map(|bits| Backend::available().into_iter().map(move |b| (bits, b)))
    {
        let primes = primes::search(LOG_N, &[bits; LIMBS]).expect("primes of this size exist");
        let mut limbs: Vec<_> = primes
            .iter()
            .map(|&q| {
                let mut limb = Limb::zeroed(n);
                limb.iter_mut().enumerate().for_each(|(i, x)| *x = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) % q);
                (NttTable::new(n, q, backend), limb)
            })
            .collect();
        let plan = tfhe_ntt::prime64::Plan::try_new(n, primes[0]).expect("an NTT-friendly prime");
        let mut data = limbs[0].1.clone();
        let theirs = [alone(|| plan.fwd(&mut data)), alone(|| plan.inv(&mut data))];
        let (table, limb) = &mut limbs[0];
        let ours = [alone(|| table.forward(limb)), alone(|| table.inverse(limb))];
        let turns = [in_turn(&mut limbs, |t, limb| t.forward(limb)), in_turn(&mut limbs, |t, limb| t.inverse(limb))];
        for (i, name) in ["forward", "inverse"].into_iter().enumerate() {
            println!(
                "{:>10} {bits:>5} {name:>8} {:>14.0} {:>14.0} {:>14.0}",
                backend.name(),
                theirs[i],
                ours[i],
                turns[i]
            );
        }
    }
}
