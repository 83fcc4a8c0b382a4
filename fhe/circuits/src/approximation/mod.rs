//! Activations as polynomials: best uniform approximations.
//!
//! [`minimax`] finds the polynomial whose largest error is smallest, by the exchange algorithm of Remez on any union of
//! intervals.

mod basis;
mod domain;
mod error;
mod extrema;
mod linear_system;
mod minimax;
mod remez;
#[cfg(test)]
mod tests;

pub use error::ApproximationError;
pub use minimax::{Minimax, minimax};
