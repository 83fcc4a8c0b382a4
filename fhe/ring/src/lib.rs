//! Arithmetic in Z_q\[X\]/(X^N + 1), the ring of RNS-CKKS, in residue number system form.
//!
//! The modules, from the ground up:
//!
//! - [`meter`] measures where time and memory go.
//! - [`modulus`]: arithmetic modulo one prime. [`primes`] finds primes.
//! - [`basis`] names the primes of a polynomial. [`buffer`] stores its residues modulo one of them.
//! - [`automorphism`]: the maps X ↦ X^g.
//! - [`arch`]: the kernels, one set for each instruction set.
//! - [`ntt`]: the transform modulo one prime. `base_conversion` converts residues between sets of primes.
//! - [`ring`]: a dimension with its primes.
//! - [`poly`]: polynomials with their domain in the type. `compact` stores polynomials in a power of X at their own
//!   size, and [`packed`] stores residues without empty bits, in memory or in a file of [`mapped`].
//! - `scaling`: gadget decomposition and division with rounding.
//! - [`uniform`]: public uniform polynomials from a seed. [`sample`] draws secrets and errors, with the generator
//!   [`SecretRng`].
//!
//! A module imports from those above it in this list only. This is the only crate with SIMD and `unsafe`.

pub mod arch;
pub mod automorphism;
mod base_conversion;
pub mod basis;
pub mod buffer;
mod compact;
pub mod mapped;
pub mod meter;
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
pub use mapped::{MappedFile, READ_AROUND, Shelf};
pub use modulus::{Modulus, Shoup};
pub use packed::PackedPoly;
pub use poly::{Coefficients, Ntt, Poly};
pub use ring::Ring;
pub use scaling::Digit;
pub use secret_rng::SecretRng;
pub use uniform::{Seed, Uniform};
