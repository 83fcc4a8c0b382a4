//! The kernels in double precision, for processors with fused multiply-add but no wide integer multiplier: x86-64 with
//! AVX2 and FMA or with AVX-512 but no IFMA, and ARM with NEON.
//!
//! A residue is a signed integer in a double. The product of two residues is twice as long as the mantissa of a double.
//! It is represented as the rounded product and its error, which a fused multiply-add computes exactly. A
//! multiplication with 1/q finds the multiple of q to subtract. `field` holds the proofs. Memory holds words. A word
//! below 2^52 becomes a double when it is written into the mantissa of 2^52, which needs no conversion instruction.
//!
//! The kernels are plain loops over residues. This file compiles them for each set of instructions, and the compiler turns
//! them into vectors. All share one source, but for `unpack` and `uniform`, which have instructions of their own on
//! x86-64. We have run it on x86-64 only, not on ARM hardware.

mod field;
mod ntt;
mod sums;
mod words;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::cipher_is_wide;

use crate::modulus::{Modulus, Shoup};

use super::operands::Twiddles;
use super::scalar;

/// Compiles the kernels for the instructions `$features` of x86-64. On ARM every processor has NEON.
macro_rules! compiled_for {
    ($features:literal) => {
        compiled_for! { $features:
            ntt::forward as ntt_forward(modulus: &Modulus, twiddles: Twiddles<'_>, data: &mut [u64]);
            ntt::inverse as ntt_inverse(
                modulus: &Modulus, twiddles: Twiddles<'_>, scale: Shoup, last: Shoup, data: &mut [u64]
            );
            words::add as add(modulus: &Modulus, a: &mut [u64], b: &[u64]);
            words::sub as sub(modulus: &Modulus, a: &mut [u64], b: &[u64]);
            words::scale as scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup);
            words::add_scaled as add_scaled(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup);
            words::sub_scale as sub_scale(modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup);
            words::reduce_signed as reduce_signed(modulus: &Modulus, out: &mut [u64], a: &[i64]);
            sums::dot as dot(
                modulus: &Modulus, out: &mut [u64], accumulate: bool, terms: &[(&[u64], &[u64])], stretch: u32
            );
            sums::quotient_sum as quotient_sum(overflow: &mut [u64], digits: &[&[u64]], reciprocals: &[f64]);
            sums::convert as convert(
                modulus: &Modulus,
                out: &mut [u64],
                digits: &[&[u64]],
                factors: &[u64],
                overflow: &[u64],
                correction: u64
            );
        }
    };
    ($features:literal: $($kernel:path as $name:ident($($arg:ident: $type:ty),*);)*) => {$(
        #[cfg_attr(target_arch = "x86_64", target_feature(enable = $features))]
        pub(crate) fn $name($($arg: $type),*) {
            $kernel($($arg),*);
        }
    )*};
}

/// The kernels for registers of four residues, or of two with NEON.
///
/// `permute` and `pack` are the scalar kernels. They wait for memory, and AVX2 cannot permute eight words or sixty-four
/// bytes by the contents of a register.
pub(crate) mod narrow {
    use super::*;

    compiled_for!("avx2,fma");

    pub(crate) use super::scalar::{pack, permute};
    #[cfg(target_arch = "x86_64")]
    pub(crate) use super::x86::{uniform, unpack};
    #[cfg(target_arch = "aarch64")]
    pub(crate) use super::{scalar::unpack, words::uniform};
}

/// The kernels for registers of eight residues.
///
/// `unpack` and `uniform` are those of AVX2: memory or the cipher decides how long they take.
#[cfg(target_arch = "x86_64")]
pub(crate) mod wide {
    use super::*;

    compiled_for!("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl");

    pub(crate) use super::scalar::pack;
    pub(crate) use super::x86::{uniform, unpack};
    pub(crate) use crate::arch::ifma::permute;
}
