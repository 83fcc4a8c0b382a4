//! The published tables: every figure with its source and date.

use std::fmt;

use super::SecretDistribution;

/// A classical security level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecurityLevel {
    /// 2^128 operations: the minimum that [`check`](super::check) accepts.
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
    /// weight not above it (see the [module](super)). `None` if the table is silent.
    pub fn max_log_qp(self, log_n: u32, dist: SecretDistribution, level: SecurityLevel) -> Option<f64> {
        self.entry(log_n, dist).filter(|_| dist.is_covered(log_n))?.limit(level)
    }

    /// The row for a tabulated dimension, whatever the ring that it is asked for.
    pub(super) fn entry(self, log_n: u32, dist: SecretDistribution) -> Option<&'static Entry> {
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

/// One row of a table.
pub(super) struct Entry {
    /// The table.
    pub(super) table: SecurityTable,
    /// log2 of the ring dimension.
    pub(super) log_n: u32,
    /// The secret's weight; `None` for uniform ternary.
    pub(super) weight: Option<u32>,
    /// Largest logQP in bits, in the order of [`SecurityLevel::ALL`].
    pub(super) limits: [u16; 3],
}

impl Entry {
    pub(super) fn limit(&self, level: SecurityLevel) -> Option<f64> {
        let limit = self.limits[level as usize];
        (limit != ABSENT).then_some(f64::from(limit))
    }
}

/// The table gives no figure for this level.
pub(super) const ABSENT: u16 = 0;

const fn dense(table: SecurityTable, log_n: u32, limits: [u16; 3]) -> Entry {
    Entry { table, log_n, weight: None, limits }
}

const fn sparse(log_n: u32, weight: u32, limit: u16) -> Entry {
    Entry { table: SecurityTable::SparseEstimate2026, log_n, weight: Some(weight), limits: [limit, ABSENT, ABSENT] }
}

/// Every figure of this module.
#[rustfmt::skip]
pub(super) const ENTRIES: [Entry; 18] = {
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
