//! Linear transforms of the slots: sums of diagonals times rotations, baby-step giant-step with double hoisting.

use std::collections::{BTreeMap, BTreeSet};

use fhe_ckks::{Ciphertext, CkksError, Evaluator, KeyKind, KeyRequest, KeyShape, Parameters, Plaintext};
use fhe_ring::{Basis, Limb, Ntt, Poly};
use num_complex::Complex64;
use rayon::prelude::*;

/// A matrix over n slots by its nonzero generalised diagonals: y[i] = Σ_d diagonal_d[i]·x[i + d].
///
/// A diagonal that repeats with a period p dividing n is held as p values, and costs p/n of the memory when encoded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagonals(pub BTreeMap<i64, Vec<Complex64>>);

impl Diagonals {
    /// The product self·inner: `inner` is applied first. Offsets add up modulo nothing; see [`Diagonals::wrapped`].
    pub fn compose(&self, inner: &Self) -> Self {
        let mut product = Self::default();
        for (&a, outer) in &self.0 {
            for (&b, inner) in &inner.0 {
                let period = outer.len().max(inner.len());
                let sum = product.0.entry(a + b).or_insert_with(|| vec![Complex64::default(); period]);
                if sum.len() < period {
                    *sum = sum.iter().cycle().take(period).copied().collect();
                }
                for (i, sum) in sum.iter_mut().enumerate() {
                    let from = (i as i64 + a).rem_euclid(inner.len() as i64) as usize;
                    *sum += outer[i % outer.len()] * inner[from];
                }
            }
        }
        product
    }

    /// The same matrix over `slots` slots with offsets in [0, slots): those that coincide there are added up.
    pub fn wrapped(&self, slots: usize) -> Self {
        let mut wrapped = Self::default();
        for (&d, diagonal) in &self.0 {
            let offset = d.rem_euclid(slots as i64);
            let period = wrapped.0.get(&offset).map_or(0, Vec::len).max(diagonal.len());
            let sum = wrapped.0.entry(offset).or_insert_with(|| vec![Complex64::default(); period]);
            *sum = (0..period).map(|i| sum[i % sum.len()] + diagonal[i % diagonal.len()]).collect();
        }
        wrapped
    }

    /// Every entry times `factor`.
    pub fn scaled(mut self, factor: f64) -> Self {
        self.0.values_mut().flatten().for_each(|v| *v *= factor);
        self
    }

    /// The matrix times a vector, in the clear.
    pub fn apply(&self, x: &[Complex64]) -> Vec<Complex64> {
        let n = x.len();
        (0..n)
            .map(|i| {
                let terms = self.0.iter();
                terms.map(|(&d, v)| v[i % v.len()] * x[(i as i64 + d).rem_euclid(n as i64) as usize]).sum()
            })
            .collect()
    }
}

/// How the offsets of a matrix split into baby steps (applied to the input) and giant steps (applied to sums).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BsgsPlan {
    /// Offsets of the baby steps.
    pub babies: Vec<i64>,
    /// Offsets of the giant steps; each sum of a giant and a baby step may be an offset of the matrix.
    pub giants: Vec<i64>,
}

impl BsgsPlan {
    /// Splits `offsets`, all multiples of a common stride, so that the fewest rotations do, with the fewest giant steps
    /// among equals: a baby step shares its decomposition with the others, a giant step has one of its own.
    pub fn new(offsets: impl Iterator<Item = i64> + Clone) -> Self {
        let stride = offsets.clone().fold(0, |g, d| gcd(g, d.abs())).max(1);
        let span = offsets.clone().map(|d| d.abs() / stride).max().unwrap_or(0) + 1;
        let split = |width: i64| {
            let part = |f: fn(i64, i64) -> i64| -> Vec<i64> {
                let distinct: BTreeSet<i64> = offsets.clone().map(|d| f(d / stride, width) * stride).collect();
                distinct.into_iter().collect()
            };
            Self { babies: part(|d, w| d.rem_euclid(w)), giants: part(|d, w| d.div_euclid(w) * w) }
        };
        let cost = |plan: &Self| {
            let rotations = |steps: &[i64]| steps.iter().filter(|&&s| s != 0).count();
            (rotations(&plan.babies) + rotations(&plan.giants), plan.giants.len())
        };
        let widths = std::iter::successors(Some(1), |&w| Some(2 * w)).take_while(|&w| w <= 2 * span);
        widths.map(split).min_by_key(cost).expect("width 1 is always tried")
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A matrix encoded for ciphertexts of one level.
pub struct LinearTransform {
    level: usize,
    shape: KeyShape,
    scale: f64,
    babies: Vec<i64>,
    /// Of each giant step: its offset and, by baby step, the diagonals encoded.
    giants: Vec<(i64, Vec<(usize, Plaintext)>)>,
}

impl LinearTransform {
    /// Encodes a matrix at `scale` for ciphertexts at `level`.
    ///
    /// Diagonals are encoded over main and special primes: products are taken before the division that ends a key
    /// switch (double hoisting; Bossuat, Mouchet, Troncoso-Pastoriza and Hubaux, ePrint 2020/1203, algorithm 6).
    pub fn new(params: &Parameters, matrix: &Diagonals, level: usize, scale: f64) -> Result<Self, CkksError> {
        let shape = params.key_shape(level);
        let plan = BsgsPlan::new(matrix.0.keys().copied());
        let giants = plan
            .giants
            .par_iter()
            .map(|&giant| {
                let parts = plan.babies.iter().enumerate().filter_map(|(b, baby)| {
                    let diagonal = matrix.0.get(&(giant + baby))?;
                    // The giant rotation comes after the product, so that the diagonal is rotated back before.
                    let period = diagonal.len();
                    let mut rotated = diagonal.clone();
                    rotated.rotate_right(giant.rem_euclid(period as i64) as usize);
                    Some(params.encode(&rotated, scale, shape.basis()).map(|plain| (b, plain)))
                });
                Ok((giant, parts.collect::<Result<_, CkksError>>()?))
            })
            .collect::<Result<_, CkksError>>()?;
        Ok(Self { level, shape, scale, babies: plan.babies, giants })
    }

    /// Asks for the rotation keys of the transform.
    pub fn request_keys(params: &Parameters, matrix: &Diagonals, level: usize, request: &mut KeyRequest) {
        let plan = BsgsPlan::new(matrix.0.keys().copied());
        plan.babies.iter().chain(&plan.giants).for_each(|&step| request.rotation(params, step, level));
    }

    /// Level of the input; the output is one lower.
    pub fn level(&self) -> usize {
        self.level
    }

    /// Bytes of the encoded diagonals.
    pub fn bytes(&self) -> usize {
        self.giants.iter().flat_map(|(_, parts)| parts).map(|(_, plain)| plain.bytes()).sum()
    }

    /// The matrix times the slots, rescaled. Input and output scale are in the ratio of the diagonals' scale to the
    /// prime that is spent.
    ///
    /// # Errors
    /// A missing rotation key, or an input below the transform's level (one above is lowered).
    pub fn apply(&self, evaluator: &Evaluator, input: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let operation = "linear transform";
        if input.level() < self.level || self.level == 0 {
            return Err(CkksError::LevelTooLow { operation, found: input.level(), wanted: self.level.max(1) });
        }
        let mut input = input.clone();
        evaluator.drop_to(&mut input, self.level);
        let params = evaluator.params();
        let (ring, basis) = (params.ring(), self.shape.basis());
        let switch_key = |steps: i64| {
            let galois = params.galois_of_rotation(steps);
            if galois == 1 {
                return Ok(None);
            }
            let key = evaluator.keys().get(KeyKind::Galois(galois), self.level)?;
            // A taller key would do, but the diagonals are encoded over the special primes of this shape.
            match key.shape() == self.shape {
                true => Ok(Some((key, ring.permutation(galois)))),
                false => Err(CkksError::MissingKey { kind: KeyKind::Galois(galois), wanted: self.level, found: None }),
            }
        };
        let baby_keys = self.babies.iter().map(|&step| switch_key(step)).collect::<Result<Vec<_>, _>>()?;
        let digits = input.parts()[1].mod_up(self.shape.digit, self.shape.special);
        let lifted = |m: &fhe_ring::Modulus| {
            ring.special()[..self.shape.special].iter().fold(1, |p, t| m.mul(p, m.reduce(t.modulus().value())))
        };

        // One pass over the limbs: within a limb every baby step, and with those still in cache every giant sum.
        let sums: Vec<Vec<[Limb; 2]>> = (0..basis.len())
            .into_par_iter()
            .map(|i| {
                let (table, n) = (ring.table(basis, i), ring.n());
                let (backend, m) = (table.backend(), table.modulus());
                let is_main = i < basis.main;
                let p = m.shoup(if is_main { lifted(m) } else { 0 });
                let babies: Vec<[Limb; 2]> = baby_keys
                    .iter()
                    .map(|key| {
                        let mut pair = [Limb::recycled(n), Limb::recycled(n)];
                        let Some((key, permutation)) = key else {
                            for (out, part) in pair.iter_mut().zip(input.parts()) {
                                match is_main {
                                    true => backend.scale(m, out, &part.limbs()[i], p),
                                    false => out.fill(0),
                                }
                            }
                            return pair;
                        };
                        let mut product = Limb::recycled(n);
                        for (part, out) in pair.iter_mut().enumerate() {
                            let terms: Vec<(&[u64], &[u64])> = digits
                                .iter()
                                .zip(key.digits())
                                .map(|(digit, key)| (&*digit.limbs()[i], &*key[part].limbs()[i]))
                                .collect();
                            backend.dot(m, &mut product, false, &terms, 0);
                            if part == 0 && is_main {
                                backend.add_scaled(m, &mut product, &input.parts()[0].limbs()[i], p);
                            }
                            backend.permute(out, &product, permutation);
                        }
                        pair
                    })
                    .collect();
                self.giants
                    .iter()
                    .map(|(_, parts)| {
                        [0, 1].map(|part| {
                            let mut sum = Limb::recycled(n);
                            dot_of_periods(backend, m, &mut sum, parts, |(b, plain)| {
                                (&babies[*b][part], &plain.poly().limbs()[i], plain.poly().stretch())
                            });
                            sum
                        })
                    })
                    .collect()
            })
            .collect();

        let mut total: Option<[Poly<Ntt>; 2]> = None;
        for ((giant, _), [u0, u1]) in self.giants.iter().zip(transpose(ring, basis, sums)) {
            let rotated = match switch_key(*giant)? {
                None => [u0, u1],
                Some((key, permutation)) => {
                    let [u1] = Poly::divide_round([u1], basis.main);
                    let [mut h0, h1] = evaluator.gadget_product(&evaluator.decompose(&u1, key), key);
                    h0.add_assign(&u0);
                    [h0, h1].map(|h| h.automorphism(&permutation))
                }
            };
            match &mut total {
                None => total = Some(rotated),
                Some(total) => total.iter_mut().zip(&rotated).for_each(|(t, r)| t.add_assign(r)),
            }
        }
        let total = total.expect("a matrix has at least one diagonal");
        let scale = input.scale() * self.scale / params.prime(self.level);
        Ok(Ciphertext::from_parts(Poly::divide_round(total, self.level), scale, input.slots()))
    }
}

/// Σ aᵢ·bᵢ where the bᵢ may have different periods: one lazy sum for each.
fn dot_of_periods<'a, T>(
    backend: fhe_ring::Backend,
    m: &fhe_ring::Modulus,
    sum: &mut [u64],
    terms: &'a [T],
    term: impl Fn(&'a T) -> (&'a Limb, &'a Limb, u32),
) {
    let mut by_stretch: BTreeMap<u32, Vec<(&[u64], &[u64])>> = BTreeMap::new();
    for (a, b, stretch) in terms.iter().map(term) {
        by_stretch.entry(stretch).or_default().push((a, b));
    }
    let mut accumulate = false;
    for (stretch, terms) in by_stretch {
        for chunk in terms.chunks(fhe_ring::arch::MAX_LAZY_PRODUCTS) {
            backend.dot(m, sum, accumulate, chunk, stretch);
            accumulate = true;
        }
    }
}

/// From limbs of pairs of polynomials to pairs of polynomials of limbs.
fn transpose(ring: &std::sync::Arc<fhe_ring::Ring>, basis: Basis, limbs: Vec<Vec<[Limb; 2]>>) -> Vec<[Poly<Ntt>; 2]> {
    let count = limbs.first().map_or(0, Vec::len);
    let mut columns: Vec<[Vec<Limb>; 2]> = (0..count).map(|_| [Vec::new(), Vec::new()]).collect();
    for row in limbs {
        for (column, [first, second]) in columns.iter_mut().zip(row) {
            column[0].push(first);
            column[1].push(second);
        }
    }
    columns.into_iter().map(|pair| pair.map(|limbs| Poly::from_limbs(ring, basis, limbs))).collect()
}
