//! The kernels in double precision, for processors with fused multiply-add but no wide integer multiplier: x86-64 with
//! AVX2 and FMA, and ARM with NEON.
//!
//! A residue is a signed integer in a double. Its product with another, twice as long as a double's mantissa, is a
//! rounded product and the error of it, both of which a fused multiply-add gives exactly; the multiple of q that is to
//! go out of it is found by a multiplication with 1/q. [`Field`] holds the proofs. Memory keeps words: a double is had
//! from a word below 2^52 by writing the word into the mantissa of 2^52, which needs no conversion instruction.
//!
//! The kernels are plain loops over residues, which the compiler turns into vectors of whatever width the instruction
//! set has; the last part of this file compiles them for it. Both architectures so share one source. It has been
//! built and run on x86-64 only: for ARM it is compiled from the same source, not run on ARM hardware by us.

mod field;
mod ntt;
mod sums;
mod words;

use crate::automorphism::Chunk;
use crate::modulus::{Modulus, Shoup};

use super::operands::{Counter, Twiddles};
use super::scalar;

// `permute`, `pack` and `unpack` are the scalar kernels: they wait for memory, and AVX2 permutes neither eight words nor sixty-four
// bytes by a register.
vectorised! {
    ntt::forward as ntt_forward(modulus: &Modulus, twiddles: Twiddles<'_>, data: &mut [u64]);
    ntt::inverse as ntt_inverse(
        modulus: &Modulus, twiddles: Twiddles<'_>, scale: Shoup, last: Shoup, data: &mut [u64]
    );
    words::add as add(modulus: &Modulus, a: &mut [u64], b: &[u64]);
    words::sub as sub(modulus: &Modulus, a: &mut [u64], b: &[u64]);
    words::scale as scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup);
    words::add_scaled as add_scaled(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup);
    words::sub_scale as sub_scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup);
    scalar::permute as permute(out: &mut [u64], a: &[u64], chunk: Chunk<'_>);
    scalar::pack as pack(bits: u32, residues: &[u64], out: &mut [u8]);
    scalar::unpack as unpack(bits: u32, bytes: &[u8], out: &mut [u64]);
    words::reduce_signed as reduce_signed(modulus: &Modulus, out: &mut [u64], a: &[i64]);
    words::uniform as uniform(modulus: &Modulus, out: &mut [u64], counter: Counter<'_>, first: usize, ahead: &[u8]);
    sums::dot as dot(modulus: &Modulus, out: &mut [u64], accumulate: bool, terms: &[(&[u64], &[u64])], stretch: u32);
    sums::quotient_sum as quotient_sum(overflow: &mut [u64], digits: &[&[u64]], reciprocals: &[f64]);
    sums::convert as convert(
        modulus: &Modulus, out: &mut [u64], digits: &[&[u64]], factors: &[u64], overflow: &[u64], correction: u64
    );
}
