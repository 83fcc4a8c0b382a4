//! The factors of both transforms, including the weights that a layout multiplies into them.
//!
//! Their values take megabytes, so those of a transform are made when it is encoded. Their [`Shapes`] take none.

use num_complex::Complex64;

use super::literal::{BootstrapLiteral, BootstrapOrder, Layout};
use crate::dft;
use crate::linear::{Diagonals, Shape};

/// Returns the factors of CoeffsToSlots, to be applied first to last.
pub(super) fn coeffs_to_slots(max_slots: usize, literal: &BootstrapLiteral) -> Vec<Diagonals> {
    let slots = literal.slots;
    // The factor is 1/2, as the real part is half the sum with the conjugate.
    let mut factors = dft::coeffs_to_slots(slots, &literal.coeffs_to_slots.merged, 0.5);
    if literal.layout(max_slots) == Layout::Packed {
        let one = Complex64::ONE;
        // The first stage takes (z, z) to (z, −i·z), whose real parts are Re z and Im z. It has blocks of n slots and all
        // others have smaller ones, so the halves stay apart.
        weigh(&mut factors[0], 2 * slots, |row| if row < slots { one } else { -Complex64::I }, |_| one);
    }
    factors
}

/// Returns the factors of SlotsToCoeffs, to be applied first to last.
pub(super) fn slots_to_coeffs(max_slots: usize, literal: &BootstrapLiteral) -> Vec<Diagonals> {
    let (slots, one) = (literal.slots, Complex64::ONE);
    let mut factors = dft::slots_to_coeffs(slots, &literal.slots_to_coeffs.merged, 1.0);
    match literal.layout(max_slots) {
        Layout::Packed => {
            // The last stage takes (a, b) to halves that add up to the transform of a + i·b. It has the largest blocks.
            let last = factors.last_mut().expect("at least one stage");
            weigh(last, 2 * slots, |_| one, |column| if column < slots { one } else { Complex64::I });
        }
        // Real slots have c_(2n−j) = −c_j. So the message is p plus its conjugate, p = c₀/2 + Σ_(0<j<n) c_j·X^j.
        Layout::Real if literal.order == BootstrapOrder::Classic => {
            weigh(&mut factors[0], slots, |_| one, |column| if column == 0 { one / 2.0 } else { one });
        }
        Layout::Real | Layout::Separate => {}
    }
    factors
}

/// The shapes of the two transforms' factors.
#[derive(Debug, PartialEq)]
pub(super) struct Shapes {
    pub(super) slots_to_coeffs: Vec<Shape>,
    pub(super) coeffs_to_slots: Vec<Shape>,
}

impl Shapes {
    /// Returns the shapes of [`coeffs_to_slots`] and [`slots_to_coeffs`] without their values, which takes microseconds.
    pub(super) fn new(max_slots: usize, literal: &BootstrapLiteral) -> Self {
        let slots = literal.slots;
        let mut coeffs_to_slots = dft::shapes_of_coeffs_to_slots(slots, &literal.coeffs_to_slots.merged);
        let mut slots_to_coeffs = dft::shapes_of_slots_to_coeffs(slots, &literal.slots_to_coeffs.merged);
        match literal.layout(max_slots) {
            // The weights of the two halves differ, so nothing repeats any more.
            Layout::Packed => {
                let last = slots_to_coeffs.last_mut().expect("at least one stage");
                [&mut coeffs_to_slots[0], last].into_iter().for_each(|shape| lengthen(shape, 2 * slots, |_| true));
            }
            // One column is weighed. In the rows of the first block it has entries, to the left of the diagonal.
            Layout::Real if literal.order == BootstrapOrder::Classic => {
                lengthen(&mut slots_to_coeffs[0], slots, |offset| offset <= 0);
            }
            Layout::Real | Layout::Separate => {}
        }
        Self { slots_to_coeffs, coeffs_to_slots }
    }
}

/// Gives the diagonals at some offsets a period of all slots.
fn lengthen(shape: &mut Shape, slots: usize, at: impl Fn(i64) -> bool) {
    shape.0.iter_mut().filter(|(offset, _)| at(**offset)).for_each(|(_, period)| *period = slots);
}

fn weigh(matrix: &mut Diagonals, slots: usize, row: impl Fn(usize) -> Complex64, column: impl Fn(usize) -> Complex64) {
    *matrix = std::mem::take(matrix).weighted(slots, row, column);
}

#[cfg(test)]
mod tests {
    use super::super::literal::SlotValues;
    use super::*;
    use crate::presets;

    #[test]
    fn shapes_are_those_of_the_matrices() {
        let max_slots = 512;
        let mut compared = 0;
        for slots in [2usize, 16, 256, 512] {
            let log = slots.trailing_zeros();
            for radices in [vec![log], vec![1; log as usize], vec![log / 2, log - log / 2], vec![1, log - 1]] {
                if radices.contains(&0) {
                    continue;
                }
                for order in [BootstrapOrder::Slim, BootstrapOrder::Classic] {
                    for values in [SlotValues::Real, SlotValues::Complex] {
                        let radices = || radices.clone();
                        let literal = BootstrapLiteral {
                            order,
                            values,
                            slots,
                            slots_to_coeffs: radices().into(),
                            coeffs_to_slots: radices().into_iter().rev().collect::<Vec<_>>().into(),
                            ..presets::N16_SLIM_REAL.bootstrap()
                        };
                        let shapes = |matrices: Vec<Diagonals>| matrices.iter().map(Shape::from).collect();
                        let wanted = Shapes {
                            slots_to_coeffs: shapes(slots_to_coeffs(max_slots, &literal)),
                            coeffs_to_slots: shapes(coeffs_to_slots(max_slots, &literal)),
                        };
                        assert_eq!(Shapes::new(max_slots, &literal), wanted, "{literal:?}");
                        compared += 1;
                    }
                }
            }
        }
        assert!(compared > 40, "{compared}");
    }
}
