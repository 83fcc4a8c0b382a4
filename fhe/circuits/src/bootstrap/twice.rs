//! META-BTS: a second bootstrap refreshes the error of the first (Bae, Cheon, Cho, Kim and Kim, ePrint 2022/1167).

use fhe_ckks::{Ciphertext, CkksError, Evaluator};

use super::Bootstrapper;

/// The largest gain in bits: doubles resolve no more, nor do ciphertexts over primes below 2^50.
const MAX_GAIN: u32 = 48;

impl Bootstrapper {
    /// Refreshes a ciphertext at nearly twice the precision, by two bootstraps. The second one refreshes 2^`gain` times
    /// the error of the first, which must be at most 1. Choose a `gain` one or two bits below the worst precision of
    /// one bootstrap. Noise already in the input remains, so precision is limited by the input's scale.
    ///
    /// Result: one level below that of [`Bootstrapper::bootstrap`], the literal's output scale.
    ///
    /// # Errors
    /// Those of [`Bootstrapper::bootstrap`]; [`CkksError::Parameters`] if `gain` is 0 or above 48;
    /// [`CkksError::LevelTooLow`] if the output of a bootstrap is not above its input's level.
    pub fn bootstrap_twice(
        &self,
        evaluator: &Evaluator,
        input: &Ciphertext,
        gain: u32,
    ) -> Result<Ciphertext, CkksError> {
        if !(1..=MAX_GAIN).contains(&gain) {
            return Err(CkksError::Parameters {
                what: "gain of the second bootstrap in bits",
                found: gain.to_string(),
                wanted: format!("1 to {MAX_GAIN}"),
            });
        }
        let first = self.bootstrap(evaluator, input)?;
        let error = evaluator.sub(input, &self.at_input(evaluator, &first, input.scale())?)?;
        let enlarged = evaluator.multiply_integer(&error, 1 << gain);
        let second = self.bootstrap(evaluator, &enlarged)?;
        let prime = evaluator.params().prime(second.level());
        let correction = evaluator.multiply_constant(&second, (-f64::from(gain)).exp2(), prime)?;
        let mut correction = evaluator.rescale(correction)?;
        // Multiplication and rescaling cancel the prime.
        correction.set_scale(first.scale());
        evaluator.add(&first, &correction)
    }

    /// Takes a bootstrapped ciphertext to the level of the input and to `scale`.
    fn at_input(&self, evaluator: &Evaluator, fresh: &Ciphertext, scale: f64) -> Result<Ciphertext, CkksError> {
        let (found, wanted) = (fresh.level(), self.literal().input_level() + 1);
        if found < wanted {
            return Err(CkksError::LevelTooLow { operation: "a second bootstrap", found, wanted });
        }
        let lowered = evaluator.lowered(fresh, wanted)?;
        let factor = scale * evaluator.params().prime(wanted) / fresh.scale();
        let mut lowered = evaluator.rescale(evaluator.multiply_constant(&lowered, 1.0, factor)?)?;
        lowered.set_scale(scale);
        Ok(lowered)
    }
}
