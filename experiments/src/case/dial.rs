//! The dial between memory and time: the ways of holding keys and constants, and the one that a case takes.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, anyhow};
use fhe_nn::encrypted::{Holding, Memory, Needs};
use serde::Serialize;

use super::prices::Prices;
use crate::output::parse_bytes;

/// What a user says of memory, on `--max-memory` or in a config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dial {
    /// Nothing: packed keys and constants in memory.
    #[default]
    Default,
    /// As little as possible.
    Lean,
    /// As much as saves time.
    Fast,
    /// The fastest way that takes at most so many bytes; with the text that says so.
    AtMost(u64, String),
}

impl FromStr for Dial {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "default" => Ok(Self::Default),
            "lean" => Ok(Self::Lean),
            "fast" => Ok(Self::Fast),
            _ => {
                let bytes =
                    parse_bytes(text).ok_or_else(|| anyhow!("wanted lean, default, fast, or bytes such as \"4G\""))?;
                Ok(Self::AtMost(bytes, text.to_owned()))
            }
        }
    }
}

impl fmt::Display for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::Lean => "lean",
            Self::Fast => "fast",
            Self::AtMost(_, text) => text,
        })
    }
}

impl Dial {
    /// Returns the bytes that it grants, if it says how many.
    pub(crate) fn limit(&self) -> Option<u64> {
        match self {
            Self::AtMost(bytes, _) => Some(*bytes),
            _ => None,
        }
    }

    /// Returns the way of holding that it means for a case with these needs. If none fits its limit, returns the one that
    /// takes the least.
    pub(crate) fn choose(&self, needs: &Needs, prices: &Prices) -> Holding {
        let mut settings = Setting::all(needs, prices);
        settings.sort_by(|a, b| a.time.total_cmp(&b.time).then(a.total().cmp(&b.total())));
        let fits = |limit: u64| settings.iter().find(|setting| setting.total() <= limit);
        let chosen = match self {
            Self::Default => return Holding::DEFAULT,
            Self::Lean => None,
            Self::Fast => settings.first(),
            Self::AtMost(limit, _) => fits(*limit),
        };
        let least = || settings.iter().min_by_key(|setting| setting.total()).expect("there are ways of holding");
        chosen.unwrap_or_else(least).holding
    }
}

/// A way of holding keys and constants, with its price.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// The way.
    pub holding: Holding,
    /// Its memory at the peak.
    pub memory: Memory,
    /// Bytes of its file.
    pub file: u64,
    /// Its seconds over those of the default.
    pub time: f64,
}

impl Setting {
    /// Returns every way for a case with these needs.
    fn all(needs: &Needs, prices: &Prices) -> Vec<Self> {
        let setting = |holding| {
            let (memory, file) = (needs.memory(holding), needs.file(holding) as u64);
            Self { holding, memory, file, time: prices.time(holding) }
        };
        Holding::all().map(setting).collect()
    }

    /// Returns the ways that no other one beats in memory and in time, by their memory.
    pub(crate) fn front(needs: &Needs, prices: &Prices) -> Vec<Self> {
        let mut all = Self::all(needs, prices);
        all.sort_by(|a, b| a.total().cmp(&b.total()).then(a.time.total_cmp(&b.time)));
        let mut best = f64::INFINITY;
        all.retain(|setting| {
            let better = setting.time < best;
            best = best.min(setting.time);
            better
        });
        all
    }

    /// Returns the bytes of memory at its peak.
    pub(crate) fn total(&self) -> u64 {
        self.memory.total() as u64
    }
}

/// A way of holding in a plan.
#[derive(Serialize)]
pub(crate) struct Choice {
    /// The way in words.
    pub holding: String,
    /// The words on the dial that mean it: `lean`, `default`, `fast`.
    pub names: Vec<&'static str>,
    /// Whether the case takes it.
    pub chosen: bool,
    /// Memory at the peak.
    pub predicted_bytes: u64,
    /// Bytes of its file.
    pub file_bytes: u64,
    /// Seconds of a ciphertext.
    pub seconds: f64,
}

impl Choice {
    /// Returns the ways that are worth taking, and the default and the `chosen` one, by their memory. The default takes
    /// `seconds`.
    pub(crate) fn list(needs: &Needs, prices: &Prices, chosen: Holding, seconds: f64) -> Vec<Self> {
        let front = Setting::front(needs, prices);
        let named = [("lean", Dial::Lean), ("default", Dial::Default), ("fast", Dial::Fast)]
            .map(|(name, dial)| (name, dial.choose(needs, prices)));
        let mut all = Setting::all(needs, prices);
        all.sort_by_key(Setting::total);
        let shown = |setting: &&Setting| {
            setting.holding == chosen
                || setting.holding == Holding::DEFAULT
                || front.iter().any(|other| other.holding == setting.holding)
        };
        let choice = |setting: &Setting| Self {
            holding: setting.holding.to_string(),
            names: named.iter().filter(|(_, holding)| *holding == setting.holding).map(|(name, _)| *name).collect(),
            chosen: setting.holding == chosen,
            predicted_bytes: setting.total(),
            file_bytes: setting.file,
            seconds: setting.time * seconds,
        };
        all.iter().filter(shown).map(choice).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Case, CaseSpec, HEADROOM, Model};
    use fhe_nn::encrypted::Packing;
    use fhe_ring::Kernels;

    fn needs() -> Needs {
        let spec = CaseSpec {
            ring_dim: 1 << 15,
            relu: "chebyshev:7".parse().unwrap(),
            packing: Packing::Fused,
            profile: None,
        };
        Case::new(&spec, Model::embedded(HEADROOM).unwrap(), None).unwrap().plan.needs
    }

    #[test]
    fn below_at_and_above_each_threshold_the_fastest_way_that_fits_is_taken() {
        let needs = needs();
        for kernels in Kernels::available() {
            let prices = Prices::shipped(kernels);
            let front = Setting::front(&needs, &prices);
            assert!(front.len() >= 4, "{front:?}");
            for pair in front.windows(2) {
                let [small, large] = pair else { unreachable!() };
                assert!(small.total() < large.total() && small.time > large.time, "{pair:?}");
                let at_most = |bytes: u64| Dial::AtMost(bytes, String::new()).choose(&needs, &prices);
                assert_eq!(at_most(large.total() - 1), small.holding);
                assert_eq!(at_most(large.total()), large.holding);
                assert_eq!(at_most(large.total() + 1), large.holding);
            }
            let least = front[0];
            assert_eq!(Dial::AtMost(1, String::new()).choose(&needs, &prices), least.holding, "none fits");
            assert_eq!(Dial::Lean.choose(&needs, &prices), least.holding);
            assert_eq!(least.holding, Holding::LEAN);
            assert_eq!(Dial::Fast.choose(&needs, &prices), front[front.len() - 1].holding);
            assert_eq!(Dial::Default.choose(&needs, &prices), Holding::DEFAULT);
        }
    }

    #[test]
    fn the_dial_reads_what_it_writes() {
        for text in ["lean", "default", "fast", "600M", "1.5GiB"] {
            assert_eq!(text.parse::<Dial>().unwrap().to_string(), text);
        }
        assert_eq!("600M".parse::<Dial>().unwrap().limit(), Some(600_000_000));
        let error = "much".parse::<Dial>().unwrap_err().to_string();
        assert!(error.contains("lean") && error.contains("4G"), "{error}");
    }
}
