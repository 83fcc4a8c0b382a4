//! Arithmetic in Z_q\[X\]/(X^N + 1), the ring under RNS-CKKS, in residue number system form.
//!
//! From the ground up: [`modulus`] (one prime), [`primes`] (finding them), [`arch`] (the kernels, one set for each
//! instruction set), [`ntt`] (one limb transformed), [`ring`] (a dimension and its primes), [`poly`] (polynomials whose
//! type says their domain), [`packed`] (their storage where memory counts), `convert` (raising and dividing),
//! [`automorphism`], [`sample`] and [`uniform`].
//!
//! This is the only crate with SIMD and `unsafe`.

pub mod arch;
pub mod automorphism;
pub mod buffer;
mod convert;
pub mod modulus;
pub mod ntt;
pub mod packed;
pub mod poly;
pub mod primes;
pub mod ring;
pub mod sample;
pub mod uniform;

pub use arch::Kernels;
pub use buffer::Limb;
pub use convert::Digit;
pub use modulus::{Modulus, Shoup};
pub use packed::PackedPoly;
pub use poly::{Coefficients, CompactPoly, Ntt, Poly};
pub use ring::{Basis, Ring};
pub use uniform::{Seed, Uniform};
