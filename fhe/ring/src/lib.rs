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
mod base_conversion;
pub mod basis;
pub mod buffer;
mod compact;
pub mod modulus;
pub mod ntt;
pub mod packed;
pub mod poly;
pub mod primes;
pub mod ring;
pub mod sample;
mod scaling;
mod secret_rng;
pub mod uniform;

pub use arch::Kernels;
pub use basis::Basis;
pub use buffer::Limb;
pub use compact::CompactPoly;
pub use modulus::{Modulus, Shoup};
pub use packed::PackedPoly;
pub use poly::{Coefficients, Ntt, Poly};
pub use ring::Ring;
pub use scaling::Digit;
pub use secret_rng::SecretRng;
pub use uniform::{Seed, Uniform};
