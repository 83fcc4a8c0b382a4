//! Aligned, recycled storage for one limb of a polynomial.
//!
//! A homomorphic operation at ring dimension 2^16 uses tens of megabytes of short-lived limbs. If they went back to the
//! allocator, their next use would cause a page fault for every 4 KiB, which costs as much as the arithmetic. A dropped
//! [`Limb`] therefore goes to a process-wide pool, and the next limb of equal length comes from the pool.
//!
//! The pool does not wipe limbs. A polynomial that holds a secret is wrapped in `Zeroizing`, which wipes it first.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytemuck::{Pod, Zeroable};

use crate::meter::{self, Primitive, scope};

/// Eight 64-bit residues: one cache line, which is also one AVX-512 register.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u64; 8]);

/// The least number of residues of a pooled limb. Shorter limbs are cheap to allocate.
const POOLED_FROM: usize = 2048;

static POOL: Mutex<BTreeMap<usize, Vec<Box<[Line]>>>> = Mutex::new(BTreeMap::new());

/// The bytes of all limbs in use, and of those in the pool.
static IN_USE: AtomicUsize = AtomicUsize::new(0);
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// The memory of limbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimbBytes {
    /// Bytes of the limbs in use.
    pub in_use: usize,
    /// Bytes of the limbs that wait in the pool.
    pub waiting: usize,
}

/// Returns the memory of all limbs of this process.
pub fn limb_bytes() -> LimbBytes {
    LimbBytes { in_use: IN_USE.load(Ordering::Relaxed), waiting: WAITING.load(Ordering::Relaxed) }
}

/// The residues of a polynomial modulo one prime, aligned to 64 bytes. The length is a multiple of eight.
pub struct Limb(Box<[Line]>);

impl Limb {
    /// Returns a limb of zeros. `len` is rounded up to a multiple of eight.
    pub fn zeroed(len: usize) -> Self {
        let mut limb = Self::recycled(len);
        let _scope = scope(Primitive::Copy);
        limb.fill(0);
        limb
    }

    /// Returns a limb with arbitrary contents (zeros, or those of an earlier limb), for a caller that overwrites all of
    /// it. `len` is rounded up to a multiple of eight.
    pub fn recycled(len: usize) -> Self {
        let lines = len.div_ceil(8);
        let pooled = POOL.lock().expect("no pool user panics").get_mut(&lines).and_then(Vec::pop);
        IN_USE.fetch_add(bytes(lines), Ordering::Relaxed);
        if pooled.is_some() {
            WAITING.fetch_sub(bytes(lines), Ordering::Relaxed);
        }
        Self(pooled.unwrap_or_else(|| fresh(lines)))
    }
}

/// Returns the number of bytes of so many lines.
const fn bytes(lines: usize) -> usize {
    lines * size_of::<Line>()
}

/// Returns new memory. While time is measured every page is touched here, so that its page fault counts as allocation
/// and not as the operation that first writes to it.
fn fresh(lines: usize) -> Box<[Line]> {
    let _scope = scope(Primitive::Allocate);
    let mut new = vec![Line::zeroed(); lines].into_boxed_slice();
    if meter::on() {
        const PAGE: usize = 4096 / size_of::<Line>();
        new.iter_mut().step_by(PAGE).for_each(|line| *std::hint::black_box(line) = Line::zeroed());
    }
    new
}

impl Deref for Limb {
    type Target = [u64];
    fn deref(&self) -> &[u64] {
        bytemuck::cast_slice(&self.0)
    }
}

impl DerefMut for Limb {
    fn deref_mut(&mut self) -> &mut [u64] {
        bytemuck::cast_slice_mut(&mut self.0)
    }
}

impl Clone for Limb {
    fn clone(&self) -> Self {
        let mut copy = Self::recycled(self.len());
        let _scope = scope(Primitive::Copy);
        copy.copy_from_slice(self);
        copy
    }
}

impl std::fmt::Debug for Limb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Limb[{} residues]", self.len())
    }
}

impl PartialEq for Limb {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Drop for Limb {
    fn drop(&mut self) {
        IN_USE.fetch_sub(bytes(self.0.len()), Ordering::Relaxed);
        if self.len() >= POOLED_FROM {
            let lines = std::mem::take(&mut self.0);
            // A poisoned pool means that another thread panicked. The limb is then freed.
            if let Ok(mut pool) = POOL.lock() {
                WAITING.fetch_add(bytes(lines.len()), Ordering::Relaxed);
                pool.entry(lines.len()).or_default().push(lines);
            }
        }
    }
}

/// Returns the memory of the pool, and all other memory that the allocator keeps for reuse, to the operating system.
pub fn trim_pool() {
    trim_pool_below(usize::MAX);
}

/// Returns the memory of the pool's limbs of fewer than `len` residues, and all other memory that the allocator keeps for
/// reuse, to the operating system. A caller who is done with one short length and goes on with another does this: the
/// pool would otherwise keep both.
pub fn trim_pool_below(len: usize) {
    let mut pool = POOL.lock().expect("no pool user panics");
    let kept = pool.split_off(&len.div_ceil(8));
    let freed = std::mem::replace(&mut *pool, kept);
    drop(pool);
    let lines: usize = freed.iter().map(|(lines, limbs)| lines * limbs.len()).sum();
    WAITING.fetch_sub(bytes(lines), Ordering::Relaxed);
    drop(freed);
    trim_allocator();
}

/// Returns the memory that the allocator keeps for reuse to the operating system, but not that of the pool. Without
/// this, glibc returns only freed memory at the end of an arena.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
pub fn trim_allocator() {
    // SAFETY: the function takes no pointer, and any thread may call it at any time.
    unsafe { libc::malloc_trim(0) };
}

/// Does nothing: only glibc keeps freed memory for long.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn trim_allocator() {}

#[cfg(test)]
mod tests {
    use super::*;

    /// In one test, because trimming the pool would take the limb that waits.
    #[test]
    fn dropped_limbs_are_reused_and_counted_and_leave_the_pool_by_length_or_all() {
        let len = 1 << 13;
        let first = Limb::zeroed(len);
        let address = first.as_ptr();
        assert_eq!(address as usize % 64, 0, "AVX-512 loads must not straddle cache lines");
        drop(first);
        // No other test uses this length, so none takes the limb in between.
        assert_eq!(Limb::recycled(len).as_ptr(), address);

        // No other test uses these two lengths, and no other test trims the pool.
        let [short, long] = [POOLED_FROM + 8, POOLED_FROM + 16];
        let waiting = |len: usize| POOL.lock().unwrap().get(&(len / 8)).map_or(0, Vec::len);
        drop([short, long].map(Limb::recycled));
        assert_eq!([short, long].map(waiting), [1, 1]);
        trim_pool_below(long);
        assert_eq!([short, long].map(waiting), [0, 1]);

        // Larger than all limbs of the tests that run beside this one.
        let (len, bytes) = (1 << 27, 1 << 30);
        let limb = Limb::recycled(len);
        assert!(limb_bytes().in_use >= bytes);
        drop(limb);
        let LimbBytes { in_use, waiting } = limb_bytes();
        assert!(in_use < bytes && waiting >= bytes, "{in_use} {waiting}");
        trim_pool();
        assert!(limb_bytes().waiting < bytes);
    }
}
