//! The circuit: matrices encoded at the levels of an order, and the steps.

use std::f64::consts::TAU;

use fhe_ckks::{Ciphertext, CkksError, Evaluator, Parameters};

use super::matrices::Matrices;
use super::{BootstrapLiteral, BootstrapOrder, Layout, raise};
use crate::eval_mod::EvalMod;
use crate::linear::{Diagonals, LinearTransform};

/// A bootstrapping circuit with its matrices encoded.
pub struct Bootstrapper {
    literal: BootstrapLiteral,
    layout: Layout,
    /// The integer that takes input to the scale at which it is raised.
    scale_up: i64,
    /// What t is divided by when it stands in the slots at scale 1: a raised ciphertext's coefficients are t/(q₀·width),
    /// and the trace adds up N/2n equal terms.
    raised_scale: f64,
    /// A message m stands for the angle `angle`·m.
    angle: f64,
    /// Scale of the messages after EvalMod.
    reduced_scale: f64,
    slots_to_coeffs: Vec<LinearTransform>,
    coeffs_to_slots: Vec<LinearTransform>,
    eval_mod: EvalMod,
}

impl Bootstrapper {
    /// Encodes the matrices of a circuit.
    ///
    /// # Errors
    /// A slot count that is no power of two from 2 to N/2, stages that do not add up to its transform, scales that are
    /// no scales, what [`EvalModLiteral::check`](crate::EvalModLiteral::check) refuses, an input scale too large for
    /// the ratio (classic order), parameters without ephemeral weight, or with too few levels.
    pub fn new(params: &Parameters, literal: BootstrapLiteral) -> Result<Self, CkksError> {
        literal.check(params)?;
        let ratio = literal.raised_ratio(params)?;
        let eval_mod = EvalMod::new(literal.eval_mod.clone(), ratio)?;
        let angle = TAU / ratio;
        let raised_scale = params.prime(0) * eval_mod.width() * (params.max_slots() / literal.slots) as f64;

        let top = params.max_level();
        let into_eval_mod = params.prime(top - literal.coeffs_to_slots.len());
        let matrices = Matrices::new(params, &literal);
        let coeffs_to_slots = encode(params, matrices.coeffs_to_slots, top, into_eval_mod / raised_scale)?;
        let first = literal.first_level_of_slots_to_coeffs(params)?;
        // What comes into SlotsToCoeffs, what leaves it, and what leaves EvalMod.
        let (before, after, reduced_scale) = match literal.order {
            BootstrapOrder::Slim => (literal.input_scale, params.prime(0) / ratio, literal.output_scale),
            BootstrapOrder::Classic => {
                let sine = params.prime(first + 1);
                (sine * angle, literal.output_scale, sine * angle)
            }
        };
        let slots_to_coeffs = encode(params, matrices.slots_to_coeffs, first, after / before)?;
        let (layout, scale_up) = (literal.layout(params), literal.scale_up(params)?);
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

    /// What it was made from.
    pub fn literal(&self) -> &BootstrapLiteral {
        &self.literal
    }

    /// Bytes of the encoded matrices.
    pub fn bytes(&self) -> usize {
        self.slots_to_coeffs.iter().chain(&self.coeffs_to_slots).map(LinearTransform::bytes).sum()
    }

    /// Refreshes a ciphertext.
    ///
    /// # Errors
    /// A ciphertext below [`BootstrapLiteral::input_level`], at another scale, of another slot count, or a missing key.
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

    /// Raises the modulus from q₀ to all main primes: each coefficient gains an unknown multiple of q₀. What comes out
    /// is projected onto polynomials in X^(N/2n).
    ///
    /// # Errors
    /// A missing key of encapsulation, or of a rotation by a multiple of the slot count.
    pub fn mod_raise(&self, evaluator: &Evaluator, input: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let mut lowest = evaluator.lowered(input, 0)?;
        if self.scale_up > 1 {
            lowest = evaluator.multiply_integer(&lowest, self.scale_up);
        }
        raise::mod_raise(evaluator, &lowest, self.raised_scale)
    }

    /// Coefficients to slots, t/(q₀·width) in each: one ciphertext of real parts, two of real and imaginary parts, or
    /// one that has them side by side.
    ///
    /// # Errors
    /// A missing rotation key, or that of the conjugation.
    pub fn coeffs_to_slots(&self, evaluator: &Evaluator, raised: &Ciphertext) -> Result<Vec<Ciphertext>, CkksError> {
        let (last, stages) = self.coeffs_to_slots.split_last().expect("at least one stage");
        // Slots that repeat after n.
        let repeated = || Ciphertext::from_parts(raised.parts().clone(), raised.scale(), 2 * raised.slots());
        let packed = (self.layout == Layout::Packed).then(repeated);
        let x = apply_all(stages, evaluator, packed.as_ref().unwrap_or(raised))?;
        let mut parts = last.apply_and_split(evaluator, &x, self.layout == Layout::Separate)?;
        // z − z̄ is 2i·Im z, and the half is in the matrices.
        parts.iter_mut().skip(1).for_each(|difference| *difference = evaluator.multiply_by_i(difference));
        Ok(parts)
    }

    /// Takes the multiple of q₀ away from each coefficient.
    ///
    /// # Errors
    /// No relinearization key.
    pub fn eval_mod(&self, evaluator: &Evaluator, coefficients: &[Ciphertext]) -> Result<Vec<Ciphertext>, CkksError> {
        let reduce = |coefficients| {
            let mut reduced = self.eval_mod.evaluate(evaluator, coefficients, self.reduced_scale / self.angle)?;
            // The angle 2π·m/ρ, read as m.
            reduced.set_scale(self.reduced_scale);
            Ok(reduced)
        };
        coefficients.iter().map(reduce).collect()
    }

    /// From real and imaginary parts in two ciphertexts to one of complex slots; nothing to do in other layouts, where
    /// SlotsToCoeffs does it.
    ///
    /// # Errors
    /// None of results of [`Bootstrapper::eval_mod`].
    pub fn recombine(&self, evaluator: &Evaluator, mut parts: Vec<Ciphertext>) -> Result<Ciphertext, CkksError> {
        let imaginary = if self.layout == Layout::Separate { parts.pop() } else { None };
        let mut real = parts.pop().expect("a real part at least");
        if let Some(imaginary) = imaginary {
            evaluator.add_assign(&mut real, &evaluator.multiply_by_i(&imaginary))?;
        }
        Ok(real)
    }

    /// Slots to coefficients: down to level 0 in the slim order, to the output's level in the classic one.
    ///
    /// # Errors
    /// A missing rotation key, or that of the conjugation.
    pub fn slots_to_coeffs(&self, evaluator: &Evaluator, input: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let transformed = apply_all(&self.slots_to_coeffs, evaluator, input)?;
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

    /// q₀ divided by the scale at which messages are raised: the literal's ρ, or a little more in the classic order.
    pub fn message_ratio(&self) -> f64 {
        TAU / self.angle
    }

    /// What EvalMod takes t/q₀ divided by.
    pub fn eval_mod_width(&self) -> f64 {
        self.eval_mod.width()
    }

    /// What EvalMod makes of coefficients, in the clear: from t/(q₀·width) to the message.
    pub fn eval_mod_clear(&self, x: f64) -> f64 {
        self.eval_mod.evaluate_clear(x) / self.angle
    }
}

/// Encodes the stages of a transform from level `top` on. As a whole it changes the scale by the factor `change`, of
/// which each stage takes the same share.
fn encode(
    params: &Parameters,
    stages: Vec<Diagonals>,
    top: usize,
    change: f64,
) -> Result<Vec<LinearTransform>, CkksError> {
    let share = change.powf(1.0 / stages.len() as f64);
    let stages = stages.iter().enumerate();
    stages.map(|(k, matrix)| LinearTransform::new(params, matrix, top - k, params.prime(top - k) * share)).collect()
}

fn apply_all(stages: &[LinearTransform], evaluator: &Evaluator, x: &Ciphertext) -> Result<Ciphertext, CkksError> {
    let Some((first, rest)) = stages.split_first() else { return Ok(x.clone()) };
    rest.iter().try_fold(first.apply(evaluator, x)?, |x, stage| stage.apply(evaluator, &x))
}
