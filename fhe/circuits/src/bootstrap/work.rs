//! The work of a bootstrap, step by step, from the number of its levels alone: for planners that compare many circuits.

use fhe_ckks::CkksError;

use super::literal::{BootstrapLiteral, BootstrapOrder, Layout};
use super::matrices::Shapes;
use super::raise;
use super::stages::Stages;
use crate::eval_mod::EvalMod;
use crate::linear::Shape;
use crate::polynomial::SumOfProducts;

/// What a step of a bootstrap computes on ciphertexts of one level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepWork {
    /// Main primes of the ciphertext.
    pub limbs: usize,
    /// Whether its keys have one digit, that of a polynomial that was just raised.
    pub raised: bool,
    /// Polynomials that are decomposed into digits.
    pub decompositions: usize,
    /// Products of digits and a key.
    pub products: usize,
    /// Polynomials that are divided by the special primes.
    pub divisions: usize,
    /// Products of a pair of polynomials and a diagonal.
    pub diagonals: usize,
    /// Polynomials that are rescaled without a switch.
    pub rescales: usize,
    /// Products of two polynomials, or of one and a number, outside of switches.
    pub pointwise: usize,
    /// Rotation keys of the step.
    pub keys: usize,
}

impl StepWork {
    /// `count` switches with a decomposition of their own.
    fn switches(limbs: usize, count: usize) -> Self {
        Self { limbs, decompositions: count, products: count, divisions: 2 * count, ..Self::default() }
    }

    /// `times` sums of products, of ciphertexts that are below those of `into` limbs.
    fn sum(into: usize, sum: SumOfProducts, times: usize) -> Self {
        let limbs = into - sum.depth;
        // A product of two ciphertexts is four of polynomials.
        let pointwise = times * (4 * sum.products + 2 * sum.multiples);
        if sum.products > 0 {
            return Self { pointwise, ..Self::switches(limbs, times) };
        }
        Self { limbs, rescales: 2 * times, pointwise, ..Self::default() }
    }

    fn stage(limbs: usize, shape: &Shape, giant_step: u32) -> Self {
        let plan = shape.plan(giant_step);
        // Horner's rule divides and decomposes the second half of each partial sum.
        let giants = plan.giants - 1;
        let (decompositions, products) = (1 + giants, plan.rotations());
        let (diagonals, keys) = (shape.0.len(), plan.hoisted() + giants.min(1));
        Self { limbs, decompositions, products, divisions: 2 + giants, diagonals, keys, ..Self::default() }
    }
}

impl BootstrapLiteral {
    /// Returns the work of each step in a ring of `max_slots` slots with `main` main primes.
    ///
    /// # Errors
    /// [`CkksError::Parameters`] for the classic order, and if EvalMod has no circuit; [`CkksError::LevelTooLow`] if there
    /// are too few primes.
    pub fn work(&self, max_slots: usize, main: usize) -> Result<Vec<StepWork>, CkksError> {
        if self.order == BootstrapOrder::Classic {
            let (what, found) = ("order of a bootstrap whose work is planned", "classic".to_owned());
            return Err(CkksError::Parameters { what, found, wanted: "slim".to_owned() });
        }
        let eval_mod = EvalMod::new(self.eval_mod.clone(), self.message_ratio)?;
        let (lower, raise) = (&self.slots_to_coeffs, &self.coeffs_to_slots);
        let spent = raise.levels + eval_mod.depth();
        if main <= spent.max(lower.levels) {
            let operation = "bootstrapping";
            return Err(CkksError::LevelTooLow { operation, found: main.saturating_sub(1), wanted: spent });
        }
        let shapes = Shapes::new(max_slots, self);
        let mut work = stages(lower.levels + 1, lower, &shapes.slots_to_coeffs);
        let [terms, steps] = raise::counts(max_slots, self.slots);
        work.push(StepWork::switches(1, 1));
        work.push(StepWork { limbs: main, raised: true, products: terms, divisions: 2, ..StepWork::default() });
        work.push(StepWork::switches(main, steps));
        work.extend(stages(main, raise, &shapes.coeffs_to_slots));
        let into = main - raise.levels;
        // The conjugation that splits off the real part.
        let (decompositions, products, divisions) = (1, 1, 1);
        work.push(StepWork { limbs: into + 1, decompositions, products, divisions, ..StepWork::default() });
        let times = if self.layout(max_slots) == Layout::Separate { 2 } else { 1 };
        work.extend(eval_mod.sums().into_iter().map(|sum| StepWork::sum(into, sum, times)));
        work.push(StepWork::switches(into + 1 - eval_mod.depth(), times * eval_mod.conjugations()));
        Ok(work)
    }
}

fn stages(limbs: usize, stages: &Stages, shapes: &[Shape]) -> Vec<StepWork> {
    let stage = |(k, shape)| StepWork::stage(limbs - stages.spent_before(k), shape, stages.giant_step);
    shapes.iter().enumerate().map(stage).collect()
}

#[cfg(test)]
mod tests {
    use fhe_ckks::Parameters;

    use super::*;
    use crate::presets::N15_SLIM_REAL;

    /// The counts by step add up to those of the whole circuit.
    #[test]
    fn the_work_adds_up_to_the_cost() {
        let params = Parameters::try_from(N15_SLIM_REAL.parameters()).unwrap();
        for slots in [1 << 14, 1 << 12, 1 << 9] {
            let levels = slots as u32;
            let levels = levels.trailing_zeros();
            let split = |first: u32| Stages::from(vec![first, levels - first]);
            let literal = BootstrapLiteral {
                slots,
                slots_to_coeffs: split(5),
                coeffs_to_slots: split(4),
                ..N15_SLIM_REAL.bootstrap()
            };
            let cost = literal.cost(&params).unwrap();
            let work = literal.work(params.max_slots(), params.max_level() + 1).unwrap();
            let products: usize = work.iter().filter(|step| !step.raised).map(|step| step.products).sum();
            // The switch back from the ephemeral secret counts as one in the cost.
            assert_eq!(products + 1, cost.hoisted + cost.full + cost.relinearizations, "{slots} slots");
            let highest = work.iter().map(|step| step.limbs).max();
            assert_eq!(highest, Some(params.max_level() + 1));
        }
    }
}
