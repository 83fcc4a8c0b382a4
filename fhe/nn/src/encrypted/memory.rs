//! The memory of an encrypted evaluation, predicted before it starts.

use fhe_ckks::{CkksError, KeyRequest, Parameters};

use super::program::Program;
use crate::form::Form;

/// Predicted bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Evaluation keys: exact.
    pub keys: usize,
    /// Encoded matrices of the bootstrapping circuits: exact.
    pub constants: usize,
    /// Transform tables, permutations, and the polynomials that the widest step holds at once. This is an estimate.
    pub working: usize,
}

impl Memory {
    /// The sum.
    pub fn total(self) -> usize {
        self.keys + self.constants + self.working
    }
}

impl Program {
    /// The predicted memory of key generation and evaluation, with the keys of `request`.
    ///
    /// # Errors
    /// If the parameters have too few slots or levels for the program.
    pub fn memory(&self, params: &Parameters, request: &KeyRequest) -> Result<Memory, CkksError> {
        let costs = self
            .slot_counts()
            .into_iter()
            .map(|slots| self.circuit().bootstrap(slots).cost(params))
            .collect::<Result<Vec<_>, _>>()?;
        let limb = 8 * params.n();
        let primes = params.ring().basis().len();
        let widest = costs.iter().map(|cost| cost.polynomials).max().unwrap_or(0);
        // A table holds a root and its quotient for each coefficient; a permutation an index of four bytes.
        let tables = 2 * primes * limb + request.iter().count() * limb / 2;
        // Of a polynomial in Chebyshev form: each power and each sum is a pair at most as tall as the activation's
        // input.
        let relinearizations = |form| self.circuit().activation_to(form).relinearizations();
        let powers = 2 * relinearizations(Form::Plain).max(relinearizations(Form::Arcsine(self.circuit().sine())));
        let polynomials = (widest * primes).max(powers * (self.circuit().activation_level + 1));
        // The polynomials that a convolution holds at once, by its packing.
        let plan = self.plan(params)?;
        let step = (polynomials * limb).max(plan.bytes) + plan.encoded;
        Ok(Memory {
            keys: request.bytes(params),
            constants: costs.iter().map(|cost| cost.bytes).sum(),
            working: tables + step,
        })
    }
}
