//! Linear transforms of the slots: sums of diagonals times rotations, baby-step giant-step with double hoisting.

use std::collections::{BTreeMap, BTreeSet};

use fhe_ckks::keyswitch::{self, GaloisProduct};
use fhe_ckks::{
    Ciphertext, CkksError, Digits, Evaluator, KeyKind, KeyRequest, KeyShape, Parameters, Plaintext, SwitchingKey,
};
use fhe_ring::ntt::MIN_NTT;
use fhe_ring::{Basis, Limb, Ntt, Poly};
use num_complex::Complex64;
use rayon::prelude::*;

use crate::diagonal::EncodedDiagonal;
use crate::products::{CHUNK, chunk, multiply_diagonals};

/// A matrix over n slots by its nonzero generalised diagonals: y_i = Σ_d diagonal_(d,i)·x_(i + d).
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

    /// The same matrix over `slots` slots with row i times `row(i)` and column j times `column(j)`. Periods grow to
    /// `slots` where that is needed.
    pub fn weighted(self, slots: usize, row: impl Fn(usize) -> Complex64, column: impl Fn(usize) -> Complex64) -> Self {
        let weigh = |(d, diagonal): (i64, Vec<Complex64>)| {
            let weight = |i: usize| row(i) * column((i as i64 + d).rem_euclid(slots as i64) as usize);
            let weighted: Vec<_> = (0..slots).map(|i| diagonal[i % diagonal.len()] * weight(i)).collect();
            let repeats = weighted.iter().enumerate().all(|(i, w)| *w == weighted[i % diagonal.len()]);
            (d, if repeats { weighted[..diagonal.len()].to_vec() } else { weighted })
        };
        Self(self.0.into_iter().map(weigh).collect())
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

/// How the offsets of a matrix split into baby steps, applied to the input, and giant steps, applied to sums.
///
/// An offset is one of `babies` plus a multiple, below `giants`, of `giant_step`. Giant steps are taken by Horner's rule,
/// so that one key serves all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BsgsPlan {
    /// Offsets of the baby steps.
    pub babies: Vec<i64>,
    /// Distance between giant steps.
    pub giant_step: i64,
    /// Number of sums; one giant step less is taken.
    pub giants: usize,
}

impl BsgsPlan {
    /// Splits `offsets` so that the fewest rotations do, with the fewest giant steps among equals: baby steps share one
    /// decomposition, a giant step has one of its own.
    pub fn new(offsets: impl Iterator<Item = i64> + Clone) -> Self {
        let first = offsets.clone().min().unwrap_or(0);
        let stride = offsets.clone().fold(0, |g, d| gcd(g, d - first)).max(1);
        let span = offsets.clone().map(|d| (d - first) / stride).max().unwrap_or(0) + 1;
        let split = |width: i64| {
            let babies: BTreeSet<i64> = offsets.clone().map(|d| first + (d - first) % (width * stride)).collect();
            let giants = (span - 1) / width + 1;
            Self { babies: babies.into_iter().collect(), giant_step: width * stride, giants: giants as usize }
        };
        let widths = std::iter::successors(Some(1), |&w| Some(2 * w)).take_while(|&w| w < 2 * span);
        widths.map(split).min_by_key(|plan| (plan.rotations(), plan.giants)).expect("width 1 is always tried")
    }

    /// Key switches, those that share a decomposition included.
    pub fn rotations(&self) -> usize {
        self.hoisted() + self.giants - 1
    }

    /// Those that share a decomposition.
    pub fn hoisted(&self) -> usize {
        self.babies.iter().filter(|&&baby| baby != 0).count()
    }

    /// Baby step (by its place) and giant step of an offset.
    fn place(&self, offset: i64) -> (usize, usize) {
        let giant = (offset - self.babies[0]) / self.giant_step;
        let baby = offset - giant * self.giant_step;
        (self.babies.binary_search(&baby).expect("an offset of the matrix"), giant as usize)
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
    /// Of the diagonals: the slots of the input are a multiple of it.
    period: usize,
    plan: BsgsPlan,
    /// For each sum the diagonals, each with the place of its baby step, ordered by period.
    sums: Vec<Vec<(usize, EncodedDiagonal)>>,
}

impl LinearTransform {
    /// Encodes a matrix at `scale` for ciphertexts at `level`.
    ///
    /// Diagonals are encoded over main and special primes: products are taken before the division that ends a key
    /// switch (double hoisting; Bossuat, Mouchet, Troncoso-Pastoriza and Hubaux, ePrint 2020/1203, algorithm 6).
    pub fn new(params: &Parameters, matrix: &Diagonals, level: usize, scale: f64) -> Result<Self, CkksError> {
        let shape = params.key_shape(level);
        let plan = BsgsPlan::new(matrix.0.keys().copied());
        let drawn = |&(&offset, diagonal): &(&i64, &Vec<Complex64>)| {
            let (baby, giant) = plan.place(offset);
            // The giant rotation comes after the product, so that the diagonal is rotated back before.
            let mut rotated = diagonal.clone();
            rotated.rotate_right((giant as i64 * plan.giant_step).rem_euclid(diagonal.len() as i64) as usize);
            ((giant, baby), rotated)
        };
        let diagonals: Vec<(&i64, &Vec<Complex64>)> = matrix.0.iter().collect();
        let encoded = diagonals.par_chunks(2).map(|pair| {
            let (places, rotated): (Vec<_>, Vec<_>) = pair.iter().map(drawn).unzip();
            let encoded = encode(params, &rotated, scale, shape.basis())?;
            let encoded = encoded.iter().map(|plain| EncodedDiagonal::from(plain.poly()));
            Ok(places.into_iter().zip(encoded).map(|((giant, baby), diagonal)| (giant, (baby, diagonal))).collect())
        });
        let encoded: Vec<Vec<(usize, (usize, EncodedDiagonal))>> = encoded.collect::<Result<_, CkksError>>()?;
        let mut sums: Vec<Vec<(usize, EncodedDiagonal)>> = (0..plan.giants).map(|_| Vec::new()).collect();
        encoded.into_iter().flatten().for_each(|(giant, term)| sums[giant].push(term));
        sums.iter_mut().for_each(|terms| terms.sort_by_key(|(_, diagonal)| diagonal.stretch()));
        let period = matrix.0.values().map(Vec::len).max().unwrap_or(1);
        Ok(Self { level, shape, scale, period, plan, sums })
    }

    /// Asks for the rotation keys of the transform.
    pub fn request_keys(params: &Parameters, matrix: &Diagonals, level: usize, request: &mut KeyRequest) {
        let plan = BsgsPlan::new(matrix.0.keys().copied());
        plan.babies.iter().for_each(|&step| request.rotation(params, step, level));
        if plan.giants > 1 {
            request.rotation(params, plan.giant_step, level);
        }
    }

    /// Bytes that a matrix encoded for ciphertexts at `level` will hold: [`LinearTransform::bytes`] before it is made.
    pub fn bytes_of(params: &Parameters, matrix: &Diagonals, level: usize) -> usize {
        let (ring, basis) = (params.ring(), params.key_shape(level).basis());
        let values = |diagonal: &Vec<Complex64>| (2 * diagonal.len()).max(MIN_NTT);
        matrix.0.values().map(|diagonal| EncodedDiagonal::bytes_of(ring, basis, values(diagonal))).sum()
    }

    /// Level of the input.
    pub fn level(&self) -> usize {
        self.level
    }

    /// Bytes of the encoded diagonals.
    pub fn bytes(&self) -> usize {
        self.sums.iter().flatten().map(|(_, diagonal)| diagonal.bytes()).sum()
    }

    /// The matrix times the slots, rescaled. Input and output scale are in the ratio of the diagonals' scale to the
    /// prime that is spent.
    ///
    /// # Errors
    /// A missing rotation key, an input of fewer slots than the matrix, or one below the transform's level (one above is
    /// lowered).
    pub fn apply(&self, evaluator: &Evaluator, input: &Ciphertext) -> Result<Ciphertext, CkksError> {
        Ok(self.rescale(evaluator, input, self.product(evaluator, input)?))
    }

    /// The sum of [`LinearTransform::apply`]'s result y and its conjugate, twice the real part; and, if `both`, the
    /// difference ȳ − y. The conjugation is one more giant step, so that each is divided once.
    ///
    /// # Errors
    /// As [`LinearTransform::apply`], or a missing key of the conjugation at the transform's level.
    pub fn apply_and_split(
        &self,
        evaluator: &Evaluator,
        input: &Ciphertext,
        both: bool,
    ) -> Result<Vec<Ciphertext>, CkksError> {
        let y = self.product(evaluator, input)?;
        let galois = evaluator.params().galois_of_conjugation();
        let key = self.key(evaluator, galois)?;
        let [y1] = Poly::divide_round([y[1].clone()], self.shape.main);
        let digits = Digits::new(&y1, self.shape);
        let (first, own) = (y[0].clone(), both.then(|| y.clone()));
        let mut sum = y;
        add_product(&mut sum, &GaloisProduct::new(&digits, key, galois), &first);
        let difference = own.map(|y| {
            let mut difference = sum.clone();
            (0..2).for_each(|_| difference.iter_mut().zip(&y).for_each(|(difference, y)| difference.sub_assign(y)));
            difference
        });
        Ok([Some(sum), difference].into_iter().flatten().map(|part| self.rescale(evaluator, input, part)).collect())
    }

    /// The matrix times the slots, not rescaled: at the transform's level and the product of both scales, for sums that
    /// are rescaled once.
    ///
    /// # Errors
    /// As [`LinearTransform::apply`].
    pub fn apply_unscaled(&self, evaluator: &Evaluator, input: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let parts = Poly::divide_round(self.product(evaluator, input)?, self.level + 1);
        Ok(Ciphertext::from_parts(parts, input.scale() * self.scale, input.slots()))
    }

    /// From P times the product over main and special primes to what is one level lower.
    fn rescale(&self, evaluator: &Evaluator, input: &Ciphertext, product: [Poly<Ntt>; 2]) -> Ciphertext {
        let scale = input.scale() * self.scale / evaluator.params().prime(self.level);
        Ciphertext::from_parts(Poly::divide_round(product, self.level), scale, input.slots())
    }

    /// P times the matrix times the slots, over main and special primes.
    fn product(&self, evaluator: &Evaluator, input: &Ciphertext) -> Result<[Poly<Ntt>; 2], CkksError> {
        let operation = "linear transform";
        if input.level() < self.level || self.level == 0 {
            return Err(CkksError::LevelTooLow { operation, found: input.level(), wanted: self.level.max(1) });
        }
        if !input.slots().is_multiple_of(self.period) {
            return Err(CkksError::SlotMismatch { operation, found: input.slots(), wanted: self.period });
        }
        let lowered = (input.level() > self.level).then(|| evaluator.lowered(input, self.level)).transpose()?;
        let input = lowered.as_ref().unwrap_or(input);
        let params = evaluator.params();
        let digits = Digits::new(&input.parts()[1], self.shape);
        let baby = |&step: &i64| self.rotation(evaluator, step);
        let babies = self.plan.babies.iter().map(baby).collect::<Result<Vec<_>, _>>()?;
        let mut sums = self.inner_sums(params, input, &digits, &babies).into_iter().rev();

        // Horner's rule: of the total so far only the second half is divided by P, decomposed and switched.
        let mut total = sums.next().expect("a matrix has at least one diagonal");
        for mut sum in sums {
            let [u0, u1] = total;
            let (galois, key) = self.rotation(evaluator, self.plan.giant_step)?.expect("a giant step goes somewhere");
            let [u1] = Poly::divide_round([u1], self.shape.main);
            let digits = Digits::new(&u1, self.shape);
            add_product(&mut sum, &GaloisProduct::new(&digits, key, galois), &u0);
            total = sum;
        }
        Ok(total)
    }

    /// A rotation with its key.
    fn rotation<'a>(&self, evaluator: &'a Evaluator, steps: i64) -> Result<Rotation<'a>, CkksError> {
        let galois = evaluator.params().galois_of_rotation(steps);
        (galois != 1).then(|| Ok((galois, self.key(evaluator, galois)?))).transpose()
    }

    fn key<'a>(&self, evaluator: &'a Evaluator, galois: u64) -> Result<&'a SwitchingKey, CkksError> {
        let kind = KeyKind::Galois(galois);
        let key = evaluator.keys().get(kind, self.level)?;
        // A taller key would do, but the diagonals are encoded over the special primes of this shape.
        match key.shape() == self.shape {
            true => Ok(key),
            false => Err(CkksError::KeyShape { kind, found: key.shape(), wanted: self.shape }),
        }
    }

    /// For each giant step the sum of its diagonals times the baby steps' rotations, over main and special primes.
    ///
    /// One pass: within a limb, and within a chunk of it that the second-level cache holds, first every baby step, then
    /// every sum. Keys and diagonals are read once, and rotations are never written out.
    fn inner_sums(
        &self,
        params: &Parameters,
        input: &Ciphertext,
        digits: &Digits<'_>,
        babies: &[Rotation<'_>],
    ) -> Vec<[Poly<Ntt>; 2]> {
        let (ring, basis) = (params.ring(), self.shape.basis());
        let stretches = self.sums.iter().flatten().map(|(_, diagonal)| diagonal.stretch());
        let size = chunk(ring.n(), 2 * babies.len(), stretches);
        let products: Vec<_> =
            babies.iter().map(|baby| baby.map(|(galois, key)| GaloisProduct::new(digits, key, galois))).collect();
        let limbs = (0..basis.len()).into_par_iter().map(|i| {
            let table = ring.table(basis, i);
            let (kernels, m) = (table.kernels(), table.modulus());
            let lift = keyswitch::lift(ring, basis, i);
            let own = |part: usize| lift.map(|lift| (&input.parts()[part].limbs()[i], lift));
            let mut sums: Vec<[Limb; 2]> = self.sums.iter().map(|_| [0, 1].map(|_| Limb::recycled(ring.n()))).collect();
            let mut rotated: Vec<[Limb; 2]> = babies.iter().map(|_| [0, 1].map(|_| Limb::recycled(size))).collect();
            let mut unpacked = Limb::recycled(size * babies.len());
            for first in (0..ring.n()).step_by(size) {
                for (product, rotated) in products.iter().zip(&mut rotated) {
                    for (part, out) in rotated.iter_mut().enumerate().rev() {
                        match (product, own(part)) {
                            (None, Some((own, lift))) => kernels.scale(m, out, &own[first..][..size], lift),
                            (None, None) => out.fill(0),
                            (Some(product), own) => product.chunk(i, part, first, out, |sum, from| {
                                if let (0, Some((own, lift))) = (part, own) {
                                    kernels.add_scaled(m, sum, &own[from..][..size], lift);
                                }
                            }),
                        }
                    }
                }
                for (sum, terms) in sums.iter_mut().zip(&self.sums) {
                    let scratch = unpacked.chunks_exact_mut(size);
                    let chunks = terms.iter().zip(scratch).map(|((baby, diagonal), scratch)| {
                        (*baby, diagonal.stretch(), diagonal.chunk(kernels, i, first, scratch))
                    });
                    let chunks: Vec<(usize, u32, &[u64])> = chunks.collect();
                    for (part, sum) in sum.iter_mut().enumerate() {
                        let term =
                            |&(baby, stretch, diagonal): &(usize, _, _)| (stretch, &*rotated[baby][part], diagonal);
                        let terms: Vec<(u32, &[u64], &[u64])> = chunks.iter().map(term).collect();
                        multiply_diagonals(table, &mut sum[first..][..size], &terms);
                    }
                }
            }
            sums
        });
        transpose(ring, basis, limbs.collect())
    }
}

/// Encodes one diagonal or two: two of real numbers for the work of one.
fn encode(
    params: &Parameters,
    diagonals: &[Vec<Complex64>],
    scale: f64,
    basis: Basis,
) -> Result<Vec<Plaintext>, CkksError> {
    let real = |diagonal: &Vec<Complex64>| diagonal.iter().map(|v| (v.im == 0.0).then_some(v.re)).collect();
    let parts: Option<Vec<Vec<f64>>> = diagonals.iter().map(real).collect();
    match parts.map(<[Vec<f64>; 2]>::try_from) {
        Some(Ok(parts)) => params.encode_real_pair(parts, scale, basis).map(Vec::from),
        _ => diagonals.iter().map(|diagonal| params.encode(diagonal, scale, basis)).collect(),
    }
}

/// A Galois element and its key; `None` for a rotation by nothing.
type Rotation<'a> = Option<(u64, &'a SwitchingKey)>;

/// `total ← total + σ(product + (u0, 0))`, chunk by chunk.
fn add_product(total: &mut [Poly<Ntt>; 2], product: &GaloisProduct<'_>, u0: &Poly<Ntt>) {
    let (ring, basis) = (u0.ring().clone(), u0.basis());
    let size = CHUNK.min(ring.n());
    let [first, second] = total;
    let pairs = first.limbs_mut().par_iter_mut().zip(second.limbs_mut());
    pairs.enumerate().for_each(|(i, (first, second))| {
        let table = ring.table(basis, i);
        let (kernels, m) = (table.kernels(), table.modulus());
        let mut rotated = Limb::recycled(size);
        for at in (0..ring.n()).step_by(size) {
            product.chunk(i, 1, at, &mut rotated, |_, _| {});
            kernels.add(m, &mut second[at..][..size], &rotated);
            product.chunk(i, 0, at, &mut rotated, |sum, from| kernels.add(m, sum, &u0.limbs()[i][from..][..size]));
            kernels.add(m, &mut first[at..][..size], &rotated);
        }
    });
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
