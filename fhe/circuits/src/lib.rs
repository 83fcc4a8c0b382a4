//! Circuits over RNS-CKKS: from [`linear`] transforms and [`polynomial`] evaluation up to [`bootstrap`]ping.
//!
//! [`chebyshev`] interpolates functions and [`approximation`] finds their best polynomials, [`dft`] factors the homomorphic Fourier transforms, and [`eval_mod`] is the
//! remainder modulo the first prime. [`products`] and [`rotated_sum`] are what matrices of other crates are made of.

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

pub use bootstrap::{BootstrapCost, BootstrapLiteral, BootstrapOrder, Bootstrapper, SlotValues};
pub use chebyshev::ChebyshevSeries;
pub use eval_mod::{EvalModLiteral, Kernel};
pub use linear::{Diagonals, LinearTransform};
pub use polynomial::PolynomialPlan;
pub use products::sums_of_products;
pub use rotated_sum::RotatedSum;
