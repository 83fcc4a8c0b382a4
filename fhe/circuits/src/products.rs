//! The inner sums of baby-step giant-step: many plaintext-weighted sums over the same ciphertexts.

use fhe_ckks::extended::CHUNK;
use fhe_ckks::{Ciphertext, CkksError, Parameters, Plaintext};
use fhe_ring::arch::MAX_LAZY_PRODUCTS;
use fhe_ring::meter::{Primitive, scope};
use fhe_ring::ntt::NttTable;
use fhe_ring::{Limb, Poly};
use rayon::prelude::*;

/// Number of residues of all factors that a pass may work on: half of a second-level cache of 1 MiB.
const CACHED: usize = 1 << 16;

/// Returns the number of positions of a pass that keeps `vectors` vectors in cache and reads plaintexts of these
/// stretches.
pub(crate) fn chunk(n: usize, vectors: usize, stretches: impl Iterator<Item = u32>) -> usize {
    let whole = 1 << stretches.max().unwrap_or(0);
    (1 << (CACHED / vectors.max(1)).max(256).ilog2()).min(CHUNK).max(whole).min(n)
}

/// Number of residues between the chunks of a copy. Chunks that are a power of two apart would share few sets of the
/// caches.
const PADDING: usize = 64;

/// The index of a factor among the ciphertexts, and the plaintext that it is multiplied by.
pub type Term = (usize, Plaintext);

/// Returns Σ factor·plaintext for each list of terms, not rescaled.
///
/// It makes one pass over the factors, limb by limb and chunk by chunk. Every sum reads them from a copy in the
/// second-level cache, instead of from memory once for each sum.
///
/// Result: the level of the factors, their scale times that of the sum's plaintexts.
///
/// # Errors
/// [`CkksError::LevelTooLow`] if the factors are at different levels or a plaintext was encoded for a lower one,
/// [`CkksError::ScaleMismatch`] if factors or the plaintexts of one sum differ in scale, [`CkksError::SlotMismatch`] if
/// factors differ in slots or these are not a multiple of a plaintext's.
///
/// # Panics
/// If there is no factor, a list has no terms, or a term names a factor that is not there.
pub fn sums_of_products(
    params: &Parameters,
    factors: &[Ciphertext],
    sums: &[Vec<Term>],
) -> Result<Vec<Ciphertext>, CkksError> {
    check(factors, sums)?;
    let (ring, basis, scale, slots) = (params.ring(), factors[0].basis(), factors[0].scale(), factors[0].slots());
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
    let stretches = sums.iter().flatten().map(|(_, plain)| plain.poly().stretch());
    let size = chunk(ring.n(), 2 * factors.len(), stretches);
    tasks.into_par_iter().enumerate().for_each(|(task, results)| {
        let (limb, start) = (task / blocks, task % blocks * (ring.n() / blocks));
        fill_block(ring.table(basis, limb), limb, start, size, factors, sums, results);
    });
    let pairs = results.into_iter().zip(sums);
    let sums = pairs.map(|(halves, terms)| {
        let parts = halves.map(|limbs| Poly::from_limbs(ring, basis, limbs));
        Ciphertext::from_parts(parts, scale * terms[0].1.scale(), slots)
    });
    Ok(sums.collect())
}

/// Checks that factors and plaintexts fit each other.
fn check(factors: &[Ciphertext], sums: &[Vec<Term>]) -> Result<(), CkksError> {
    let operation = "sum of products";
    let (level, scale, slots) = (factors[0].level(), factors[0].scale(), factors[0].slots());
    for factor in factors {
        CkksError::check_slots(operation, slots, factor.slots())?;
        CkksError::check_scales(operation, scale, factor.scale())?;
        let (found, wanted) = (level.min(factor.level()), level.max(factor.level()));
        if found < wanted {
            return Err(CkksError::LevelTooLow { operation, found, wanted });
        }
    }
    for terms in sums {
        let wanted = terms[0].1.scale();
        for (_, plain) in terms {
            CkksError::check_scales(operation, wanted, plain.scale())?;
            if !slots.is_multiple_of(plain.slots()) {
                return Err(CkksError::SlotMismatch { operation, found: plain.slots(), wanted: slots });
            }
            let found = plain.poly().basis().main - 1;
            if found < level {
                return Err(CkksError::LevelTooLow { operation, found, wanted: level });
            }
        }
    }
    Ok(())
}

/// Writes the block from position `start` on of one limb of every result, `size` positions at a time.
fn fill_block(
    table: &NttTable,
    limb: usize,
    start: usize,
    size: usize,
    factors: &[Ciphertext],
    sums: &[Vec<Term>],
    mut results: Vec<[&mut [u64]; 2]>,
) {
    let _scope = scope(Primitive::DiagonalProduct);
    let mut copies = Limb::recycled(2 * factors.len() * (size + PADDING));
    let len = results.first().map_or(0, |[first, _]| first.len());
    for first in (0..len).step_by(size) {
        let halves = factors.iter().flat_map(|factor| factor.parts());
        let copying = scope(Primitive::Copy);
        for (copy, half) in copies.chunks_exact_mut(size + PADDING).zip(halves) {
            copy[..size].copy_from_slice(&half.limbs()[limb][start + first..][..size]);
        }
        drop(copying);
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
}

/// Writes Σ factor·diagonal at some positions to `sum`. A term is log2 of the number of positions that an element of
/// the diagonal stands for, the factor, and the diagonal. A lazy sum needs diagonals of one period, so each run of
/// equal periods is one.
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
