//! Circuits over RNS-CKKS: from [`linear`] transforms and [`polynomial`] evaluation up to [`bootstrap`]ping.
//!
//! [`chebyshev`] interpolates functions, [`approximation`] finds their best polynomials, [`dft`] factors the
//! homomorphic Fourier transforms, and [`eval_mod`] computes the remainder modulo the first prime. [`products`] and
//! [`rotated_sum`] are building blocks for the matrix products of other crates. [`presets`] has ready parameters.
//!
//! The examples `bootstrap` and `relu` run in a second on a small insecure ring:
//! `cargo run --release -p fhe-circuits --example bootstrap`.
//!
//! # Parts that the program does not use
//!
//! The `cipherlab` program bootstraps real slots in the slim order. The classic order, complex slots,
//! [`Bootstrapper::bootstrap_twice`] and [`presets`] are for other users of this library, and for comparison with
//! published circuits. Tests cover them.

pub mod approximation;
pub mod bootstrap;
pub mod chebyshev;
pub mod dft;
mod diagonal;
pub mod eval_mod;
pub mod linear;
pub mod polynomial;
pub mod presets;
pub mod products;
pub mod rotated_sum;
mod store;

pub use bootstrap::{
    BootstrapCost, BootstrapLiteral, BootstrapNoise, BootstrapOrder, Bootstrapper, SlotValues, Stages, StepWork,
    TransformNoise,
};
pub use chebyshev::ChebyshevSeries;
pub use eval_mod::{EvalModLiteral, Kernel};
pub use linear::{Diagonals, LinearTransform};
pub use polynomial::PolynomialPlan;
pub use products::sums_of_products;
pub use rotated_sum::RotatedSum;
pub use store::Stored;
