//! The memory of an encrypted evaluation, predicted before it starts.

use fhe_circuits::BootstrapCost;
use fhe_ckks::{KeyRequest, Parameters};

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

/// The predicted memory of a program with the keys of `request` and bootstraps of these `costs`. The widest linear layer
/// holds `[ciphertexts, encoded]` bytes of ciphertexts and of encoded diagonals at once.
pub(super) fn predict(
    program: &Program,
    params: &Parameters,
    request: &KeyRequest,
    costs: &[BootstrapCost],
    [ciphertexts, encoded]: [usize; 2],
) -> Memory {
    let circuit = program.circuit();
    let limb = 8 * params.n();
    let primes = params.ring().basis().len();
    let widest = costs.iter().map(|cost| cost.polynomials).max().unwrap_or(0);
    // A table holds a root and its quotient for each coefficient; a permutation an index of four bytes.
    let tables = 2 * primes * limb + request.iter().count() * limb / 2;
    // Of a polynomial in Chebyshev form: each power and each sum is a pair at most as tall as the activation's input.
    let relinearizations = |form| circuit.activation_to(form).relinearizations();
    let powers = 2 * relinearizations(Form::Plain).max(relinearizations(Form::Arcsine(circuit.sine())));
    let polynomials = (widest * primes).max(powers * (circuit.activation_level + 1));
    Memory {
        keys: request.bytes(params),
        constants: costs.iter().map(|cost| cost.bytes).sum(),
        working: tables + (polynomials * limb).max(ciphertexts) + encoded,
    }
}
