//! The cost of a bootstrapping circuit, counted before anything is encoded.

use fhe_ckks::{CkksError, Parameters};
use fhe_ring::READ_AROUND;
use fhe_ring::packed::{packed_bits, packed_len};
use num_complex::Complex64;

use super::literal::{BootstrapLiteral, BootstrapOrder, Layout};
use super::matrices::Shapes;
use super::raise;
use crate::eval_mod::EvalMod;
use crate::linear::{SHARES, Shape};

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
    /// The most limbs that a transform or EvalMod holds at once.
    pub limbs: usize,
    /// The most bytes of keys that one thread reads for a limb of a transform: where keys are in a file, this much of it is
    /// mapped at a time.
    pub keys_read: usize,
    /// The most bytes of diagonals that one thread reads for a limb of a transform: where constants are in a file, this
    /// much of it is mapped at a time.
    pub diagonals_read: usize,
    /// The bytes of these that stay in memory where the others are in a file: short diagonals are not packed.
    pub unpacked: usize,
    /// The most bytes that the matrices of a transform take in cleartext while they are made: their values, and half of those
    /// of the largest, since its last level doubles it.
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
            keys_read: 0,
            diagonals_read: 0,
            unpacked: 0,
            cleartext: 0,
        };
        // A pair for each power and each sum of the series, and of one product its digits and both halves.
        let level = top - self.coeffs_to_slots.levels;
        let shape = params.key_shape(level);
        let sums = 2 * eval_mod.relinearizations() * (level + 1);
        cost.limbs = times * sums + shape.basis().len() * (2 + shape.digits());
        let matrices = Shapes::new(params.max_slots(), self);
        let first = self.first_level_of_slots_to_coeffs(params)?;
        let lower = (first, &self.slots_to_coeffs, matrices.slots_to_coeffs);
        let raise = (top, &self.coeffs_to_slots, matrices.coeffs_to_slots);
        for (first, stages, shapes) in [lower, raise] {
            let values: Vec<usize> = shapes.iter().map(Shape::values).collect();
            let making = values.iter().sum::<usize>() + values.iter().max().unwrap_or(&0) / 2;
            cost.cleartext = cost.cleartext.max(making * size_of::<Complex64>());
            for (k, shape) in shapes.iter().enumerate() {
                let level = first - stages.spent_before(k);
                let plan = shape.plan(stages.giant_step);
                cost.hoisted += plan.hoisted();
                cost.full += plan.rotations() - plan.hoisted();
                cost.bytes += shape.bytes(params, level);
                cost.unpacked += shape.unpacked_bytes(params, level);
                let (basis, digits) = (params.key_shape(level).basis(), params.key_shape(level).digits());
                // A pair for each giant step and for the total, and three for each digit: of the input or of the total, its
                // source, and what is made of it.
                cost.limbs = cost.limbs.max(basis.len() * (2 * plan.giants + 2 + 3 * digits));
                let limb =
                    params.ring().moduli(basis).map(|q| packed_len(params.n(), packed_bits(q))).max().unwrap_or(0);
                let diagonals = shape.bytes(params, level) / basis.len();
                let shares = diagonals.min(diagonals / SHARES + shape.0.len() * READ_AROUND);
                cost.keys_read = cost.keys_read.max(plan.babies.len() * digits * limb);
                cost.diagonals_read = cost.diagonals_read.max(shares);
            }
        }
        Ok(cost)
    }
}
