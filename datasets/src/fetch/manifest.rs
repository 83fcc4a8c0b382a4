//! The six official batches and their digests.

use std::path::Path;

use crate::cifar::{BATCH, RECORD};
use crate::{Error, digest};

/// Which images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// 10,000 test images.
    Test,
    /// 50,000 training images.
    Train,
}

/// A batch of the official set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchFile {
    /// Name in the official archive.
    pub name: &'static str,
    /// Which split it belongs to.
    pub split: Split,
    /// Images it holds.
    pub records: usize,
    /// SHA-256 of the whole file, lower-case hexadecimal.
    pub sha256: &'static str,
}

impl BatchFile {
    /// Its length in bytes.
    pub fn bytes(&self) -> u64 {
        (self.records * RECORD) as u64
    }

    /// Its name without `.bin`.
    pub(super) fn stem(&self) -> &'static str {
        self.name.trim_end_matches(".bin")
    }

    /// Fails unless `bytes` are the official content; `path` says in the error where they are from.
    pub(super) fn check(&self, bytes: &[u8], path: &Path) -> Result<(), Error> {
        let found = digest::sha256(bytes);
        if found == self.sha256 {
            return Ok(());
        }
        Err(Error::WrongDigest { path: path.to_owned(), found, wanted: self.sha256.to_owned() })
    }
}

const fn batch(name: &'static str, split: Split, sha256: &'static str) -> BatchFile {
    BatchFile { name, split, records: BATCH, sha256 }
}

/// Computed from the npm package's pixels in the official layout, and equal to the digests of the official files that
/// other projects publish (torchvision for Ruby), so both sources end in the same bytes.
pub(super) static OFFICIAL: [BatchFile; 6] = [
    batch("test_batch.bin", Split::Test, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
    batch("data_batch_1.bin", Split::Train, "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
    batch("data_batch_2.bin", Split::Train, "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
    batch("data_batch_3.bin", Split::Train, "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
    batch("data_batch_4.bin", Split::Train, "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
    batch("data_batch_5.bin", Split::Train, "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
];
