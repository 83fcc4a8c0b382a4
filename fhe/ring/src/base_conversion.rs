//! Conversion of residues from one set of primes to another.
//!
//! This module works on moduli and rows of residues only. `scaling` builds the raising and dividing of polynomials on
//! it.

use rayon::prelude::*;

use crate::arch::Kernels;
use crate::buffer::Limb;
use crate::meter::{Primitive, scope};
use crate::modulus::Modulus;

/// The constants that convert centred residues from source primes to target primes exactly (Halevi, Polyakov and Shoup,
/// ePrint 2018/117, section 2.2).
///
/// Let Q = Π qᵢ and yᵢ = xᵢ·(Q/qᵢ)⁻¹ mod qᵢ. The integer x in (−Q/2, Q/2) is Σ yᵢ·Q/qᵢ − v·Q with v = round(Σ yᵢ/qᵢ).
/// A conversion starts from the yᵢ, because the inverse transform that yields x multiplies by (Q/qᵢ)⁻¹ at no cost.
///
/// v is computed in floating point, where each of up to fourteen terms rounds. It is off by one only if x lies within
/// about 2^−46·Q of ±Q/2. The result is then the other of the two nearly equal representatives.
pub(crate) struct BaseConverter {
    /// (Q/qᵢ)⁻¹ mod qᵢ.
    inverses: Vec<u64>,
    /// 1/qᵢ.
    reciprocals: Vec<f64>,
    targets: Vec<Target>,
}

/// The constants of one target prime p.
struct Target {
    modulus: Modulus,
    /// Q/qᵢ mod p.
    factors: Vec<u64>,
    /// −Q mod p.
    correction: u64,
}

/// Number of coefficients converted at a time: those of fourteen source primes fit into the first-level cache.
const CHUNK: usize = 256;

/// Number of coefficients that one parallel task converts.
const BLOCK: usize = 2048;

impl BaseConverter {
    /// Computes the constants for a conversion from `source` to `targets`.
    ///
    /// # Panics
    /// If a source prime repeats.
    pub(crate) fn new(source: &[Modulus], targets: &[Modulus]) -> Self {
        let product_without = |p: &Modulus, skip: Option<usize>| {
            let kept = source.iter().enumerate().filter(|&(i, _)| Some(i) != skip);
            kept.fold(1, |product, (_, q)| p.mul(product, p.reduce(q.value())))
        };
        let inverses = (0..source.len()).map(|i| source[i].inv(product_without(&source[i], Some(i)))).collect();
        let target = |p: &Modulus| Target {
            modulus: *p,
            factors: (0..source.len()).map(|i| product_without(p, Some(i))).collect(),
            correction: p.neg(product_without(p, None)),
        };
        let targets = targets.iter().map(target).collect();
        Self { inverses, reciprocals: source.iter().map(|q| 1.0 / q.value() as f64).collect(), targets }
    }

    /// Returns (Q/qᵢ)⁻¹ mod qᵢ for each source prime qᵢ: the factors that turn xᵢ into yᵢ.
    pub(crate) fn inverses(&self) -> &[u64] {
        &self.inverses
    }

    /// Converts rows of coefficients, given as yᵢ over the source primes, to residues modulo the target primes.
    ///
    /// `overflow` is scratch space of at least [`CHUNK`] words.
    fn convert(&self, kernels: Kernels, source: &[&[u64]], target: &mut [&mut [u64]], overflow: &mut [u64]) {
        let len = target.first().map_or(0, |target| target.len());
        for first in (0..len).step_by(CHUNK) {
            let size = CHUNK.min(len - first);
            let digits: Vec<&[u64]> = source.iter().map(|limb| &limb[first..][..size]).collect();
            let overflow = &mut overflow[..size];
            kernels.quotient_sum(overflow, &digits, &self.reciprocals);
            for (out, target) in target.iter_mut().zip(&self.targets) {
                let out = &mut out[first..][..size];
                kernels.convert(&target.modulus, out, &digits, &target.factors, overflow, target.correction);
            }
        }
    }
}

/// One conversion of whole limbs, for [`convert_all`].
pub(crate) struct Conversion<'a> {
    /// The constants.
    pub(crate) converter: &'a BaseConverter,
    /// The coefficients as yᵢ, one limb for each source prime.
    pub(crate) source: Vec<&'a [u64]>,
    /// The limbs that receive the residues, one for each target prime.
    pub(crate) target: Vec<&'a mut Limb>,
}

/// Makes several conversions of limbs of `n` coefficients in one parallel loop. Their time counts as `primitive`.
///
/// # Panics
/// If the numbers of limbs are not those of the converters.
pub(crate) fn convert_all(kernels: Kernels, n: usize, primitive: Primitive, conversions: Vec<Conversion<'_>>) {
    let preparing = scope(primitive);
    let block = BLOCK.min(n);
    let mut tasks = Vec::new();
    for Conversion { converter, source, target } in conversions {
        assert_eq!((source.len(), target.len()), (converter.inverses.len(), converter.targets.len()));
        let mut limbs: Vec<_> = target.into_iter().map(|limb| limb.chunks_exact_mut(block)).collect();
        for first in (0..n).step_by(block) {
            let source: Vec<&[u64]> = source.iter().map(|limb| &limb[first..][..block]).collect();
            let target: Vec<&mut [u64]> = limbs.iter_mut().filter_map(Iterator::next).collect();
            tasks.push((converter, source, target));
        }
    }
    drop(preparing);
    tasks.into_par_iter().for_each_init(
        || Limb::recycled(CHUNK),
        |overflow, (converter, source, mut target)| {
            let _scope = scope(primitive);
            converter.convert(kernels, &source, &mut target, overflow);
        },
    );
}
