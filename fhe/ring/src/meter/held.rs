//! Bytes by what holds them.

use std::sync::atomic::{AtomicU64, Ordering};

/// What holds memory for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// Keys of rotations and of the conjugation.
    RotationKeys,
    /// Relinearization keys.
    RelinearizationKeys,
    /// Keys to and from the ephemeral secret of bootstrapping.
    EncapsulationKeys,
    /// Keys to and from a client's ring.
    ClientKeys,
    /// Secret keys.
    Secrets,
    /// Encoded matrices of linear transforms.
    Matrices,
    /// Encoded weights.
    Weights,
    /// Ciphertexts that are held between steps.
    Ciphertexts,
    /// Roots of transforms.
    Tables,
    /// Permutations of automorphisms.
    Permutations,
    /// Mapped files of keys and constants, whether their pages are resident or not.
    Files,
    /// Networks and evaluations in cleartext.
    Models,
}

const COUNT: usize = Holder::Models as usize + 1;

static BYTES: [AtomicU64; COUNT] = [const { AtomicU64::new(0) }; COUNT];

/// Returns the bytes that a holder has now.
pub fn held(holder: Holder) -> u64 {
    BYTES[holder as usize].load(Ordering::Relaxed)
}

/// Bytes that are counted until this is dropped. A clone counts them again.
///
/// ```
/// use fhe_ring::meter::{Held, Holder, held};
///
/// let keys = Held::new(Holder::RotationKeys, 1000);
/// let copy = keys.clone();
/// assert_eq!(held(Holder::RotationKeys), 2000);
/// drop((keys, copy));
/// assert_eq!(held(Holder::RotationKeys), 0);
/// ```
#[derive(Debug)]
#[must_use = "bytes are counted until this is dropped"]
pub struct Held {
    holder: Holder,
    bytes: u64,
}

impl Held {
    /// Counts bytes of a holder.
    pub fn new(holder: Holder, bytes: usize) -> Self {
        let bytes = bytes as u64;
        BYTES[holder as usize].fetch_add(bytes, Ordering::Relaxed);
        Self { holder, bytes }
    }
}

impl Clone for Held {
    fn clone(&self) -> Self {
        Self::new(self.holder, self.bytes as usize)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        BYTES[self.holder as usize].fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
