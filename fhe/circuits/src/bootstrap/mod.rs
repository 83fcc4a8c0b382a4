//! Bootstrapping: a ciphertext whose levels are spent becomes one of the same slots with levels to spend.
//!
//! It has five steps, in one of two orders. The classic order (Cheon, Han, Kim, Kim and Song, ePrint 2018/153; Chen,
//! Chillotti and Song, ePrint 2018/1043; Bossuat, Mouchet, Troncoso-Pastoriza and Hubaux, ePrint 2020/1203) is:
//!
//! 1. ModRaise: a ciphertext modulo q₀ is read modulo all primes. Its message m becomes m + q₀·I with small integers I.
//! 2. CoeffsToSlots: the coefficients of m + q₀·I become slots, where a circuit can work on them.
//! 3. EvalMod: each slot is reduced modulo q₀.
//! 4. Recombination: real and imaginary parts, reduced in separate slots, become complex slots again.
//! 5. SlotsToCoeffs: the slots become coefficients again.
//!
//! The slim order ([`BootstrapOrder::Slim`]; Chen and Han, ePrint 2018/067) begins with SlotsToCoeffs, on the few
//! primes that a spent ciphertext has left. So only one of the two transforms runs on many primes, and EvalMod reduces
//! the slots themselves.
//!
//! In both orders the modulus is raised under an ephemeral sparse secret (Bossuat, Troncoso-Pastoriza and Hubaux,
//! ePrint 2022/024). That keeps the range of EvalMod small, while everything else is encrypted under a dense secret.
//! [`Bootstrapper::bootstrap_twice`] reaches twice the precision in twice the time.
//!
//! # Where the precision goes
//!
#![doc = include_str!("../../docs/precision.md")]

mod circuit;
mod cost;
mod keys;
mod literal;
mod matrices;
mod noise;
mod overflow;
mod raise;
mod stages;
mod tail;
mod twice;
mod work;

pub use circuit::Bootstrapper;
pub use cost::BootstrapCost;
pub use literal::{BootstrapLiteral, BootstrapOrder, SlotValues, sufficient_range};
pub use noise::{BootstrapNoise, TransformNoise};
pub use stages::Stages;
pub use work::StepWork;
