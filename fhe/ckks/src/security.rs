//! Compares parameters with the published tables of secure modulus sizes.
//!
//! A table gives, for a ring dimension `N = 2^log_n` and a secret, the largest `logQP` (in bits,
//! every prime of the chain and of key switching included) at which the best known attack still
//! costs `2^128`, `2^192` or `2^256` classical operations, for an error of deviation 3.2 (3.19 in
//! the guidelines). All are dated estimates, not proofs.
//!
//! # Which table decides
//!
//! [`assess`] takes the tables with a 128-bit entry for the dimension and the secret, and of these
//! the one with the smallest modulus (the newer if two agree). Higher levels are read from that
//! same table, never mixed.
//!
//! An entry is published for one dimension and one weight. Two rules carry it to its neighbours:
//!
//! * **A heavier secret** of fixed weight takes the entry of the heaviest tabulated weight not
//!   above its own. A secret lighter than every tabulated weight has no bound. A secret heavier than
//!   `2N/3`, the mean weight of a uniform ternary secret, has no bound either: no table covers it, and
//!   a ternary secret of weight `N` is equivalent to a binary one.
//! * **A larger ring** takes the entry of the largest tabulated dimension below its own.
//!
//! Why that is sound: at an equal modulus, LWE in dimension `n` with a secret of weight `w` is no
//! harder than in dimension `n' ≥ n` with weight `h`, if `0 ≤ h − w ≤ n' − n`. Extend each sample by
//! `n' − n` uniform coordinates, take `h − w` random signs and zeros for the secret there (uniform
//! ternary coefficients if the secret is such), add their products to the sample, and shuffle the
//! coordinates alike in all samples: who solves the larger problem solves the smaller one at the
//! same cost. For Ring-LWE this is not a reduction, as its samples have structure; there we rely on
//! the estimates. The attack of ePrint 2026/279 gains from the rotations of the secret at most a factor
//! of two when `N` doubles, while every column of the tables about doubles its modulus; and the
//! tables grow with the weight in an unchanged ring, which the reduction leaves open.
//!
//! # What counts
//!
//! `logQP` is the widest modulus of *anything* encrypted under the secret. Under an ephemeral
//! sparse secret (ePrint 2022/024) that is the key that switches to it, `q_0 · P'`, and not the full
//! chain; under the main secret it is the full chain with the special primes, the key that switches
//! back from the sparse secret included. No bits are rounded away in the comparison.

mod secret;
mod tables;
#[cfg(test)]
mod tests;

use thiserror::Error;

pub use secret::SecretDistribution;
use tables::ENTRIES;
pub use tables::{SecurityLevel, SecurityTable};

/// The security of one secret and the modulus used under it, by the tables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SecurityReport {
    /// The highest level met, in bits: 128, 192 or 256; 0 below 128.
    pub bits: u32,
    /// The modulus found: log2 of the widest modulus under the secret, special primes included.
    pub log_qp: f64,
    /// The largest modulus, in bits, that `table` allows at 128 bits.
    pub limit: f64,
    /// The table that decided.
    pub table: SecurityTable,
}

/// Parameters that are not known to reach 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum SecurityError {
    /// The modulus is over the limit of 128 bits.
    #[error(
        "insecure: log_n = {log_n} with a {dist} secret has logQP = {:.3} bits, the limit for \
         128-bit security is {} ({}); use a smaller modulus, a larger ring, or `insecure = true`",
        (report.log_qp * 1e3).ceil() / 1e3, report.limit, report.table
    )]
    BelowMinimum {
        /// The ring dimension is `2^log_n`.
        log_n: u32,
        /// The secret.
        dist: SecretDistribution,
        /// The values found and wanted; its `bits` are 0.
        report: SecurityReport,
    },
    /// No table bounds such a secret in such a ring, so no modulus is known to be secure.
    #[error(
        "insecure: log_n = {log_n} with a {dist} secret has logQP = {log_qp:.3} bits, and no table \
         gives a limit for it (they cover uniform ternary from log_n = 10, and weights from 32 to \
         2N/3 from log_n = 15); use a larger ring, a secret that is covered, or `insecure = true`"
    )]
    NoTable {
        /// The ring dimension is `2^log_n`.
        log_n: u32,
        /// The secret.
        dist: SecretDistribution,
        /// The modulus found, in bits.
        log_qp: f64,
    },
}

/// Compares a modulus with the tables by the rule of the [module](self), without judging it.
///
/// It serves callers that accept `insecure = true` and still report the distance from the limit. `None`
/// if no table covers the secret.
pub fn assess(log_n: u32, dist: SecretDistribution, log_qp: f64) -> Option<SecurityReport> {
    if !dist.is_covered(log_n) {
        return None;
    }
    let largest = ENTRIES.iter().map(|e| e.log_n).max()?;
    let (limit, entry) = (0..=log_n.min(largest)).rev().find_map(|tabulated| {
        SecurityTable::ALL
            .into_iter()
            .filter_map(|table| table.entry(tabulated, dist))
            .filter_map(|e| Some((e.limit(SecurityLevel::Classical128)?, e)))
            .min_by(|a, b| a.0.total_cmp(&b.0))
    })?;
    // False for NaN, and for the logarithm of an empty chain.
    let meets = |limit| log_qp > 0.0 && log_qp <= limit;
    let level = SecurityLevel::ALL.into_iter().rfind(|&level| entry.limit(level).is_some_and(meets));
    Some(SecurityReport { bits: level.map_or(0, SecurityLevel::bits), log_qp, limit, table: entry.table })
}

/// Accepts parameters that a table puts at 128 bits or more.
///
/// `log_n` is the exponent of the ring dimension, `log_qp` the log2 of the widest modulus under the
/// secret (see the [module](self)). A scheme with an ephemeral secret checks both of its secrets.
///
/// # Errors
///
/// [`SecurityError::BelowMinimum`] if the modulus is over the limit (or not a positive number),
/// [`SecurityError::NoTable`] if no table bounds the secret.
pub fn check(log_n: u32, dist: SecretDistribution, log_qp: f64) -> Result<SecurityReport, SecurityError> {
    match assess(log_n, dist, log_qp) {
        None => Err(SecurityError::NoTable { log_n, dist, log_qp }),
        Some(report) if report.bits < SecurityLevel::Classical128.bits() => {
            Err(SecurityError::BelowMinimum { log_n, dist, report })
        }
        Some(report) => Ok(report),
    }
}
