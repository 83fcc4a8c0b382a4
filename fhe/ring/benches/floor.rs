//! Prints the least times of the kernels at N = 65536 among many calls, in µs, for the tables in
//! `fhe/ring/docs/floor.md`.
//!
//! Other work on the machine disturbs a minimum less than Criterion's mean. "In turn" means one call for each of thirty
//! primes, whose data and tables displace one another from the second-level cache.
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::Instant;

use fhe_ring::packed::{PackedLimb, packed_bits};
use fhe_ring::{Basis, Coefficients, Kernels, Limb, Ntt, Poly, Ring, Uniform, ntt::NttTable, primes};

const LOG_N: u32 = 16;
const LIMBS: usize = 30;
const ROUNDS: usize = 25;

fn micros(f: impl FnOnce()) -> f64 {
    let start = Instant::now();
    f();
    1e6 * start.elapsed().as_secs_f64()
}

/// Returns the least time of many calls of `f` on one limb.
fn alone(mut f: impl FnMut()) -> f64 {
    (0..10 * ROUNDS).map(|_| micros(&mut f)).fold(f64::MAX, f64::min)
}

/// Returns the mean over `limbs` of the least time of `f` on each, called in turn.
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
    println!("{:>10} {:>4} {:>8} {:>14} {:>8} {:>10}", "", "bits", "", "tfhe-ntt alone", "alone", "30 in turn");
    for bits in [46, 48, 49, 50] {
        for kernels in Kernels::available() {
            transforms(bits, kernels);
        }
    }
    for kernels in Kernels::available() {
        every_kernel(kernels);
    }
}

fn transforms(bits: u32, kernels: Kernels) {
    let n = 1 << LOG_N;
    let primes = primes::search(LOG_N, &[bits; LIMBS]).expect("primes of this size exist");
    let mut limbs: Vec<_> = primes
        .iter()
        .map(|&q| {
            let mut limb = Limb::zeroed(n);
            limb.iter_mut().enumerate().for_each(|(i, x)| *x = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) % q);
            (NttTable::new(n, q, kernels), limb)
        })
        .collect();
    let plan = tfhe_ntt::prime64::Plan::try_new(n, primes[0]).expect("an NTT-friendly prime");
    let mut data = limbs[0].1.clone();
    let theirs = [alone(|| plan.fwd(&mut data)), alone(|| plan.inv(&mut data))];
    let (table, limb) = &mut limbs[0];
    let ours = [alone(|| table.forward(limb)), alone(|| table.inverse(limb))];
    let turns = [in_turn(&mut limbs, |t, limb| t.forward(limb)), in_turn(&mut limbs, |t, limb| t.inverse(limb))];
    for (i, name) in ["forward", "inverse"].into_iter().enumerate() {
        let [theirs, ours, turns] = [theirs[i], ours[i], turns[i]];
        println!("{:>10} {bits:>4} {name:>8} {theirs:>14.0} {ours:>8.0} {turns:>10.0}", kernels.name());
    }
}

fn every_kernel(kernels: Kernels) {
    // Threads share the limbs among them; a kernel is measured on one.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");
    pool.install(|| {
        let primes = primes::search(LOG_N, &[48; 25]).expect("primes of this size exist");
        let ring = Ring::new(1 << LOG_N, &primes[..13], &primes[13..], kernels);
        let random = |main: usize, index| -> Poly<Ntt> { Uniform::new(&[7; 32], index).poly(&ring, Basis::main(main)) };
        let (mut a, b, wide) = (random(1, 0), random(1, 1), random(13, 2));
        let m = *ring.main()[0].modulus();
        let w = m.shoup(m.value() / 3);
        let a = &mut a.limbs_mut()[0];
        let other = &b.limbs()[0];
        let terms: [(&[u64], &[u64]); 8] = [(other, other); 8];
        let signed: Vec<i64> = other.iter().map(|&x| m.center(x)).collect();
        let permutation = ring.permutation(5);
        let show = |name: &str, micros: f64| println!("{:>10} {name:>13} {micros:>8.0}", kernels.name());
        show("add", alone(|| kernels.add(&m, a, other)));
        show("scale", alone(|| kernels.scale(&m, a, other, w)));
        show("add_scaled", alone(|| kernels.add_scaled(&m, a, other, w)));
        for count in [1, 4, 8] {
            show(&format!("dot, {count} terms"), alone(|| kernels.dot(&m, a, false, &terms[..count], 0)));
        }
        show("reduce_signed", alone(|| drop(Poly::<Coefficients>::from_signed(&ring, Basis::main(1), &signed))));
        show("permute", alone(|| drop(b.automorphism(&permutation))));
        show("uniform", alone(|| Uniform::new(&[7; 32], 0).fill(kernels, &m, 0, a, &[])));
        let packed = PackedLimb::new(kernels, other, packed_bits(&m));
        show("unpack", alone(|| packed.unpack(kernels, 0, a)));
        // One digit of twelve primes and one of one, to thirteen more.
        show("mod_up", (0..ROUNDS).map(|_| micros(|| drop(black_box(wide.mod_up(12, 12))))).fold(f64::MAX, f64::min));
    });
}
