//! Activations as polynomials: best uniform approximations, and compositions of them.
//!
//! [`minimax`] finds the polynomial with the smallest maximum error, by the exchange algorithm of Remez on any union of
//! intervals. [`SignComposite`] composes such polynomials to approximate the sign function, as in Lee, Lee, No and Kim,
//! *Minimax Approximation of Sign Function by Composite Polynomial for Homomorphic Comparison* (ePrint 2020/834).
//! [`ReluComposite`] is the ReLU made of that composition, which ePrint 2021/1688 evaluates. For values away from zero
//! it is far more precise than one polynomial of the same depth.

mod basis;
mod domain;
mod error;
mod extrema;
mod least_squares;
mod linear_system;
mod minimax;
mod relu;
mod remez;
mod sign;
#[cfg(test)]
mod tests;

pub use error::ApproximationError;
pub(crate) use least_squares::even_least_squares;
pub use least_squares::least_squares;
pub use minimax::{Minimax, minimax};
pub use relu::ReluComposite;
pub use sign::SignComposite;
