//! The kernels for AVX-512 with IFMA: eight residues in a register, with products from the 52-bit multiplier.
//!
//! With q < 2^50, a lazy residue in [0, 4q) fits into 52 bits. The multiplier reads only the low 52 bits of each lane,
//! so every operand of a product here is below 2^52. `fhe/ring/docs/floor.md` counts the instructions.

mod ntt;
mod packed;
mod registers;
mod sums;
mod uniform;
mod words;

pub(crate) use ntt::{forward as ntt_forward, inverse as ntt_inverse};
pub(crate) use packed::{pack, unpack};
pub(crate) use sums::{convert, dot, quotient_sum};
pub(crate) use uniform::uniform;
pub(crate) use words::{add, add_scaled, permute, reduce_signed, scale, sub, sub_scale};
