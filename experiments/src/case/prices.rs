//! What the ways of holding keys and constants add to the seconds of an image.

use fhe_nn::encrypted::{ConstantPlace, Holding, KeyPlace};
use fhe_ring::Kernels;

use crate::bench::holding::{CONSTANTS_IN_FILE, CONSTANTS_WHEN_USED, DEFAULT, KEYS_IN_FILE, WORDS};
use crate::measurements::Measurements;

/// The share of bootstraps in the seconds of an image with the default way, between those that are predicted for the fastest cell (0.56)
/// and the paper's (0.74). `bench` measures a bootstrap, and constants are theirs alone, while all steps have keys.
const BOOTSTRAPS: f64 = 0.65;

/// What each place adds to the seconds of an image, as a share of the default's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prices {
    file_of_keys: f64,
    words: f64,
    file_of_constants: f64,
    constants_when_used: f64,
    /// Origin, in words.
    pub source: String,
}

impl Prices {
    /// Returns the prices that `bench --save` stored for these kernels at this ring dimension, or the shipped ones. Stored
    /// measurements that cannot be read count as none: the prediction of seconds fails for them.
    pub(crate) fn load(ring_dim: usize, kernels: Kernels) -> Self {
        let stored = Measurements::stored_at(ring_dim, kernels).ok().flatten();
        stored.as_ref().and_then(Self::measured).unwrap_or_else(|| Self::shipped(kernels))
    }

    /// Returns the shipped prices, measured at N = 2^15 on two cores. Those of files and of constants encoded when used are
    /// of a Zen 4. What words save comes from alternating runs of `classify` with the default and `fast`: on a Zen 4, on a
    /// Zen 3 whose cipher computes several blocks at once, and on a Skylake Xeon whose cipher computes one.
    pub(super) fn shipped(kernels: Kernels) -> Self {
        let (words, machine) = match kernels.name() {
            "avx512ifma" => (-0.06, "a Zen 4"),
            _ if kernels.cipher_is_wide() => (-0.03, "a Zen 3 by fma"),
            _ => (-0.13, "a Skylake Xeon by fma"),
        };
        let source = format!("images at N = 32768: keys in words on {machine}, files on a Zen 4");
        Self { file_of_keys: 0.12, file_of_constants: 0.11, constants_when_used: 0.3, words, source }
    }

    /// Returns the prices by a run of `bench`; `None` for one without bootstraps in all ways, as those of earlier versions.
    fn measured(measurements: &Measurements) -> Option<Self> {
        let least = |op: &str| measurements.operations.iter().find(|row| row.op == op)?.seconds_min;
        let default = least(DEFAULT)?;
        let added = |op: &str| Some(least(op)? / default - 1.0);
        // A file and another encoding are more work: a gain would be a fault of the measurement.
        let work = |op: &str| Some(added(op)?.max(0.0));
        Some(Self {
            file_of_keys: work(KEYS_IN_FILE)?,
            words: added(WORDS)?,
            file_of_constants: BOOTSTRAPS * work(CONSTANTS_IN_FILE)?,
            constants_when_used: BOOTSTRAPS * work(CONSTANTS_WHEN_USED)?,
            source: measurements.in_words(),
        })
    }

    /// Returns the seconds of an image with a way of holding over those of the default.
    pub(super) fn time(&self, holding: Holding) -> f64 {
        let keys = match holding.keys {
            KeyPlace::File => self.file_of_keys,
            KeyPlace::Packed => 0.0,
            KeyPlace::Words => self.words,
        };
        let constants = match holding.constants {
            ConstantPlace::File => self.file_of_constants,
            ConstantPlace::WhenUsed => self.constants_when_used,
            ConstantPlace::Memory => 0.0,
        };
        1.0 + keys + constants
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../bench/32768-scalar.jsonl");

    /// A shipped file without prices, and with bootstraps of these seconds.
    fn with(seconds: &[(&str, f64)]) -> Measurements {
        let old: String =
            FILE.lines().filter(|line| !line.contains("\"held_")).map(|line| format!("{line}\n")).collect();
        let row = |(op, s): &(&str, f64)| format!("{{\"op\":\"{op}\",\"seconds\":{},\"seconds_min\":{s}}}\n", 2.0 * s);
        Measurements::parse(&(old + &seconds.iter().map(row).collect::<String>())).unwrap()
    }

    #[test]
    fn prices_are_shares_of_the_least_seconds_and_constants_cost_bootstraps_only() {
        let measured = with(&[
            (DEFAULT, 2.0),
            (WORDS, 1.5),
            (KEYS_IN_FILE, 2.5),
            (CONSTANTS_IN_FILE, 1.9),
            (CONSTANTS_WHEN_USED, 3.0),
        ]);
        let prices = Prices::measured(&measured).unwrap();
        let way = |keys, constants| prices.time(Holding { keys, constants });
        assert_eq!(way(KeyPlace::Packed, ConstantPlace::Memory), 1.0);
        assert_eq!(way(KeyPlace::Words, ConstantPlace::Memory), 0.75);
        assert_eq!(way(KeyPlace::File, ConstantPlace::Memory), 1.25);
        assert_eq!(way(KeyPlace::Packed, ConstantPlace::File), 1.0, "a file gains nothing");
        assert_eq!(way(KeyPlace::Packed, ConstantPlace::WhenUsed), 1.0 + 0.5 * BOOTSTRAPS);
        assert!(prices.source.starts_with("bench at N = 32768 of "), "{}", prices.source);
    }

    #[test]
    fn measurements_of_earlier_versions_have_none() {
        for missing in [&[][..], &[(DEFAULT, 2.0), (WORDS, 1.5), (CONSTANTS_WHEN_USED, 3.0)]] {
            assert_eq!(Prices::measured(&with(missing)), None);
        }
    }
}
