//! A part of a run's images.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, ensure};

/// Shard `index` of `count`: every `count`-th image of each case, starting from the `index`-th.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shard {
    /// Its number, from 1.
    pub index: usize,
    /// The number of shards.
    pub count: usize,
}

impl Shard {
    /// Whether the image at `position`, from 0, among those of a case belongs to this shard.
    pub(crate) fn owns(self, position: usize) -> bool {
        position % self.count == self.index - 1
    }

    /// The name of its folder inside that of the run.
    pub(crate) fn folder(self) -> String {
        format!("shard-{}-of-{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wanted = "wanted I/N with I from 1 to N, such as 1/4";
        let (index, count) = text.split_once('/').context(wanted)?;
        let [index, count] = [index, count].map(|number| number.parse::<usize>().context(wanted));
        let shard = Self { index: index?, count: count? };
        ensure!((1..=shard.count).contains(&shard.index), wanted);
        Ok(shard)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_share_all_images() {
        let shards: Vec<Shard> = ["1/3", "2/3", "3/3"].iter().map(|text| text.parse().unwrap()).collect();
        for position in 0..10 {
            assert_eq!(shards.iter().filter(|shard| shard.owns(position)).count(), 1, "{position}");
        }
        assert_eq!((shards[1].to_string(), shards[1].folder()), ("2/3".to_owned(), "shard-2-of-3".to_owned()));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "1", "0/2", "3/2", "1/0", "a/2", "1/2/3", "-1/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
