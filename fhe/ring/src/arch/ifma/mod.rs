//! The kernels for AVX-512 with IFMA: eight residues a register, products from the 52-bit multiplier.
//!
//! Bounds, with q < 2^50: a lazy residue in [0, 4q) fits 52 bits, and the multiplier reads just the low 52 bits of
//! each lane, so every operand of a product here is below 2^52. `fhe/ring/docs/floor.md` counts the instructions.
#![allow(unsafe_code)]

mod ntt;
mod packed;
mod registers;
mod sums;
mod uniform;
mod words;

pub use ntt::{forward as ntt_forward, inverse as ntt_inverse};
pub use packed::{pack, unpack};
pub use sums::{convert, dot, quotient_sum};
pub use uniform::uniform;
pub use words::{add, add_scaled, permute, reduce_signed, scale, sub, sub_scale};
