//! The circuit: its matrices, encoded for the levels of their use, and its five steps.

use std::f64::consts::TAU;

use fhe_ckks::{Ciphertext, CkksError, Evaluator, Parameters};
use fhe_ring::meter::{Held, Holder};
use fhe_ring::{Shelf, meter};
use num_complex::Complex64;

use super::literal::{BootstrapLiteral, BootstrapOrder, Layout};
use super::matrices;
use super::raise;
use super::stages::Stages;
use crate::eval_mod::EvalMod;
use crate::linear::{BsgsPlan, Diagonals, LinearTransform, Shape};
use crate::store::{self, Stored};

/// A bootstrapping circuit with its matrices encoded.
///
/// ```no_run
/// use fhe_circuits::{Bootstrapper, presets};
/// use fhe_ckks::{Evaluator, Parameters, SecretKey};
/// use rand::SeedableRng;
///
/// # fn main() -> Result<(), fhe_ckks::CkksError> {
/// let preset = presets::N15_SLIM_REAL;
/// let params = Parameters::try_from(preset.parameters())?;
/// let literal = preset.bootstrap();
/// let mut rng = rand_chacha::ChaCha20Rng::from_os_rng();
/// let secret = SecretKey::generate(&params, &mut rng);
/// let keys = literal.request_keys(&params)?.generate(&secret, &mut rng);
/// let evaluator = Evaluator::new(&params, keys);
/// let bootstrapper = Bootstrapper::new(&params, literal.clone())?;
///
/// let spent = secret.encrypt_real(&vec![0.5; literal.slots], literal.input_level(), literal.input_scale, &mut rng)?;
/// let fresh = bootstrapper.bootstrap(&evaluator, &spent)?;
/// assert_eq!(fresh.level(), literal.output_level(&params)?);
/// # Ok(())
/// # }
/// ```
pub struct Bootstrapper {
    literal: BootstrapLiteral,
    layout: Layout,
    /// The integer that the input is multiplied by before it is raised.
    scale_up: i64,
    /// The stated scale of a raised ciphertext. It makes the coefficients t/(q₀·width); the trace adds up N/2n equal
    /// terms.
    raised_scale: f64,
    /// The factor from a message to its angle in EvalMod.
    angle: f64,
    /// Scale of the messages after EvalMod.
    reduced_scale: f64,
    slots_to_coeffs: Vec<LinearTransform>,
    coeffs_to_slots: Vec<LinearTransform>,
    eval_mod: EvalMod,
}

impl Bootstrapper {
    /// Checks a circuit and encodes its matrices.
    ///
    /// # Errors
    /// [`CkksError::Slots`] if the slot count is not a power of two from 2 to N/2. [`CkksError::Parameters`] if the
    /// stages do not add up to the transform, a scale is below 1 or not finite,
    /// [`EvalModLiteral::check`](crate::EvalModLiteral::check) fails, EvalMod's range is left with a probability above
    /// 2^−40, the input scale is too large for the ratio (classic order), or the parameters have no ephemeral weight.
    /// [`CkksError::LevelTooLow`] if the parameters have too few levels.
    pub fn new(params: &Parameters, literal: BootstrapLiteral) -> Result<Self, CkksError> {
        Self::encoded(params, literal, None)
    }

    /// As [`Bootstrapper::new`]; each matrix moves to a shelf while it is encoded.
    ///
    /// # Errors
    /// Those of [`Bootstrapper::new`], and [`CkksError::Shelf`].
    pub fn shelved(params: &Parameters, literal: BootstrapLiteral, shelf: &Shelf) -> Result<Self, CkksError> {
        Self::encoded(params, literal, Some(shelf))
    }

    fn encoded(params: &Parameters, literal: BootstrapLiteral, shelf: Option<&Shelf>) -> Result<Self, CkksError> {
        Self::with_matrices(params, literal, |literal, [raise, lower]| {
            let max_slots = params.max_slots();
            let (raising, lowering) = (&literal.coeffs_to_slots, &literal.slots_to_coeffs);
            Ok([
                encode(params, matrices::coeffs_to_slots(max_slots, literal), raising, raise, shelf)?,
                encode(params, matrices::slots_to_coeffs(max_slots, literal), lowering, lower, shelf)?,
            ])
        })
    }

    /// Checks a circuit and takes its encoded matrices from a file that [`Bootstrapper::write_constants`] wrote for these
    /// parameters and this literal. Most of them stay in the file.
    ///
    /// # Errors
    /// Those of [`Bootstrapper::new`]; [`CkksError::Parameters`] for a file that has ended or holds something else;
    /// [`CkksError::Shelf`] if the system refuses to map it.
    pub fn from_constants(
        params: &Parameters,
        literal: BootstrapLiteral,
        stored: &mut Stored,
    ) -> Result<Self, CkksError> {
        let invalid = |error: std::io::Error| {
            if error.kind() != std::io::ErrorKind::InvalidData {
                return CkksError::Shelf(error);
            }
            let wanted = "the encoded matrices of this circuit".to_owned();
            CkksError::Parameters { what: "file of constants", found: error.to_string(), wanted }
        };
        Self::with_matrices(params, literal, |literal, changes| {
            let read = |stages: &Stages, change: Change, stored: &mut Stored| {
                let found = stages.merged.iter().map(|_| LinearTransform::read(params, stored));
                let found = found.collect::<Result<Vec<_>, _>>().map_err(invalid)?;
                let levels: Vec<_> = found.iter().map(LinearTransform::level).collect();
                let wanted: Vec<_> = (0..found.len()).map(|k| change.top - stages.spent_before(k)).collect();
                let other = || store::invalid(&format!("found matrices of the levels {levels:?}, wanted {wanted:?}"));
                if levels == wanted { Ok(found) } else { Err(invalid(other())) }
            };
            let [raise, lower] = changes;
            Ok([read(&literal.coeffs_to_slots, raise, stored)?, read(&literal.slots_to_coeffs, lower, stored)?])
        })
    }

    /// Writes the encoded matrices, for [`Bootstrapper::from_constants`].
    ///
    /// # Errors
    /// Those of the stream.
    pub fn write_constants(&self, out: &mut impl std::io::Write) -> std::io::Result<()> {
        self.coeffs_to_slots.iter().chain(&self.slots_to_coeffs).try_for_each(|stage| stage.write(out))
    }

    /// Checks a circuit. `matrices` returns the stages of CoeffsToSlots and of SlotsToCoeffs for the changes of scale
    /// that they make.
    fn with_matrices(
        params: &Parameters,
        literal: BootstrapLiteral,
        matrices: impl FnOnce(&BootstrapLiteral, [Change; 2]) -> Result<[Vec<LinearTransform>; 2], CkksError>,
    ) -> Result<Self, CkksError> {
        literal.check(params)?;
        let ratio = literal.raised_ratio(params)?;
        let eval_mod = EvalMod::new(literal.eval_mod.clone(), ratio)?;
        let angle = TAU / ratio;
        let raised_scale = params.prime(0) * eval_mod.width() * (params.max_slots() / literal.slots) as f64;

        let top = params.max_level();
        let into_eval_mod = params.prime(top - literal.coeffs_to_slots.levels);
        let first = literal.first_level_of_slots_to_coeffs(params)?;
        // Scales of messages before and after SlotsToCoeffs, and after EvalMod.
        let (before, after, reduced_scale) = match literal.order {
            BootstrapOrder::Slim => (literal.input_scale, params.prime(0) / ratio, literal.output_scale),
            BootstrapOrder::Classic => {
                let sine = params.prime(first + 1);
                (sine * angle, literal.output_scale, sine * angle)
            }
        };
        let changes =
            [Change { top, factor: into_eval_mod / raised_scale }, Change { top: first, factor: after / before }];
        let [coeffs_to_slots, slots_to_coeffs] = matrices(&literal, changes)?;
        let (layout, scale_up) = (literal.layout(params.max_slots()), literal.scale_up(params)?);
        Ok(Self {
            literal,
            layout,
            scale_up,
            raised_scale,
            angle,
            reduced_scale,
            slots_to_coeffs,
            coeffs_to_slots,
            eval_mod,
        })
    }

    /// The literal that this circuit was made from.
    pub fn literal(&self) -> &BootstrapLiteral {
        &self.literal
    }

    /// Bytes of the encoded matrices.
    pub fn bytes(&self) -> usize {
        self.slots_to_coeffs.iter().chain(&self.coeffs_to_slots).map(LinearTransform::bytes).sum()
    }

    /// Refreshes a ciphertext at [`BootstrapLiteral::input_level`] or above, of the literal's input scale and slot
    /// count.
    ///
    /// Result: [`BootstrapLiteral::output_level`], the literal's output scale.
    ///
    /// # Errors
    /// [`CkksError::LevelTooLow`], [`CkksError::ScaleMismatch`] or [`CkksError::SlotMismatch`] if the input has another
    /// level, scale or slot count; [`CkksError::MissingKey`] if a key is missing.
    pub fn bootstrap(&self, evaluator: &Evaluator, input: &Ciphertext) -> Result<Ciphertext, CkksError> {
        self.check_input(input)?;
        match self.literal.order {
            BootstrapOrder::Slim => {
                let lowered = self.slots_to_coeffs(evaluator, input)?;
                let raised = self.mod_raise(evaluator, &lowered)?;
                let coefficients = self.coeffs_to_slots(evaluator, &raised)?;
                let reduced = self.eval_mod(evaluator, &coefficients)?;
                self.recombine(evaluator, reduced)
            }
            BootstrapOrder::Classic => {
                let raised = self.mod_raise(evaluator, input)?;
                let coefficients = self.coeffs_to_slots(evaluator, &raised)?;
                let reduced = self.eval_mod(evaluator, &coefficients)?;
                let recombined = self.recombine(evaluator, reduced)?;
                self.slots_to_coeffs(evaluator, &recombined)
            }
        }
    }

    fn check_input(&self, input: &Ciphertext) -> Result<(), CkksError> {
        let operation = "bootstrapping";
        CkksError::check_slots(operation, self.literal.slots, input.slots())?;
        let (found, wanted) = (input.level(), self.literal.input_level());
        if found < wanted {
            return Err(CkksError::LevelTooLow { operation, found, wanted });
        }
        CkksError::check_scales(operation, self.literal.input_scale, input.scale())
    }

    /// Raises the modulus from q₀ to all main primes. Each coefficient gains an unknown multiple of q₀. The result is
    /// projected onto polynomials in X^(N/2n).
    ///
    /// Result: the highest level, at a scale that makes the coefficients t/(q₀·width).
    ///
    /// # Errors
    /// [`CkksError::SlotMismatch`] if the input has other slots than the circuit, [`CkksError::MissingKey`] if a key of
    /// encapsulation or of a rotation by a multiple of the slot count is missing.
    pub fn mod_raise(&self, evaluator: &Evaluator, input: &Ciphertext) -> Result<Ciphertext, CkksError> {
        CkksError::check_slots("ModRaise", self.literal.slots, input.slots())?;
        let _part = meter::part("ModRaise", 0);
        let mut lowest = evaluator.lowered(input, 0)?;
        if self.scale_up > 1 {
            lowest = evaluator.multiply_integer(&lowest, self.scale_up);
        }
        raise::mod_raise(evaluator, &lowest, self.raised_scale)
    }

    /// Takes coefficients to slots, with t/(q₀·width) in each: one ciphertext of real parts, two of real and imaginary
    /// parts, or one with both.
    ///
    /// Result: as many levels below the input as CoeffsToSlots spends, at about the scale of EvalMod's primes.
    ///
    /// # Errors
    /// [`CkksError::SlotMismatch`] if the input has other slots than the circuit, [`CkksError::LevelTooLow`] if it is
    /// below the highest level, [`CkksError::MissingKey`] if the key of a rotation or of the conjugation is missing.
    pub fn coeffs_to_slots(&self, evaluator: &Evaluator, raised: &Ciphertext) -> Result<Vec<Ciphertext>, CkksError> {
        CkksError::check_slots("CoeffsToSlots", self.literal.slots, raised.slots())?;
        let (last, stages) = self.coeffs_to_slots.split_last().expect("at least one stage");
        // The 2n slots repeat after n.
        let repeated = || Ciphertext::from_parts(raised.parts().clone(), raised.scale(), 2 * raised.slots());
        let packed = (self.layout == Layout::Packed).then(repeated);
        let x = apply_all(
            "CoeffsToSlots",
            stages,
            &self.literal.coeffs_to_slots,
            evaluator,
            packed.as_ref().unwrap_or(raised),
        )?;
        let _part = meter::part("CoeffsToSlots", self.coeffs_to_slots.len());
        let mut parts = last.apply_and_split(evaluator, &x, self.layout == Layout::Separate)?;
        // z − z̄ is 2i·Im z. The matrices contain the factor 1/2.
        parts.iter_mut().skip(1).for_each(|difference| *difference = evaluator.multiply_by_i(difference));
        Ok(parts)
    }

    /// Reduces each coefficient modulo q₀.
    ///
    /// Result: [`EvalMod::depth`] levels below the input, at the literal's output scale (in the classic order at the
    /// scale that SlotsToCoeffs expects).
    ///
    /// # Errors
    /// Those of [`EvalMod::evaluate`].
    pub fn eval_mod(&self, evaluator: &Evaluator, coefficients: &[Ciphertext]) -> Result<Vec<Ciphertext>, CkksError> {
        let reduce = |coefficients| {
            let mut reduced = self.eval_mod.evaluate(evaluator, coefficients, self.reduced_scale / self.angle)?;
            // The slots hold the angle 2π·m/ρ. This scale makes it m.
            reduced.set_scale(self.reduced_scale);
            Ok(reduced)
        };
        coefficients.iter().map(reduce).collect()
    }

    /// Joins real and imaginary parts from two ciphertexts to one of complex slots. In the other layouts it returns the
    /// one ciphertext as it is.
    ///
    /// Result: the level and scale of the parts.
    ///
    /// # Errors
    /// Never on the output of [`Bootstrapper::eval_mod`].
    ///
    /// # Panics
    /// If there are fewer parts than the layout has.
    pub fn recombine(&self, evaluator: &Evaluator, mut parts: Vec<Ciphertext>) -> Result<Ciphertext, CkksError> {
        let imaginary = if self.layout == Layout::Separate { parts.pop() } else { None };
        let mut real = parts.pop().expect("a real part at least");
        if let Some(imaginary) = imaginary {
            evaluator.add_assign(&mut real, &evaluator.multiply_by_i(&imaginary))?;
        }
        Ok(real)
    }

    /// Takes slots to coefficients.
    ///
    /// Result: level 0 at the scale q₀/ρ in the slim order; the output's level and scale in the classic order.
    ///
    /// # Errors
    /// [`CkksError::LevelTooLow`] if the input is below the level of the first stage, [`CkksError::SlotMismatch`] if it
    /// has other slots than the matrices, [`CkksError::MissingKey`] if the key of a rotation or of the conjugation is
    /// missing.
    pub fn slots_to_coeffs(&self, evaluator: &Evaluator, input: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let transformed =
            apply_all("SlotsToCoeffs", &self.slots_to_coeffs, &self.literal.slots_to_coeffs, evaluator, input)?;
        let (slots, scale) = (self.literal.slots, transformed.scale());
        match (self.literal.order, self.layout) {
            (BootstrapOrder::Classic, Layout::Packed) => {
                let halves = evaluator.rotate(&transformed, slots as i64)?;
                let sum = evaluator.add(&transformed, &halves)?;
                Ok(Ciphertext::from_parts(sum.into_parts(), scale, slots))
            }
            (BootstrapOrder::Classic, Layout::Real) => {
                let conjugate = evaluator.conjugate(&transformed)?;
                evaluator.add(&transformed, &conjugate)
            }
            _ => Ok(transformed),
        }
    }

    /// The ratio of q₀ to the scale at which messages are raised: the literal's ρ, or a little more in the classic
    /// order.
    pub fn message_ratio(&self) -> f64 {
        TAU / self.angle
    }

    /// The divisor of t/q₀ in the input of EvalMod.
    pub fn eval_mod_width(&self) -> f64 {
        self.eval_mod.width()
    }

    /// Evaluates EvalMod in cleartext: from t/(q₀·width) to the message.
    pub fn eval_mod_clear(&self, x: f64) -> f64 {
        self.eval_mod.evaluate_clear(x) / self.angle
    }
}

/// The level at which the first of some stages begins, and the factor by which they change the scale together.
#[derive(Clone, Copy)]
struct Change {
    top: usize,
    factor: f64,
}

/// Encodes the matrices of stages for the levels of their use. All have weights of one scale: together they fill the
/// primes that the stages spend, and make the change of scale.
fn encode(
    params: &Parameters,
    matrices: Vec<Diagonals>,
    stages: &Stages,
    change: Change,
    shelf: Option<&Shelf>,
) -> Result<Vec<LinearTransform>, CkksError> {
    let whole = (0..stages.levels).fold(change.factor, |whole, k| whole * params.prime(change.top - k));
    let scale = whole.powf(1.0 / matrices.len() as f64);
    let encode = |(k, (matrix, _held)): (usize, (Diagonals, Held))| {
        let plan = BsgsPlan::new(matrix.0.keys().copied(), stages.giant_step);
        LinearTransform::encoded(params, &matrix, plan, change.top - stages.spent_before(k), scale, shelf)
    };
    // What waits in cleartext also counts.
    let bytes = |matrix: &Diagonals| Shape::from(matrix).values() * size_of::<Complex64>();
    let held: Vec<Held> = matrices.iter().map(|matrix| Held::new(Holder::Matrices, bytes(matrix))).collect();
    matrices.into_iter().zip(held).enumerate().map(encode).collect()
}

/// Applies the first stages of a transform, or all, one after the other. Each is a part of this name.
fn apply_all(
    name: &'static str,
    matrices: &[LinearTransform],
    stages: &Stages,
    evaluator: &Evaluator,
    x: &Ciphertext,
) -> Result<Ciphertext, CkksError> {
    let apply = |k: usize, x: &Ciphertext| {
        let _part = meter::part(name, k + 1);
        if stages.rescales_after(k) {
            matrices[k].apply(evaluator, x)
        } else {
            matrices[k].apply_unscaled(evaluator, x)
        }
    };
    match matrices.len() {
        0 => Ok(x.clone()),
        count => (1..count).try_fold(apply(0, x)?, |x, k| apply(k, &x)),
    }
}
