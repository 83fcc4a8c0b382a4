//! Aligned, recycled storage for one limb of a polynomial.
//!
//! A homomorphic operation at ring dimension 2^16 touches tens of megabytes of short-lived limbs. Handing them back
//! to the allocator would cost a page fault each 4 KiB on the next use, as much as the arithmetic itself, so a dropped
//! [`Limb`] goes to a process-wide pool and the next one of the same length comes out of it.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

use bytemuck::{Pod, Zeroable};

/// One cache line, and one AVX-512 register: eight 64-bit residues.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u64; 8]);

/// Limbs shorter than this many residues are cheap to allocate and are not pooled.
const POOLED_FROM: usize = 2048;

static POOL: Mutex<BTreeMap<usize, Vec<Box<[Line]>>>> = Mutex::new(BTreeMap::new());

/// `len` residues modulo one prime, aligned to 64 bytes; `len` is rounded up to a multiple of eight.
pub struct Limb(Box<[Line]>);

impl Limb {
    /// A limb of zeros.
    pub fn zeroed(len: usize) -> Self {
        let mut limb = Self::recycled(len);
        limb.fill(0);
        limb
    }

    /// A limb whose contents are arbitrary (an earlier limb's, or zeros): for a caller that overwrites all of it.
    pub fn recycled(len: usize) -> Self {
        let lines = len.div_ceil(8);
        let pooled = POOL.lock().expect("no pool user panics").get_mut(&lines).and_then(Vec::pop);
        Self(pooled.unwrap_or_else(|| vec![Line::zeroed(); lines].into_boxed_slice()))
    }
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
        if self.len() >= POOLED_FROM {
            let lines = std::mem::take(&mut self.0);
            // A poisoned pool only means that a thread panicked elsewhere; the limb is then simply freed.
            if let Ok(mut pool) = POOL.lock() {
                pool.entry(lines.len()).or_default().push(lines);
            }
        }
    }
}

/// Gives the pool's memory back to the operating system, with whatever else the allocator holds for reuse.
pub fn trim_pool() {
    POOL.lock().expect("no pool user panics").clear();
    trim_allocator();
}

/// glibc keeps freed limbs in its arenas and returns none but those at an arena's end unless it is asked.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
fn trim_allocator() {
    // SAFETY: takes no pointer, and any thread may call it at any time.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim_allocator() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_limb_is_reused() {
        let len = 1 << 13;
        let first = Limb::zeroed(len);
        let address = first.as_ptr();
        assert_eq!(address as usize % 64, 0, "AVX-512 loads must not straddle cache lines");
        drop(first);
        // Other tests may take it meanwhile, but none uses this length.
        assert_eq!(Limb::recycled(len).as_ptr(), address);
    }
}
