//! Linear transforms of the slots: sums of diagonals times rotations, by baby-step giant-step with double hoisting.

mod bsgs;
mod diagonals;
mod shape;

use std::io::{self, Write};
use std::sync::Arc;

use fhe_ckks::extended::Chunk;
use fhe_ckks::keyswitch::GaloisProduct;
use fhe_ckks::{
    Ciphertext, CkksError, Digits, Evaluator, Extended, KeyKind, KeyRequest, KeyShape, Parameters, Plaintext,
    SwitchingKey,
};
use fhe_ring::meter::{Primitive, scope};
use fhe_ring::{Basis, Limb, Poly, Ring, Shelf};
use num_complex::Complex64;
use rayon::prelude::*;

pub use bsgs::{BsgsPlan, gcd};
pub use diagonals::Diagonals;
pub use shape::Shape;

use crate::diagonal::EncodedDiagonal;
use crate::products::{chunk, multiply_diagonals};
use crate::store::{self, Stored};

/// Number of shares of a limb, after each of which diagonals in a file leave the memory.
pub(crate) const SHARES: usize = 4;

/// A matrix encoded for ciphertexts of one level.
///
/// ```
/// use fhe_circuits::{Diagonals, LinearTransform};
/// use fhe_ckks::{Evaluator, KeyRequest, Parameters, ParametersLiteral, SecretDistribution, SecretKey};
/// use num_complex::Complex64;
/// use rand::SeedableRng;
///
/// # fn main() -> Result<(), fhe_ckks::CkksError> {
/// # let params = Parameters::try_from(ParametersLiteral {
/// #     log_n: 10,
/// #     main_bits: vec![50, 45],
/// #     special_bits: vec![50],
/// #     secret: SecretDistribution::UniformTernary,
/// #     ephemeral_weight: None,
/// #     insecure: true,
/// #     kernels: None,
/// # })?;
/// // Twice each slot plus the next one, at level 1.
/// let matrix = Diagonals([(0, vec![Complex64::new(2.0, 0.0)]), (1, vec![Complex64::new(1.0, 0.0)])].into());
/// let mut request = KeyRequest::default();
/// LinearTransform::request_keys(&params, &matrix, 1, &mut request);
/// let transform = LinearTransform::new(&params, &matrix, 1, params.prime(1))?;
///
/// let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
/// let secret = SecretKey::generate(&params, &mut rng);
/// let evaluator = Evaluator::new(&params, request.generate(&secret, &mut rng));
/// let x = secret.encrypt_real(&[1.0, 2.0, 3.0, 4.0], 1, 2f64.powi(45), &mut rng)?;
/// let y = secret.decrypt_real(&transform.apply(&evaluator, &x)?);
/// assert!(y.iter().zip([4.0, 7.0, 10.0, 9.0]).all(|(found, expected)| (found - expected).abs() < 1e-6));
/// # Ok(())
/// # }
/// ```
pub struct LinearTransform {
    level: usize,
    shape: KeyShape,
    scale: f64,
    /// The longest period of a diagonal. The slots of the input are a multiple of it.
    period: usize,
    plan: BsgsPlan,
    /// The diagonals of each sum, ordered by period, each with the index of its baby step.
    sums: Vec<Vec<(usize, EncodedDiagonal)>>,
}

impl LinearTransform {
    /// Encodes a matrix at `scale` for ciphertexts at `level`.
    ///
    /// Diagonals are encoded over main and special primes, because products are taken before the division that ends a
    /// key switch (double hoisting; Bossuat, Mouchet, Troncoso-Pastoriza and Hubaux, ePrint 2020/1203, algorithm 6).
    ///
    /// # Errors
    /// Those of [`Parameters::encode`] for a diagonal.
    ///
    /// # Panics
    /// If `level` exceeds the highest of the parameters.
    pub fn new(params: &Parameters, matrix: &Diagonals, level: usize, scale: f64) -> Result<Self, CkksError> {
        Self::encoded(params, matrix, BsgsPlan::new(matrix.0.keys().copied(), 1), level, scale, None)
    }

    /// Encodes a matrix as [`LinearTransform::new`] does, for a split of its offsets. With a shelf, each diagonal moves to
    /// it as soon as it is encoded.
    ///
    /// # Errors
    /// Those of [`LinearTransform::new`], and [`CkksError::Shelf`].
    pub(crate) fn encoded(
        params: &Parameters,
        matrix: &Diagonals,
        plan: BsgsPlan,
        level: usize,
        scale: f64,
        shelf: Option<&Shelf>,
    ) -> Result<Self, CkksError> {
        let shape = params.key_shape(level);
        let drawn = |&(&offset, diagonal): &(&i64, &Vec<Complex64>)| {
            let (baby, giant) = plan.place(offset);
            // The giant rotation comes after the product, so the diagonal is rotated back beforehand.
            let mut rotated = diagonal.clone();
            rotated.rotate_right((giant as i64 * plan.giant_step).rem_euclid(diagonal.len() as i64) as usize);
            ((giant, baby), rotated)
        };
        let diagonals: Vec<(&i64, &Vec<Complex64>)> = matrix.0.iter().collect();
        let encoded = diagonals.par_chunks(2).map(|pair| {
            let (places, rotated): (Vec<_>, Vec<_>) = pair.iter().map(drawn).unzip();
            let encoded = encode(params, &rotated, scale, shape.basis())?;
            let encoded = encoded.iter().map(|plain| EncodedDiagonal::from(plain.poly()));
            let placed = places.into_iter().zip(encoded).map(|((giant, baby), diagonal)| {
                let diagonal = match shelf {
                    Some(shelf) => diagonal.shelved(shelf)?,
                    None => diagonal,
                };
                Ok((giant, (baby, diagonal)))
            });
            placed.collect()
        });
        let encoded: Vec<Vec<(usize, (usize, EncodedDiagonal))>> = encoded.collect::<Result<_, CkksError>>()?;
        let mut sums: Vec<Vec<(usize, EncodedDiagonal)>> = (0..plan.giants).map(|_| Vec::new()).collect();
        encoded.into_iter().flatten().for_each(|(giant, term)| sums[giant].push(term));
        sums.iter_mut().for_each(|terms| terms.sort_by_key(|(_, diagonal)| diagonal.stretch()));
        let period = matrix.0.values().map(Vec::len).max().unwrap_or(1);
        Ok(Self { level, shape, scale, period, plan, sums })
    }

    /// Writes the encoded matrix.
    ///
    /// # Errors
    /// Those of the stream.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let BsgsPlan { babies, giant_step, giants } = &self.plan;
        for number in [self.level as u64, self.scale.to_bits(), self.period as u64, babies.len() as u64] {
            store::write(out, number)?;
        }
        babies.iter().try_for_each(|&baby| store::write(out, baby as u64))?;
        store::write(out, *giant_step as u64)?;
        store::write(out, *giants as u64)?;
        for sum in &self.sums {
            store::write(out, sum.len() as u64)?;
            sum.iter().try_for_each(|(baby, diagonal)| {
                store::write(out, *baby as u64)?;
                diagonal.write(out)
            })?;
        }
        Ok(())
    }

    /// Reads an encoded matrix. Its diagonals stay in the file.
    ///
    /// # Errors
    /// A file that has ended or holds something else.
    pub(crate) fn read(params: &Parameters, stored: &mut Stored) -> io::Result<Self> {
        let most = params.max_slots() + 1;
        let level = stored.below(params.max_level() + 1)?;
        let (scale, period) = (f64::from_bits(stored.number()?), stored.below(most)?);
        let count = stored.below(most)?;
        let babies = (0..count).map(|_| Ok(stored.number()? as i64)).collect::<io::Result<Vec<_>>>()?;
        let giant_step = stored.number()? as i64;
        let giants = stored.below(most)?;
        if giants == 0 {
            return Err(store::invalid("found a matrix of no sums, wanted at least one"));
        }
        let shape = params.key_shape(level);
        let sums = (0..giants).map(|_| {
            let terms = stored.below(count + 1)?;
            let term = |_| Ok((stored.below(count)?, EncodedDiagonal::read(params.ring(), shape.basis(), stored)?));
            (0..terms).map(term).collect::<io::Result<Vec<_>>>()
        });
        let sums = sums.collect::<io::Result<_>>()?;
        Ok(Self { level, shape, scale, period, plan: BsgsPlan { babies, giant_step, giants }, sums })
    }

    /// Asks for the rotation keys of a matrix applied at `level`.
    pub fn request_keys(params: &Parameters, matrix: &Diagonals, level: usize, request: &mut KeyRequest) {
        Shape::from(matrix).request_keys(params, level, 1, request);
    }

    /// Level of the input.
    pub fn level(&self) -> usize {
        self.level
    }

    /// Bytes of the encoded diagonals.
    pub fn bytes(&self) -> usize {
        self.sums.iter().flatten().map(|(_, diagonal)| diagonal.bytes()).sum()
    }

    /// Multiplies the matrix by the slots and rescales. An input above the transform's level is lowered.
    ///
    /// Result: one below the transform's level, the input's scale times the diagonals' scale over the prime of the
    /// level.
    ///
    /// # Errors
    /// [`CkksError::LevelTooLow`] if the input is below the transform's level or that is 0, [`CkksError::SlotMismatch`]
    /// if the input has fewer slots than a diagonal, [`CkksError::MissingKey`] if a rotation key is missing,
    /// [`CkksError::KeyShape`] if one was requested for another level.
    pub fn apply(&self, evaluator: &Evaluator, input: &Ciphertext) -> Result<Ciphertext, CkksError> {
        Ok(self.rescale(evaluator, input, self.product(evaluator, input)?))
    }

    /// Returns y + ȳ, twice the real part of [`LinearTransform::apply`]'s result y; if `both`, also ȳ − y. The
    /// conjugation is one more giant step, so both are divided only once.
    ///
    /// Result: level and scale of [`LinearTransform::apply`].
    ///
    /// # Errors
    /// Those of [`LinearTransform::apply`], also for the key of the conjugation at the transform's level.
    pub fn apply_and_split(
        &self,
        evaluator: &Evaluator,
        input: &Ciphertext,
        both: bool,
    ) -> Result<Vec<Ciphertext>, CkksError> {
        let y = self.product(evaluator, input)?;
        let galois = evaluator.params().galois_of_conjugation();
        let key = self.key(evaluator, galois)?;
        let [first, second] = y.clone().divide_second(self.shape.main);
        let digits = Digits::new(&second, self.shape);
        let own = both.then(|| y.clone());
        let mut sum = y;
        GaloisProduct::new(&digits, key, galois).add_to(&mut sum, &first);
        let difference = own.map(|y| {
            let mut difference = sum.clone();
            (0..2).for_each(|_| difference.sub_assign(&y));
            difference
        });
        Ok([Some(sum), difference].into_iter().flatten().map(|part| self.rescale(evaluator, input, part)).collect())
    }

    /// Multiplies the matrix by the slots without rescaling, for sums that are rescaled once.
    ///
    /// Result: the transform's level, the input's scale times the diagonals' scale.
    ///
    /// # Errors
    /// Those of [`LinearTransform::apply`].
    pub fn apply_unscaled(&self, evaluator: &Evaluator, input: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let parts = self.product(evaluator, input)?.divide(self.level + 1);
        Ok(Ciphertext::from_parts(parts, input.scale() * self.scale, input.slots()))
    }

    /// Divides a product by P and rescales it.
    fn rescale(&self, evaluator: &Evaluator, input: &Ciphertext, product: Extended) -> Ciphertext {
        let scale = input.scale() * self.scale / evaluator.params().prime(self.level);
        Ciphertext::from_parts(product.divide(self.level), scale, input.slots())
    }

    /// Returns P times the product of matrix and slots.
    fn product(&self, evaluator: &Evaluator, input: &Ciphertext) -> Result<Extended, CkksError> {
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
        // The total has digits of its own.
        drop(digits);

        // Horner's rule. Only the second half of the total is divided by P, decomposed and switched.
        let mut total = sums.next().expect("a matrix has at least one diagonal");
        for mut sum in sums {
            let rotation = self.rotation(evaluator, self.plan.giant_step)?;
            let (galois, key) = rotation.ok_or(CkksError::Parameters {
                what: "giant step of a linear transform",
                found: format!("{}, a multiple of the slots of the ring", self.plan.giant_step),
                wanted: "offsets within the slots".to_owned(),
            })?;
            let [first, second] = total.divide_second(self.shape.main);
            let digits = Digits::new(&second, self.shape);
            GaloisProduct::new(&digits, key, galois).add_to(&mut sum, &first);
            total = sum;
        }
        Ok(total)
    }

    /// Returns a rotation with its key; `None` for a rotation by a multiple of N/2.
    fn rotation<'a>(&self, evaluator: &'a Evaluator, steps: i64) -> Result<Rotation<'a>, CkksError> {
        let galois = evaluator.params().galois_of_rotation(steps);
        (galois != 1).then(|| Ok((galois, self.key(evaluator, galois)?))).transpose()
    }

    /// Returns a Galois key of the transform's shape.
    fn key<'a>(&self, evaluator: &'a Evaluator, galois: u64) -> Result<&'a SwitchingKey, CkksError> {
        let kind = KeyKind::Galois(galois);
        let key = evaluator.keys().get(kind, self.level)?;
        // A taller key would do, but the diagonals are encoded over the special primes of this shape.
        let (found, wanted) = (key.shape(), self.shape);
        if found == wanted { Ok(key) } else { Err(CkksError::KeyShape { kind, found, wanted }) }
    }

    /// Returns for each giant step P times the sum of its diagonals times the baby steps' rotations.
    ///
    /// It makes one pass over the limbs. In each chunk that fits the second-level cache it computes first all baby
    /// steps, then all sums. So keys and diagonals are read once, and rotations are never written out.
    fn inner_sums(
        &self,
        params: &Parameters,
        input: &Ciphertext,
        digits: &Digits<'_>,
        babies: &[Rotation<'_>],
    ) -> Vec<Extended> {
        let (ring, basis) = (params.ring(), self.shape.basis());
        let stretches = self.sums.iter().flatten().map(|(_, diagonal)| diagonal.stretch());
        let size = chunk(ring.n(), 2 * babies.len(), stretches);
        // Diagonals are let go after each share of a limb, from the start: the system reads pages around a page.
        let share = (ring.n() / SHARES).max(size);
        let products: Vec<_> =
            babies.iter().map(|baby| baby.map(|(galois, key)| GaloisProduct::new(digits, key, galois))).collect();
        let limbs = (0..basis.len()).into_par_iter().map(|i| {
            products.iter().flatten().for_each(|product| product.will_need(i));
            self.sums.iter().flatten().for_each(|(_, diagonal)| diagonal.will_need(i));
            let limb = Chunk::whole(ring, basis, i);
            let (kernels, table) = (limb.kernels(), limb.table());
            let mut sums: Vec<[Limb; 2]> = self.sums.iter().map(|_| [0, 1].map(|_| Limb::recycled(ring.n()))).collect();
            let mut rotated: Vec<[Limb; 2]> = babies.iter().map(|_| [0, 1].map(|_| Limb::recycled(size))).collect();
            let mut unpacked = Limb::recycled(size * babies.len());
            for first in (0..ring.n()).step_by(size) {
                let chunk = limb.at(first, size);
                for (product, rotated) in products.iter().zip(&mut rotated) {
                    for (part, out) in rotated.iter_mut().enumerate().rev() {
                        match product {
                            None => chunk.scale_lifted(out, &input.parts()[part]),
                            Some(product) => product.chunk(&chunk, part, out, |source, sum| {
                                if part == 0 {
                                    source.add_lifted(sum, &input.parts()[0]);
                                }
                            }),
                        }
                    }
                }
                for (sum, terms) in sums.iter_mut().zip(&self.sums) {
                    let unpacking = scope(Primitive::UnpackDiagonals);
                    let scratch = unpacked.chunks_exact_mut(size);
                    let chunks = terms.iter().zip(scratch).map(|((baby, diagonal), scratch)| {
                        (*baby, diagonal.stretch(), diagonal.chunk(kernels, i, first, scratch))
                    });
                    let chunks: Vec<(usize, u32, &[u64])> = chunks.collect();
                    drop(unpacking);
                    let _scope = scope(Primitive::DiagonalProduct);
                    for (part, sum) in sum.iter_mut().enumerate() {
                        let term =
                            |&(baby, stretch, diagonal): &(usize, _, _)| (stretch, &*rotated[baby][part], diagonal);
                        let terms: Vec<(u32, &[u64], &[u64])> = chunks.iter().map(term).collect();
                        multiply_diagonals(table, &mut sum[first..][..size], &terms);
                    }
                }
                if (first + size).is_multiple_of(share) {
                    let used = 0..first + size;
                    self.sums.iter().flatten().for_each(|(_, diagonal)| diagonal.let_go(i, used.clone()));
                }
            }
            products.iter().flatten().for_each(|product| product.let_go(i));
            sums
        });
        transpose(ring, basis, limbs.collect())
    }
}

/// Encodes one diagonal or two. Two of real numbers cost as much as one.
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

/// A Galois element and its key; `None` for a rotation by a multiple of N/2.
type Rotation<'a> = Option<(u64, &'a SwitchingKey)>;

/// Assembles pairs of polynomials from the limbs of each pair.
fn transpose(ring: &Arc<Ring>, basis: Basis, limbs: Vec<Vec<[Limb; 2]>>) -> Vec<Extended> {
    let count = limbs.first().map_or(0, Vec::len);
    let mut columns: Vec<[Vec<Limb>; 2]> = (0..count).map(|_| [Vec::new(), Vec::new()]).collect();
    for row in limbs {
        for (column, [first, second]) in columns.iter_mut().zip(row) {
            column[0].push(first);
            column[1].push(second);
        }
    }
    columns
        .into_iter()
        .map(|pair| Extended::from_parts(pair.map(|limbs| Poly::from_limbs(ring, basis, limbs))))
        .collect()
}
