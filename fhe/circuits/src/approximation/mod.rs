//! Activations as polynomials: best uniform approximations, and compositions of them.
//!
//! [`minimax`] finds the polynomial whose largest error is smallest, by the exchange algorithm of Remez on any union of
//! intervals. [`SignComposite`] composes such polynomials to the sign function, as in Lee, Lee, No and Kim, *Minimax
//! Approximation of Sign Function by Composite Polynomial for Homomorphic Comparison* (ePrint 2020/834), and
//! [`ReluComposite`] is the ReLU made of it that ePrint 2021/1688 evaluates: far more precise than one polynomial of the
//! same depth could be, where values keep away from zero.

mod basis;
mod domain;
mod error;
mod extrema;
mod linear_system;
mod minimax;
mod relu;
mod remez;
mod sign;
#[cfg(test)]
mod tests;

pub use error::ApproximationError;
pub use minimax::{Minimax, minimax};
pub use relu::ReluComposite;
pub use sign::SignComposite;
