//! The factors of both transforms, including the weights that a layout multiplies into them.

use fhe_ckks::Parameters;
use num_complex::Complex64;

use super::literal::{BootstrapLiteral, BootstrapOrder, Layout};
use crate::dft;
use crate::linear::Diagonals;

/// The two transforms' factors, each applied first to last.
pub(super) struct Matrices {
    pub(super) slots_to_coeffs: Vec<Diagonals>,
    pub(super) coeffs_to_slots: Vec<Diagonals>,
}

impl Matrices {
    /// Returns the factors for a circuit.
    pub(super) fn new(params: &Parameters, literal: &BootstrapLiteral) -> Self {
        let slots = literal.slots;
        // The factor is 1/2, as the real part is half the sum with the conjugate.
        let mut coeffs_to_slots = dft::coeffs_to_slots(slots, &literal.coeffs_to_slots.merged, 0.5);
        let mut slots_to_coeffs = dft::slots_to_coeffs(slots, &literal.slots_to_coeffs.merged, 1.0);
        let one = Complex64::ONE;
        match literal.layout(params) {
            Layout::Packed => {
                // The first stage takes (z, z) to (z, −i·z), whose real parts are Re z and Im z. It has blocks of n
                // slots and all others have smaller ones, so the halves stay apart.
                weigh(&mut coeffs_to_slots[0], 2 * slots, |row| if row < slots { one } else { -Complex64::I }, |_| one);
                // The last stage takes (a, b) to halves that add up to the transform of a + i·b. It has the largest
                // blocks.
                let last = slots_to_coeffs.last_mut().expect("at least one stage");
                weigh(last, 2 * slots, |_| one, |column| if column < slots { one } else { Complex64::I });
            }
            // Real slots have c_(2n−j) = −c_j. So the message is p plus its conjugate, p = c₀/2 + Σ_(0<j<n) c_j·X^j.
            Layout::Real if literal.order == BootstrapOrder::Classic => {
                weigh(&mut slots_to_coeffs[0], slots, |_| one, |column| if column == 0 { one / 2.0 } else { one });
            }
            Layout::Real | Layout::Separate => {}
        }
        Self { slots_to_coeffs, coeffs_to_slots }
    }
}

fn weigh(matrix: &mut Diagonals, slots: usize, row: impl Fn(usize) -> Complex64, column: impl Fn(usize) -> Complex64) {
    *matrix = std::mem::take(matrix).weighted(slots, row, column);
}
