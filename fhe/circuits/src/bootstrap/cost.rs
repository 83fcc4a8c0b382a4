//! The cost of a bootstrapping circuit, counted before anything is encoded.

use fhe_ckks::{CkksError, Parameters};

use super::literal::{BootstrapLiteral, BootstrapOrder, Layout};
use super::matrices::Matrices;
use super::raise;
use crate::eval_mod::EvalMod;

/// Key switches, levels and bytes of a bootstrapping circuit.
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

impl BootstrapLiteral {
    /// Counts the cost of the circuit.
    ///
    /// # Errors
    /// Those of [`Bootstrapper::new`](super::Bootstrapper::new).
    pub fn cost(&self, params: &Parameters) -> Result<BootstrapCost, CkksError> {
        let top = params.max_level();
        let depth = top - self.output_level(params)?;
        let eval_mod = EvalMod::new(self.eval_mod.clone(), self.raised_ratio(params)?)?;
        let layout = self.layout(params.max_slots());
        let (times, recombination) = match (layout, self.order) {
            (Layout::Separate, _) => (2, 0),
            (_, BootstrapOrder::Classic) => (1, 1),
            (_, BootstrapOrder::Slim) => (1, 0),
        };
        // Beside the transforms there are two switches of the secret, the rest of the trace, and the conjugation that
        // splits off the real part.
        let trace = raise::Trace::new(params, self.slots).steps.len();
        let mut cost = BootstrapCost {
            depth,
            hoisted: 0,
            full: 3 + trace + times * eval_mod.conjugations() + recombination,
            relinearizations: times * eval_mod.relinearizations(),
            bytes: 0,
            polynomials: 0,
        };
        let matrices = Matrices::shapes(params.max_slots(), self);
        let first = self.first_level_of_slots_to_coeffs(params)?;
        let lower = (first, &self.slots_to_coeffs, matrices.slots_to_coeffs);
        let raise = (top, &self.coeffs_to_slots, matrices.coeffs_to_slots);
        for (first, stages, shapes) in [lower, raise] {
            for (k, shape) in shapes.iter().enumerate() {
                let level = first - stages.spent_before(k);
                let plan = shape.plan();
                cost.hoisted += plan.hoisted();
                cost.full += plan.rotations() - plan.hoisted();
                cost.bytes += shape.bytes(params, level);
                // These are the digits, a pair for each giant step, the total, and input or output.
                let digits = params.key_shape(level).digits();
                cost.polynomials = cost.polynomials.max(digits + 2 * plan.giants + 4);
            }
        }
        Ok(cost)
    }
}
