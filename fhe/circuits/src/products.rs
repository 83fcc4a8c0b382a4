//! Many sums of products of the same ciphertexts with different plaintexts: what is left of a matrix between its baby and
//! its giant steps.

use fhe_ckks::{Ciphertext, CkksError, Parameters, Plaintext};
use fhe_ring::arch::MAX_LAZY_PRODUCTS;
use fhe_ring::ntt::NttTable;
use fhe_ring::{Limb, Poly};
use rayon::prelude::*;

/// Positions that one pass works on, at most.
pub(crate) const CHUNK: usize = 4096;

/// Residues of all factors that a pass may work on: half of a second-level cache of 1 MiB.
const CACHED: usize = 1 << 16;

/// Positions that one pass works on if it needs so many vectors at hand, and plaintexts stand for so many neighbours each.
pub(crate) fn chunk(n: usize, vectors: usize, stretches: impl Iterator<Item = u32>) -> usize {
    let whole = 1 << stretches.max().unwrap_or(0);
    (1 << (CACHED / vectors.max(1)).max(256).ilog2()).min(CHUNK).max(whole).min(n)
}

/// Residues between the chunks of a copy. Chunks of limbs, a power of two apart, would share few sets of the caches.
const PADDING: usize = 64;

/// A factor by its place among the ciphertexts, and the plaintext that it is multiplied by.
pub type Term = (usize, Plaintext);

/// Σ factor·plaintext for each list of terms, not rescaled. The factors are at one level, the plaintexts reach it.
///
/// One pass over the factors, limb by limb and chunk by chunk, in which every sum takes what it needs from a copy in the
/// second-level cache: read for each sum anew they would come from memory each time.
///
/// # Errors
/// Factors of different scales or slots; plaintexts of different scales in one sum, or of more slots than the factors.
///
/// # Panics
/// If there is no factor, a list without terms, or factors are at different levels.
pub fn sums_of_products(
    params: &Parameters,
    factors: &[Ciphertext],
    sums: &[Vec<Term>],
) -> Result<Vec<Ciphertext>, CkksError> {
    let operation = "sum of products";
    let (ring, basis, scale, slots) = (params.ring(), factors[0].basis(), factors[0].scale(), factors[0].slots());
    for factor in factors {
        assert_eq!(factor.basis(), basis, "factors of a {operation} are at one level");
        CkksError::check_slots(operation, slots, factor.slots())?;
        CkksError::check_scales(operation, scale, factor.scale())?;
    }
    for terms in sums {
        let wanted = terms[0].1.scale();
        for (_, plain) in terms {
            CkksError::check_scales(operation, wanted, plain.scale())?;
            if !slots.is_multiple_of(plain.slots()) {
                return Err(CkksError::SlotMismatch { operation, found: plain.slots(), wanted: slots });
            }
        }
    }
    let stretches = sums.iter().flatten().map(|(_, plain)| plain.poly().stretch());
    let size = chunk(ring.n(), 2 * factors.len(), stretches);
    let blocks = (ring.n() / CHUNK).clamp(1, 4);
    let mut results: Vec<[Vec<Limb>; 2]> =
        sums.iter().map(|_| [0, 1].map(|_| (0..basis.len()).map(|_| Limb::recycled(ring.n())).collect())).collect();
    // A task writes one block of one limb of every result.
    let mut tasks: Vec<Vec<[&mut [u64]; 2]>> = (0..basis.len() * blocks).map(|_| Vec::new()).collect();
    for [first, second] in &mut results {
        for (limb, pair) in first.iter_mut().zip(second).enumerate() {
            let [first, second] = [pair.0, pair.1].map(|limb| limb.chunks_exact_mut(ring.n() / blocks));
            first.zip(second).enumerate().for_each(|(block, (a, b))| tasks[limb * blocks + block].push([a, b]));
        }
    }
    tasks.into_par_iter().enumerate().for_each(|(task, mut results)| {
        let (limb, start) = (task / blocks, task % blocks * (ring.n() / blocks));
        let table = ring.table(basis, limb);
        let mut copies = Limb::recycled(2 * factors.len() * (size + PADDING));
        for first in (0..ring.n() / blocks).step_by(size) {
            let halves = factors.iter().flat_map(|factor| factor.parts());
            for (copy, half) in copies.chunks_exact_mut(size + PADDING).zip(halves) {
                copy[..size].copy_from_slice(&half.limbs()[limb][start + first..][..size]);
            }
            for (result, terms) in results.iter_mut().zip(sums) {
                for (part, result) in result.iter_mut().enumerate() {
                    let terms = terms.iter().map(|(k, plain)| {
                        let stretch = plain.poly().stretch();
                        let diagonal = &plain.poly().limbs()[limb][(start + first) >> stretch..][..size >> stretch];
                        (stretch, &copies[(2 * k + part) * (size + PADDING)..][..size], diagonal)
                    });
                    let terms: Vec<_> = terms.collect();
                    multiply_diagonals(table, &mut result[first..][..size], &terms);
                }
            }
        }
    });
    let pairs = results.into_iter().zip(sums);
    let sums = pairs.map(|(halves, terms)| {
        let parts = halves.map(|limbs| Poly::from_limbs(ring, basis, limbs));
        Ciphertext::from_parts(parts, scale * terms[0].1.scale(), slots)
    });
    Ok(sums.collect())
}

/// `sum ← Σ factor·diagonal` at some positions: of each term, log2 of the number of factors that an element of the diagonal
/// stands for, the factors, and the diagonal. A lazy sum takes diagonals of one period, so that each run of equal periods
/// is one.
pub(crate) fn multiply_diagonals(table: &NttTable, sum: &mut [u64], terms: &[(u32, &[u64], &[u64])]) {
    if terms.is_empty() {
        sum.fill(0);
    }
    let mut accumulate = false;
    for run in terms.chunk_by(|(a, ..), (b, ..)| a == b) {
        for chunk in run.chunks(MAX_LAZY_PRODUCTS) {
            let pairs: Vec<(&[u64], &[u64])> = chunk.iter().map(|&(_, factor, diagonal)| (factor, diagonal)).collect();
            table.kernels().dot(table.modulus(), sum, accumulate, &pairs, run[0].0);
            accumulate = true;
        }
    }
}
