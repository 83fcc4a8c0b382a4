//! Multiplexed layout, each convolution one matrix.
//!
//! The layout is that of [`super::multiplexed`]. Selecting and gathering channels is fused into the matrix of the
//! convolution, which spends one level. Where the circuit has room for masks, copies in the slots that are left share the
//! work ([`super::spread`]).
//!
//! This is the single-shot product of Orion (arXiv 2311.03470; see [`super::diagonal`]) with a split into steps that
//! needs few keys. The taps of the kernel are hoisted baby steps. Grids are giant steps by Horner's rule with one key;
//! so are rows, with another key, if there are too many taps. Diagonals are encoded one giant step at a time.

use fhe_ckks::CkksError;

use super::spread::Spread;
use super::{Levels, Operand, Scheme, Slots};
use crate::encrypted::layout::{self, Layout};
use crate::encrypted::matvec::MatVecPlan;
use crate::encrypted::profile::Masks;
use crate::encrypted::slots::TargetScale;

/// See the module.
pub(super) struct Fused;

impl Scheme for Fused {
    const NAME: &'static str = "fused";
    const SPREADS: bool = true;

    fn layout(channels: usize, side: usize) -> Layout {
        Layout::multiplexed(channels, side)
    }

    fn product<S: Slots>(
        slots: &mut S,
        levels: Levels,
        operand: &Operand<'_, S::Vector>,
        to: Layout,
        factor: f64,
    ) -> Result<S::Vector, CkksError> {
        let Operand { conv, x, from, .. } = *operand;
        let level = levels.convolution;
        if levels.masks == Masks::None {
            let matrix = layout::convolution(conv, from, to, factor);
            let x = slots.reshape(x, level, from.slots().max(to.slots()))?;
            let product = slots.multiply(&x, &matrix, &MatVecPlan::new(&matrix, from), TargetScale::Linear)?;
            return slots.reshape(&product, level, to.slots());
        }
        let spread = Spread::new(from, to, levels.max_slots / slots.stride());
        let matrix = spread.matrix(conv, factor);
        let x = slots.reshape(x, level, spread.slots())?;
        let x = spread.skewed(slots, x, levels)?;
        let level = if levels.masks == Masks::Own { level - 1 } else { level };
        let product = slots.multiply(&x, &matrix, &spread.plan(&matrix), TargetScale::Linear)?;
        let sum = spread.sum(slots, product)?;
        slots.reshape(&sum, level, to.slots())
    }
}
