#![allow(missing_docs)]
use fhe_ring::ntt::NttTable;
use fhe_ring::*;
use std::time::Instant;
fn main() {
    let which = std::env::args().nth(1).unwrap();
    let name = std::env::args().nth(2).unwrap();
    let backend = Backend::forced(&name).unwrap();
    let bits: u32 = std::env::args().nth(3).map_or(48, |s| s.parse().unwrap());
    let reps: usize = std::env::args().nth(4).map_or(2000, |s| s.parse().unwrap());
    let primes = primes::search(16, &[bits; 2]).unwrap();
    let t = NttTable::new(1 << 16, primes[0], backend);
    let ring = Ring::new(1 << 16, &primes[..1], &primes[1..], backend);
    let m = *t.modulus();
    let mut a = Limb::zeroed(1 << 16);
    a.iter_mut().enumerate().for_each(|(i, x)| *x = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) % primes[0]);
    let b = a.clone();
    let terms: Vec<(&[u64], &[u64])> = (0..8).map(|_| (&*b, &*b)).collect();
    let w = m.shoup(12345);
    let perm = ring.permutation(5);
    let pa: Poly<Ntt> = Uniform::new(&[7; 32], 0).poly(&ring, Basis::main(1));
    let mut best = f64::MAX;
    for _ in 0..reps {
        let s = Instant::now();
        match &*which {
            "fwd" => t.forward(&mut a),
            "inv" => t.inverse(&mut a),
            "dot1" => backend.dot(&m, &mut a, false, &terms[..1], 0),
            "dot4" => backend.dot(&m, &mut a, false, &terms[..4], 0),
            "dot8" => backend.dot(&m, &mut a, false, &terms[..8], 0),
            "add" => backend.add(&m, &mut a, &b),
            "scale" => backend.scale(&m, &mut a, &b, w),
            "adds" => backend.add_scaled(&m, &mut a, &b, w),
            "perm" => drop(pa.automorphism(&perm)),
            "unif" => Uniform::new(&[7; 32], 0).fill(backend, &m, 0, &mut a, &[]),
            _ => panic!(),
        }
        best = best.min(s.elapsed().as_secs_f64() * 1e6);
    }
    println!("{which:>6} {name:>10} {bits} {best:8.1} µs");
}
