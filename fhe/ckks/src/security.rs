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

use std::fmt;

use thiserror::Error;

/// How the coefficients of a secret are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretDistribution {
    /// Each coefficient uniform in {-1, 0, 1}.
    UniformTernary,
    /// Exactly this many coefficients are ±1, at uniform places with uniform signs, the others 0.
    FixedWeight(u32),
}

impl SecretDistribution {
    /// Whether the secret is not heavier than the heaviest that the tables cover.
    fn is_covered(self, log_n: u32) -> bool {
        match self {
            Self::UniformTernary => true,
            // Every `u32` weight is below 2N/3 long before the shift overflows.
            Self::FixedWeight(h) => 3 * u64::from(h) <= 2 << log_n.min(u32::BITS + 1),
        }
    }
}

impl fmt::Display for SecretDistribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UniformTernary => f.write_str("uniform ternary"),
            Self::FixedWeight(h) => write!(f, "weight-{h} ternary"),
        }
    }
}

/// A classical security level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecurityLevel {
    /// 2^128 operations: the minimum that [`check`] accepts.
    Classical128,
    /// 2^192 operations.
    Classical192,
    /// 2^256 operations.
    Classical256,
}

impl SecurityLevel {
    /// Every level, the weakest first.
    pub const ALL: [Self; 3] = [Self::Classical128, Self::Classical192, Self::Classical256];

    /// The level in bits.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Classical128 => 128,
            Self::Classical192 => 192,
            Self::Classical256 => 256,
        }
    }
}

/// A published table of secure modulus sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityTable {
    /// The community's standard of 2018: uniform ternary secrets, `N` up to 2^15.
    HeStandard2018,
    /// The guidelines of 2024, which succeed it: uniform ternary secrets, `N` up to 2^17.
    Guidelines2024,
    /// The estimate of 2026 for ternary secrets of fixed weight: 32 and 1024, `N` of 2^15 and 2^16.
    SparseEstimate2026,
}

impl SecurityTable {
    /// Every table, the newest first.
    pub const ALL: [Self; 3] = [Self::SparseEstimate2026, Self::Guidelines2024, Self::HeStandard2018];

    /// Where the table comes from, and its date.
    pub const fn source(self) -> &'static str {
        match self {
            Self::HeStandard2018 => {
                "Albrecht et al., Homomorphic Encryption Standard, HomomorphicEncryption.org, \
                 November 2018 (ePrint 2019/939), ternary secret, classical"
            }
            Self::Guidelines2024 => {
                "Bossuat et al., Security Guidelines for Implementing Homomorphic Encryption, IACR \
                 Communications in Cryptology 1(4):26, 2024 (ePrint 2024/463), Table 5.2 as revised \
                 in September 2024, ternary secret, classical"
            }
            Self::SparseEstimate2026 => {
                "Dumezy, sparse-key-estimate, 2026, 128-bit table at revision aa2c40d as quoted by \
                 poulpy-ckks 0.10.0, after Ogilvie, On the Concrete Hardness Gap Between MLWE and \
                 LWE (ePrint 2026/279)"
            }
        }
    }

    /// The largest `logQP`, in bits, that the table allows in dimension `2^log_n` at `level`.
    ///
    /// The dimension must be tabulated. For a fixed weight it is the entry of the heaviest tabulated
    /// weight not above it (see the [module](self)). `None` where the table is silent.
    pub fn max_log_qp(self, log_n: u32, dist: SecretDistribution, level: SecurityLevel) -> Option<f64> {
        self.entry(log_n, dist).filter(|_| dist.is_covered(log_n))?.limit(level)
    }

    /// The row for a tabulated dimension, whatever the ring that it is asked for.
    fn entry(self, log_n: u32, dist: SecretDistribution) -> Option<&'static Entry> {
        ENTRIES
            .iter()
            .filter(|e| e.table == self && e.log_n == log_n)
            .filter(|e| match (dist, e.weight) {
                (SecretDistribution::UniformTernary, None) => true,
                (SecretDistribution::FixedWeight(h), Some(w)) => w <= h,
                _ => false,
            })
            .max_by_key(|e| e.weight)
    }
}

impl fmt::Display for SecurityTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeStandard2018 => "HE Standard 2018",
            Self::Guidelines2024 => "Security Guidelines, ePrint 2024/463",
            Self::SparseEstimate2026 => "sparse-key estimate 2026, after ePrint 2026/279",
        })
    }
}

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

/// One row of a table.
struct Entry {
    table: SecurityTable,
    log_n: u32,
    /// The secret's weight; `None` for uniform ternary.
    weight: Option<u32>,
    /// Largest logQP in bits, in the order of [`SecurityLevel::ALL`].
    limits: [u16; 3],
}

impl Entry {
    fn limit(&self, level: SecurityLevel) -> Option<f64> {
        let limit = self.limits[level as usize];
        (limit != ABSENT).then_some(f64::from(limit))
    }
}

/// The table gives no figure for this level.
const ABSENT: u16 = 0;

const fn dense(table: SecurityTable, log_n: u32, limits: [u16; 3]) -> Entry {
    Entry { table, log_n, weight: None, limits }
}

const fn sparse(log_n: u32, weight: u32, limit: u16) -> Entry {
    Entry { table: SecurityTable::SparseEstimate2026, log_n, weight: Some(weight), limits: [limit, ABSENT, ABSENT] }
}

/// Every figure of this module.
#[rustfmt::skip]
const ENTRIES: [Entry; 18] = {
    use SecurityTable::{Guidelines2024 as G, HeStandard2018 as S};
    [
        // Read in Microsoft SEAL, native/src/seal/util/hestdparms.h (commit 0c1d970, functions
        // SEAL_HE_STD_PARMS_{128,192,256}_TC), and equal in OpenFHE 1.5.1,
        // src/core/lib/lattice/stdlatticeparms.cpp (HEStd_ternary, classic). The standard ends at
        // 2^15: the 1772 that OpenFHE had for 2^16 before 1.2 is OpenFHE's own.
        dense(S, 10, [27, 19, 14]),
        dense(S, 11, [54, 37, 29]),
        dense(S, 12, [109, 75, 58]),
        dense(S, 13, [218, 152, 118]),
        dense(S, 14, [438, 305, 237]),
        dense(S, 15, [881, 611, 476]),
        // Read in the authors' repository, github.com/gong-cr/FHE-Security-Guidelines (commit
        // a43a593, 2024-12-11), RNS-CKKS-examples/lattigo/parameters/tables.go, the map
        // TableClassicalTernary ("Table 5.2"). Before 2024-09-10 (commit 393aaf9) it held the first
        // version's larger figures, 1777 for 2^16. The 128-bit column is equal in Google HEIR,
        // lib/Parameters/RLWESecurityParams.cpp; the rows 2^16 and 2^17 are equal in OpenFHE 1.5.1.
        dense(G, 10, [26, ABSENT, ABSENT]),
        dense(G, 11, [53, 36, 27]),
        dense(G, 12, [106, 73, 56]),
        dense(G, 13, [214, 147, 114]),
        dense(G, 14, [430, 297, 230]),
        dense(G, 15, [868, 597, 462]),
        dense(G, 16, [1747, 1199, 929]),
        dense(G, 17, [3523, 2411, 1866]),
        // Read in poulpy-ckks 0.10.0 (crates.io), src/presets/bootstrapping.rs, section "Security",
        // which quotes github.com/jdumezy/sparse-key-estimate at commit aa2c40d. The revision of
        // 2026-03-29 (44e1068) has more weights, dimensions and levels, but allowed 164, 349, 854
        // and 1714 here: its other figures are superseded and left out.
        sparse(15, 32, 162),
        sparse(16, 32, 345),
        sparse(15, 1024, 851),
        sparse(16, 1024, 1707),
    ]
};

#[cfg(test)]
mod tests {
    use super::SecretDistribution::{FixedWeight, UniformTernary};
    use super::SecurityLevel::{Classical128, Classical192, Classical256};
    use super::SecurityTable::{Guidelines2024, HeStandard2018, SparseEstimate2026};
    use super::*;

    #[test]
    fn the_main_secret_is_held_against_the_guidelines() {
        let report = check(16, UniformTernary, 1747.0).unwrap();
        assert_eq!((report.bits, report.limit, report.table), (128, 1747.0, Guidelines2024));
        // A hair over the limit is over it, and does not read as if it were on it.
        let error = check(16, UniformTernary, 1747.000001).unwrap_err();
        assert!(error.to_string().contains("logQP = 1747.001 bits"));
        // The ResNet-20 paper's four parameter sets fall short even if their secret were uniform.
        for log_qp in [1750.0, 1772.0, 1772.0, 1748.0] {
            assert!(check(16, UniformTernary, log_qp).is_err(), "{log_qp}");
        }
    }

    #[test]
    fn the_ephemeral_secret_is_held_against_the_sparse_estimate() {
        for (log_n, limit) in [(15, 162.0), (16, 345.0), (17, 345.0)] {
            let report = check(log_n, FixedWeight(32), limit).unwrap();
            assert_eq!((report.bits, report.limit, report.table), (128, limit, SparseEstimate2026));
            assert!(check(log_n, FixedWeight(32), limit + 1.0).is_err());
        }
    }

    #[test]
    fn a_weight_takes_the_heaviest_tabulated_weight_not_above_it() {
        let limit = |log_n, h| assess(log_n, FixedWeight(h), 1.0).map(|r| r.limit);
        assert_eq!(limit(16, 31), None);
        assert_eq!(limit(16, 192), Some(345.0));
        assert_eq!(limit(16, 1023), Some(345.0));
        assert_eq!(limit(16, 1024), Some(1707.0));
        assert_eq!(limit(14, 32), None);
        // Up to 2N/3 = 43690.67.
        assert_eq!(limit(16, 43690), Some(1707.0));
        assert_eq!(limit(16, 43691), None);
        assert_eq!(limit(16, u32::MAX), None);
        // It is the ring in use that counts, not the ring of the entry.
        assert_eq!(limit(17, 43691), Some(1707.0));
    }

    #[test]
    fn a_dimension_takes_the_largest_tabulated_one_not_above_it() {
        assert_eq!(assess(18, UniformTernary, 1.0).map(|r| r.limit), Some(3523.0));
        assert_eq!(assess(9, UniformTernary, 1.0), None);
        assert_eq!(assess(u32::MAX, FixedWeight(32), 345.0).unwrap().bits, 128);
        // Only the rule carries an entry on; the tables themselves stay as published.
        assert_eq!(HeStandard2018.max_log_qp(16, UniformTernary, Classical128), None);
        assert_eq!(SparseEstimate2026.max_log_qp(17, FixedWeight(32), Classical128), None);
    }

    #[test]
    fn the_strictest_table_decides() {
        for log_n in 10..=17 {
            let limit = assess(log_n, UniformTernary, 1.0).unwrap().limit;
            for table in SecurityTable::ALL {
                let other = table.max_log_qp(log_n, UniformTernary, Classical128);
                assert!(other.is_none_or(|other| limit <= other), "{log_n} {table}");
            }
        }
        assert_eq!(
            check(15, UniformTernary, 875.0).unwrap_err().to_string(),
            "insecure: log_n = 15 with a uniform ternary secret has logQP = 875.000 bits, the \
             limit for 128-bit security is 868 (Security Guidelines, ePrint 2024/463); use a \
             smaller modulus, a larger ring, or `insecure = true`"
        );
    }

    #[test]
    fn higher_levels_come_from_the_table_that_decided() {
        let bits = |log_n, log_qp| check(log_n, UniformTernary, log_qp).unwrap().bits;
        assert_eq!([929.0, 930.0, 1199.0, 1200.0].map(|q| bits(16, q)), [256, 192, 192, 128]);
        // The guidelines give no 192 bits for 2^10, and the 19 of 2018 is not borrowed.
        assert_eq!(bits(10, 14.0), 128);
        assert_eq!(HeStandard2018.max_log_qp(10, UniformTernary, Classical192), Some(19.0));
        assert_eq!(Guidelines2024.max_log_qp(10, UniformTernary, Classical192), None);
        assert_eq!(SparseEstimate2026.max_log_qp(16, FixedWeight(32), Classical256), None);
    }

    #[test]
    fn what_is_no_modulus_is_refused() {
        for log_qp in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0] {
            assert!(check(16, UniformTernary, log_qp).is_err(), "{log_qp}");
        }
    }

    #[test]
    fn a_report_of_insecure_parameters_has_zero_bits() {
        let SecurityError::BelowMinimum { report, .. } = check(14, UniformTernary, 1700.0).unwrap_err() else {
            panic!("a table covers 2^14");
        };
        assert_eq!(Some(report), assess(14, UniformTernary, 1700.0));
        assert_eq!((report.bits, report.log_qp, report.limit), (0, 1700.0, 430.0));
    }

    #[test]
    fn a_secret_without_a_table_says_so() {
        let message = check(13, FixedWeight(32), 60.5).unwrap_err().to_string();
        for part in [
            "log_n = 13 with a weight-32 ternary secret",
            "logQP = 60.500 bits",
            "no table gives a limit",
            "`insecure = true`",
        ] {
            assert!(message.contains(part), "{message}");
        }
        // The coverage that the message states is the tables'.
        let least = |weighted| {
            let rows = ENTRIES.iter().filter(|e| e.weight.is_some() == weighted);
            rows.map(|e| (e.log_n, e.weight)).min()
        };
        assert_eq!(least(false), Some((10, None)));
        assert_eq!(least(true), Some((15, Some(32))));
    }

    /// What every table must show if its figures were copied right: room about doubles with the
    /// dimension, shrinks with the level, grows with the weight up to a uniform secret's.
    #[test]
    fn figures_are_monotone() {
        for e in &ENTRIES {
            let given: Vec<_> = e.limits.into_iter().filter(|&l| l != ABSENT).collect();
            assert!(given.is_sorted_by(|a, b| a > b), "{} 2^{}", e.table, e.log_n);
        }
        for (a, b) in ENTRIES.iter().zip(&ENTRIES[1..]) {
            if a.table == b.table && a.weight == b.weight {
                assert_eq!(a.log_n + 1, b.log_n);
                for (low, high) in a.limits.iter().zip(b.limits).filter(|(l, _)| **l != ABSENT) {
                    assert!(2 * low - 2 <= high && high <= 2 * low + 35, "{} 2^{}", b.table, b.log_n);
                }
            }
        }
        for log_n in 15..=20 {
            let limit = |dist| assess(log_n, dist, 1.0).unwrap().limit;
            assert!(limit(FixedWeight(32)) < limit(FixedWeight(1024)));
            assert!(limit(FixedWeight(1024)) < limit(UniformTernary));
        }
    }

    #[test]
    fn every_table_names_its_source_and_date() {
        for (table, year) in [(HeStandard2018, "2018"), (Guidelines2024, "2024"), (SparseEstimate2026, "2026")] {
            assert!(table.source().contains(year) && table.source().contains("ePrint"));
        }
    }
}
