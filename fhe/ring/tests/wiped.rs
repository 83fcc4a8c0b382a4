//! Searches the memory of the whole process for the seeds of generators that have been dropped.
//!
//! This file holds one test only, so that no other thread keeps such a seed.
#![cfg(target_os = "linux")]
#![allow(missing_docs)]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use fhe_ring::{SecretRng, Seed, sample};
use rand::{Rng, RngCore};
use zeroize::{Zeroize, Zeroizing};

/// A seed with all its bits flipped. The test keeps seeds in this form only, so that the search does not find them.
type Flipped = Seed;

/// Returns the number of copies of a seed in all memory that the process can write.
fn copies_of(flipped: &Flipped) -> usize {
    let memory = File::open("/proc/self/mem").expect("a process may read its own memory");
    let maps = fs::read_to_string("/proc/self/maps").expect("a list of the process's memory");
    let mut page = Zeroizing::new([0; 4096 + 31]);
    let mut copies = 0;
    for map in maps.lines().filter(|map| map.contains(" rw")) {
        let (range, _) = map.split_once(' ').expect("fields separated by spaces");
        let (start, end) = range.split_once('-').expect("a range of addresses");
        let address = |hex: &str| u64::from_str_radix(hex, 16).expect("a hexadecimal address");
        let own = page.as_ptr() as u64;
        for first in (address(start)..address(end)).step_by(4096) {
            // The search skips the buffer that it reads into.
            if (own - own % 4096..own + 8192).contains(&first) {
                continue;
            }
            let read = memory.read_at(&mut *page, first).unwrap_or(0);
            let found = |bytes: &&[u8]| bytes.iter().zip(flipped).all(|(byte, flipped)| !byte == *flipped);
            copies += page[..read].windows(32).filter(found).count();
            page.zeroize();
        }
    }
    copies
}

/// Returns one of several flipped seeds that no memory holds by chance.
fn flipped(index: u8) -> Flipped {
    std::array::from_fn(|i| (i as u8).wrapping_mul(11) ^ index.wrapping_mul(29) ^ 0xc3)
}

#[test]
fn no_seed_of_a_dropped_generator_is_left_in_memory() {
    let seed_of = |flipped: &Flipped| {
        let mut seed = Zeroizing::new(Seed::default());
        seed.iter_mut().zip(flipped).for_each(|(byte, flipped)| *byte = !flipped);
        seed
    };
    let mut sum = 0;
    for index in 0..4 {
        let flipped = flipped(index);
        let mut rng = SecretRng::from_seed(&seed_of(&flipped));
        sum += i64::from(rng.next_u32()) + sample::gaussian(1000, &mut rng).iter().sum::<i64>();
        assert!(copies_of(&flipped) >= 1, "the search finds the seed of generator {index} while that is in use");
        drop(rng);
        assert_eq!(copies_of(&flipped), 0, "copies of the seed of generator {index}");
    }

    // The seeds that generators of parallel tasks draw.
    let children = 8;
    let mut again = SecretRng::seeded(6);
    let expected: Vec<Flipped> = (0..children).map(|_| std::array::from_fn(|_| !again.random::<u8>())).collect();
    let mut parent = SecretRng::seeded(6);
    let made = sample::with_generators(children, &mut parent, |_, rng| sample::ternary(5000, rng).iter().sum::<i64>());
    assert_ne!(sum + made.iter().sum::<i64>(), i64::MAX, "the compiler must not remove the drawing");
    for (index, seed) in expected.iter().enumerate() {
        assert_eq!(copies_of(seed), 0, "copies of the seed of child {index}");
    }
}
