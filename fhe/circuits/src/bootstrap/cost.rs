//! The cost of a bootstrapping circuit, counted before anything is encoded.

use fhe_ckks::{CkksError, Parameters};
use fhe_ring::packed::{packed_bits, packed_len};
use num_complex::Complex64;

use super::literal::{BootstrapLiteral, BootstrapOrder, Layout};
use super::matrices::Matrices;
use super::raise;
use crate::eval_mod::EvalMod;
use crate::linear::SHARES;

/// Bytes that the system maps around a page of a file that is read.
const READ_AROUND: usize = 64 << 10;

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
    /// The most limbs that a transform holds at once.
    pub limbs: usize,
    /// The most bytes of keys and diagonals that one thread reads for a limb of a transform: where they are in a file, this
    /// much of it is mapped at a time.
    pub read: usize,
    /// The most bytes that a matrix takes in cleartext while it is made: three and a half times its values, since it is made of
    /// two others, and its offsets are reduced at the end.
    pub cleartext: usize,
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
            limbs: 0,
            read: 0,
            cleartext: 0,
        };
        let matrices = Matrices::shapes(params.max_slots(), self);
        let first = self.first_level_of_slots_to_coeffs(params)?;
        let lower = (first, &self.slots_to_coeffs, matrices.slots_to_coeffs);
        let raise = (top, &self.coeffs_to_slots, matrices.coeffs_to_slots);
        for (first, stages, shapes) in [lower, raise] {
            for (k, shape) in shapes.iter().enumerate() {
                let level = first - stages.spent_before(k);
                let plan = shape.plan(stages.giant_step);
                cost.hoisted += plan.hoisted();
                cost.full += plan.rotations() - plan.hoisted();
                cost.bytes += shape.bytes(params, level);
                let (basis, digits) = (params.key_shape(level).basis(), params.key_shape(level).digits());
                // A pair for each giant step and for the total, and four for each digit: those of the input and of the total,
                // and their sources.
                cost.limbs = cost.limbs.max(basis.len() * (2 * plan.giants + 2 + 4 * digits));
                let limb =
                    params.ring().moduli(basis).map(|q| packed_len(params.n(), packed_bits(q))).max().unwrap_or(0);
                let diagonals = shape.bytes(params, level) / basis.len();
                let shares = diagonals.min(diagonals / SHARES + shape.0.len() * READ_AROUND);
                cost.read = cost.read.max(plan.babies.len() * digits * limb + shares);
                cost.cleartext = cost.cleartext.max(shape.values() * size_of::<Complex64>() * 7 / 2);
            }
        }
        Ok(cost)
    }
}
