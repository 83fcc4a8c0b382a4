//! Bootstrapping of real slots in the slim order: SlotsToCoeffs, ModRaise, CoeffsToSlots, EvalMod.
//!
//! SlotsToCoeffs runs first (Chen and Han, ePrint 2018/067), on the few primes that a spent ciphertext has left, so
//! that of the tall transforms only one remains. As the slots are real, it leaves one real number a coefficient and
//! half of the coefficients zero; after CoeffsToSlots the real part holds all of the message, and EvalMod runs once.
//! The modulus is raised under an ephemeral sparse secret (Bossuat, Troncoso-Pastoriza and Hubaux, ePrint 2022/024),
//! which keeps the range of EvalMod small while everything else is encrypted under a dense secret.

use std::f64::consts::TAU;

use fhe_ckks::{Ciphertext, CkksError, Evaluator, KeyKind, KeyRequest, Parameters};
use fhe_ring::{Basis, Ntt, Poly};

use crate::dft;
use crate::eval_mod::{EvalMod, EvalModLiteral};
use crate::linear::{BsgsPlan, Diagonals, LinearTransform};

/// A bootstrapping circuit as a person writes it down.
#[derive(Clone, Debug, PartialEq)]
pub struct BootstrapLiteral {
    /// Number of real slots n, a power of two up to N/2.
    pub slots: usize,
    /// How many of the log2(n) butterfly levels each stage of SlotsToCoeffs merges; a stage spends one level.
    pub slots_to_coeffs: Vec<u32>,
    /// The same for CoeffsToSlots.
    pub coeffs_to_slots: Vec<u32>,
    /// The remainder's approximation.
    pub eval_mod: EvalModLiteral,
    /// ρ: the first prime divided by the scale at which messages in [−1, 1] are raised.
    pub message_ratio: f64,
    /// Scale of the ciphertexts to bootstrap.
    pub input_scale: f64,
    /// Scale of the bootstrapped ciphertexts.
    pub output_scale: f64,
}

/// What a bootstrapping circuit costs: counted, before anything is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootstrapCost {
    /// Levels between the top of the chain and the output.
    pub depth: usize,
    /// Rotations that share a decomposition with others.
    pub hoisted: usize,
    /// Rotations, conjugations and switches of the secret with a decomposition of their own.
    pub full: usize,
    /// Relinearizations.
    pub relinearizations: usize,
    /// Bytes that the encoded matrices will hold.
    pub bytes: usize,
    /// The most polynomials over main and special primes that a transform holds at once.
    pub polynomials: usize,
}

/// A bootstrapping circuit with its matrices encoded.
pub struct Bootstrapper {
    literal: BootstrapLiteral,
    slots_to_coeffs: Vec<LinearTransform>,
    coeffs_to_slots: Vec<LinearTransform>,
    eval_mod: EvalMod,
}

/// The two transforms' factors and where they are applied.
struct Matrices {
    slots_to_coeffs: Vec<Diagonals>,
    coeffs_to_slots: Vec<Diagonals>,
}

impl BootstrapLiteral {
    /// Level of the input; ciphertexts above it are lowered.
    pub fn input_level(&self) -> usize {
        self.slots_to_coeffs.len()
    }

    /// Level of the output.
    ///
    /// # Errors
    /// Parameters with fewer levels than the circuit spends.
    pub fn output_level(&self, params: &Parameters) -> Result<usize, CkksError> {
        let spent = self.coeffs_to_slots.len() + EvalMod::new(self.eval_mod.clone(), self.message_ratio).depth();
        params.max_level().checked_sub(spent.max(self.input_level())).ok_or(CkksError::LevelTooLow {
            operation: "bootstrapping",
            found: params.max_level(),
            wanted: spent,
        })
    }

    fn check(&self, params: &Parameters) -> Result<(), CkksError> {
        if !self.slots.is_power_of_two() || self.slots < 2 || self.slots > params.max_slots() {
            return Err(CkksError::Slots { found: self.slots, max: params.max_slots() });
        }
        let levels = self.slots.trailing_zeros();
        for radices in [&self.slots_to_coeffs, &self.coeffs_to_slots] {
            if radices.contains(&0) || radices.iter().sum::<u32>() != levels {
                return Err(CkksError::Parameters {
                    what: "butterfly levels merged by the stages of a transform",
                    found: format!("{radices:?}"),
                    wanted: format!("positive numbers that add up to {levels}, for {} slots", self.slots),
                });
            }
        }
        self.output_level(params).map(drop)
    }

    fn matrices(&self) -> Matrices {
        Matrices {
            slots_to_coeffs: dft::slots_to_coeffs(self.slots, &self.slots_to_coeffs, 1.0),
            // Half, as the real part is the sum with the conjugate.
            coeffs_to_slots: dft::coeffs_to_slots(self.slots, &self.coeffs_to_slots, 0.5),
        }
    }

    /// What the circuit costs.
    ///
    /// # Errors
    /// As [`Bootstrapper::new`].
    pub fn cost(&self, params: &Parameters) -> Result<BootstrapCost, CkksError> {
        self.check(params)?;
        let top = params.max_level();
        let depth = top - self.output_level(params)?;
        let eval_mod = EvalMod::new(self.eval_mod.clone(), self.message_ratio);
        // Beside the transforms: two switches of the secret, the trace, the conjugation.
        let full = 2 + trace_steps(params, self.slots).count() + 1;
        let mut cost = BootstrapCost {
            depth,
            hoisted: 0,
            full,
            relinearizations: eval_mod.relinearizations(),
            bytes: 0,
            polynomials: 0,
        };
        let matrices = self.matrices();
        for (first, stages) in [(self.input_level(), matrices.slots_to_coeffs), (top, matrices.coeffs_to_slots)] {
            for (k, matrix) in stages.iter().enumerate() {
                let plan = BsgsPlan::new(matrix.0.keys().copied());
                cost.hoisted += plan.hoisted();
                cost.full += plan.rotations() - plan.hoisted();
                cost.bytes += LinearTransform::bytes_of(params, matrix, first - k);
                // The digits, a pair for each giant step, the total, and input or output.
                let digits = params.key_shape(first - k).digits();
                cost.polynomials = cost.polynomials.max(digits + 2 * plan.giants + 4);
            }
        }
        Ok(cost)
    }

    /// The keys that the circuit needs, each at the level where it needs it.
    ///
    /// # Errors
    /// As [`Bootstrapper::new`].
    pub fn request_keys(&self, params: &Parameters) -> Result<KeyRequest, CkksError> {
        self.check(params)?;
        let mut request = KeyRequest::default();
        let matrices = self.matrices();
        for (k, matrix) in matrices.slots_to_coeffs.iter().enumerate() {
            LinearTransform::request_keys(params, matrix, self.input_level() - k, &mut request);
        }
        let top = params.max_level();
        for step in trace_steps(params, self.slots) {
            request.rotation(params, step, top);
        }
        for (k, matrix) in matrices.coeffs_to_slots.iter().enumerate() {
            LinearTransform::request_keys(params, matrix, top - k, &mut request);
        }
        let raised = top - matrices.coeffs_to_slots.len();
        request.conjugation(params, raised);
        request.relinearization(params, raised);
        request.encapsulation(params);
        Ok(request)
    }
}

/// The rotations whose sum projects a polynomial onto those in X^(N/2n).
fn trace_steps(params: &Parameters, slots: usize) -> impl Iterator<Item = i64> + use<> {
    let max = params.max_slots();
    std::iter::successors(Some(slots), |&s| Some(2 * s)).take_while(move |&s| s < max).map(|s| s as i64)
}

impl Bootstrapper {
    /// Encodes the matrices of a circuit.
    ///
    /// # Errors
    /// A slot count that is no power of two or too large, stages that do not add up to its transform, or too few levels.
    pub fn new(params: &Parameters, literal: BootstrapLiteral) -> Result<Self, CkksError> {
        literal.check(params)?;
        let eval_mod = EvalMod::new(literal.eval_mod.clone(), literal.message_ratio);
        let matrices = literal.matrices();
        // Each transform as a whole changes the scale by a given factor, shared evenly among its stages.
        let encode = |matrices: Vec<Diagonals>, top: usize, change: f64| {
            let share = change.powf(1.0 / matrices.len() as f64);
            matrices
                .iter()
                .enumerate()
                .map(|(k, matrix)| LinearTransform::new(params, matrix, top - k, params.prime(top - k) * share))
                .collect::<Result<Vec<_>, _>>()
        };
        let lowered = params.prime(0) / literal.message_ratio;
        let slots_to_coeffs = encode(matrices.slots_to_coeffs, literal.input_level(), lowered / literal.input_scale)?;
        let top = params.max_level();
        let raised = Self::raised_scale(params, &literal, &eval_mod);
        let into_eval_mod = params.prime(top - literal.coeffs_to_slots.len());
        let coeffs_to_slots = encode(matrices.coeffs_to_slots, top, into_eval_mod / raised)?;
        Ok(Self { literal, slots_to_coeffs, coeffs_to_slots, eval_mod })
    }

    /// The scale at which a raised ciphertext's coefficients are t/(q₀·width): the trace adds up N/2n equal terms.
    fn raised_scale(params: &Parameters, literal: &BootstrapLiteral, eval_mod: &EvalMod) -> f64 {
        params.prime(0) * eval_mod.width() * (params.max_slots() / literal.slots) as f64
    }

    /// What it was made from.
    pub fn literal(&self) -> &BootstrapLiteral {
        &self.literal
    }

    /// Bytes of the encoded matrices.
    pub fn bytes(&self) -> usize {
        self.slots_to_coeffs.iter().chain(&self.coeffs_to_slots).map(LinearTransform::bytes).sum()
    }

    /// Refreshes a ciphertext of real slots in [−1, 1].
    ///
    /// # Errors
    /// A ciphertext below [`BootstrapLiteral::input_level`], at another scale, of another slot count, or a missing key.
    pub fn bootstrap(&self, evaluator: &Evaluator, input: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let lowered = self.slots_to_coeffs(evaluator, input)?;
        let raised = self.mod_raise(evaluator, &lowered)?;
        let coefficients = self.coeffs_to_slots(evaluator, &raised)?;
        self.eval_mod(evaluator, &coefficients)
    }

    /// Slots to coefficients, down to level 0.
    pub fn slots_to_coeffs(&self, evaluator: &Evaluator, input: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let operation = "bootstrapping";
        let (found, wanted) = (input.slots(), self.literal.slots);
        if found != wanted {
            return Err(CkksError::SlotMismatch { operation, found, wanted });
        }
        let (found, wanted) = (input.scale(), self.literal.input_scale);
        if (found / wanted - 1.0).abs() > 1e-6 {
            return Err(CkksError::ScaleMismatch { operation, found, wanted });
        }
        apply_all(&self.slots_to_coeffs, evaluator, input.clone())
    }

    /// From modulo q₀ to modulo all main primes: the coefficients gain an unknown multiple of q₀. Passes through the
    /// ephemeral secret, and projects back onto polynomials in X^(N/2n).
    pub fn mod_raise(&self, evaluator: &Evaluator, input: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let params = evaluator.params();
        let mut lowest = input.clone();
        evaluator.drop_to(&mut lowest, 0);
        let sparse = evaluator.switch(&lowest, evaluator.keys().get(KeyKind::DenseToSparse, 0)?);
        let scale = Self::raised_scale(params, &self.literal, &self.eval_mod);
        let parts = sparse.parts().each_ref().map(|part| raise(params, part));
        let raised = Ciphertext::from_parts(parts, scale, self.literal.slots);
        let mut dense = evaluator.switch(&raised, evaluator.keys().get(KeyKind::SparseToDense, params.max_level())?);
        for step in trace_steps(params, self.literal.slots) {
            let rotated = evaluator.rotate(&dense, step)?;
            evaluator.add_assign(&mut dense, &rotated)?;
        }
        Ok(dense)
    }

    /// Coefficients to slots, and of these the real part.
    pub fn coeffs_to_slots(&self, evaluator: &Evaluator, raised: &Ciphertext) -> Result<Ciphertext, CkksError> {
        let mut halves = apply_all(&self.coeffs_to_slots, evaluator, raised.clone())?;
        let conjugate = evaluator.conjugate(&halves)?;
        evaluator.add_assign(&mut halves, &conjugate)?;
        Ok(halves)
    }

    /// Takes the multiple of q₀ away.
    pub fn eval_mod(&self, evaluator: &Evaluator, coefficients: &Ciphertext) -> Result<Ciphertext, CkksError> {
        // A message m at ratio ρ is the angle 2π·m/ρ.
        let angle = TAU / self.literal.message_ratio;
        let mut message = self.eval_mod.evaluate(evaluator, coefficients, self.literal.output_scale / angle)?;
        message.set_scale(message.scale() * angle);
        Ok(message)
    }
}

fn apply_all(stages: &[LinearTransform], evaluator: &Evaluator, x: Ciphertext) -> Result<Ciphertext, CkksError> {
    stages.iter().try_fold(x, |x, stage| stage.apply(evaluator, &x))
}

/// A polynomial modulo q₀, centred, modulo all main primes.
fn raise(params: &Parameters, part: &Poly<Ntt>) -> Poly<Ntt> {
    let ring = params.ring();
    let q0 = ring.main()[0].modulus();
    let coefficients = part.clone().into_coefficients();
    let centred: Vec<i64> = coefficients.limbs()[0].iter().map(|&c| q0.center(c)).collect();
    Poly::from_signed(ring, Basis::main(params.max_level() + 1), &centred).into_ntt()
}
