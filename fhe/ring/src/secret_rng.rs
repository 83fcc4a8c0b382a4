//! A random generator for secrets, which leaves no copy of its state in memory.
#![allow(unsafe_code)]

use rand::rngs::OsRng;
use rand::{CryptoRng, RngCore, SeedableRng, TryRngCore};
use rand_chacha::ChaCha20Rng;
use zeroize::{Zeroizing, zeroize_flat_type, zeroize_stack};

use crate::uniform::Seed;

/// The ChaCha20 generator of `rand_chacha`, whose state is overwritten when it is dropped.
///
/// Whoever finds the state of a generator can draw the same keys again. The state therefore stays in one place on the
/// heap, so that moving the generator copies a pointer only, and the type cannot be cloned. Creating and dropping a
/// generator also overwrite the stack below the caller, where computing blocks leaves copies of the seed.
///
/// This is best effort beyond the heap: registers, frames of the stack that are deeper than 16 KiB or belong to other
/// threads, and memory that the operating system swaps out are beyond its reach.
///
/// ```
/// use fhe_ring::{SecretRng, sample};
///
/// let secret = sample::ternary(64, &mut SecretRng::from_os());
/// assert!(secret.iter().all(|c| (-1..=1).contains(c)));
/// // A number as the seed makes a run repeatable.
/// assert_eq!(sample::ternary(64, &mut SecretRng::seeded(1)), sample::ternary(64, &mut SecretRng::seeded(1)));
/// ```
pub struct SecretRng(Box<State>);

/// Bytes of the stack that are overwritten below whoever creates or drops a generator.
const STACK: usize = 16 << 10;

impl SecretRng {
    /// Returns a generator that the operating system seeds: the one for real keys.
    ///
    /// # Panics
    /// If the operating system has no randomness to give.
    pub fn from_os() -> Self {
        let mut seed = Zeroizing::new(Seed::default());
        OsRng.try_fill_bytes(&mut *seed).expect("the operating system gives randomness");
        Self::from_seed(&seed)
    }

    /// Returns the generator of a number, for tests and repeatable experiments. Its stream equals that of
    /// `ChaCha20Rng::seed_from_u64(seed)`.
    pub fn seeded(seed: u64) -> Self {
        Self::new(|| ChaCha20Rng::seed_from_u64(seed))
    }

    /// Returns the generator of 32 bytes. Its stream equals that of `ChaCha20Rng::from_seed(*seed)`.
    pub fn from_seed(seed: &Seed) -> Self {
        Self::new(|| ChaCha20Rng::from_seed(*seed))
    }

    /// Chooses one of the 2^64 independent streams of the seed, and continues at the same position in it. A new
    /// generator is in stream 0.
    pub fn set_stream(&mut self, stream: u64) {
        self.0.0.set_stream(stream);
    }

    fn new(make: impl FnOnce() -> ChaCha20Rng) -> Self {
        let mut state = Box::new(State(ChaCha20Rng::from_seed(Seed::default())));
        state.fill(make);
        zeroize_stack::<STACK>();
        Self(state)
    }
}

/// The state of a generator in its final place, overwritten when dropped.
struct State(ChaCha20Rng);

// A generator that freed or referred to memory could neither be overwritten nor be wiped in this way.
const _: () = assert!(!std::mem::needs_drop::<ChaCha20Rng>());

impl State {
    /// Writes what `make` returns over the state. Never inlined, so that the copy on the stack lies below the caller.
    #[inline(never)]
    fn fill(&mut self, make: impl FnOnce() -> ChaCha20Rng) {
        self.0 = make();
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: the pointer comes from a mutable reference to the whole state, which consists of integers and holds
        // no pointer and nothing to be dropped (asserted above). Nothing reads the state after this.
        unsafe { zeroize_flat_type(&raw mut self.0) };
        zeroize_stack::<STACK>();
    }
}

impl RngCore for SecretRng {
    #[inline]
    fn next_u32(&mut self) -> u32 {
        self.0.0.next_u32()
    }

    #[inline]
    fn next_u64(&mut self) -> u64 {
        self.0.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.0.fill_bytes(bytes);
    }
}

impl CryptoRng for SecretRng {}

impl std::fmt::Debug for SecretRng {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretRng(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::MaybeUninit;

    /// Words and bytes that do not divide the blocks of the cipher evenly.
    fn draw(rng: &mut impl RngCore) -> Vec<u64> {
        let mut bytes = [0; 77];
        let words = (0..200).flat_map(|_| {
            rng.fill_bytes(&mut bytes);
            [u64::from(rng.next_u32()), rng.next_u64(), u64::from(bytes[76])]
        });
        words.collect()
    }

    #[test]
    fn streams_equal_those_of_chacha20rng() {
        for seed in [0, 5, u64::MAX] {
            assert_eq!(draw(&mut SecretRng::seeded(seed)), draw(&mut ChaCha20Rng::seed_from_u64(seed)));
        }
        let seed = std::array::from_fn(|i| 7 * i as u8);
        let (mut ours, mut theirs) = (SecretRng::from_seed(&seed), ChaCha20Rng::from_seed(seed));
        assert_eq!(draw(&mut ours), draw(&mut theirs));
        ours.set_stream(3);
        theirs.set_stream(3);
        assert_eq!(draw(&mut ours), draw(&mut theirs));
    }

    #[test]
    fn generators_of_the_operating_system_differ() {
        assert_ne!(draw(&mut SecretRng::from_os()), draw(&mut SecretRng::from_os()));
    }

    #[test]
    fn dropping_the_state_overwrites_every_byte_of_it() {
        let mut memory = MaybeUninit::new(State(ChaCha20Rng::from_seed([0x5a; 32])));
        // SAFETY: initialised in the line above.
        draw(unsafe { &mut memory.assume_init_mut().0 });
        // SAFETY: initialised, dropped here only, and not used as a state afterwards.
        unsafe { memory.assume_init_drop() };
        // SAFETY: the memory is still owned by `memory`, and dropping has written each byte of it, padding too.
        let bytes = unsafe { std::slice::from_raw_parts(memory.as_ptr().cast::<u8>(), size_of::<State>()) };
        assert!(bytes.iter().all(|&byte| byte == 0), "{bytes:?}");
    }
}
