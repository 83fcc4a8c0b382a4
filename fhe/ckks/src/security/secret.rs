//! The distribution of a secret.

use std::fmt;

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
    pub(super) fn is_covered(self, log_n: u32) -> bool {
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
