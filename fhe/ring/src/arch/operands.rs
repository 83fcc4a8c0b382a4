//! The constants and operand types that all sets of kernels share.

/// The smallest size of a transform: the last four levels of the SIMD kernels work on sixteen residues at a time.
pub const MIN_NTT: usize = 32;

/// The largest number of products in one lazy sum: 15·2^48 + 15 < 2^52 bounds the high halves that IFMA adds up.
pub const MAX_LAZY_PRODUCTS: usize = 15;

/// Number of bytes after packed residues that a kernel may read or write.
pub(crate) const PACKED_PADDING: usize = 64;

/// The form in which a set of kernels reads the roots of one prime. Root i is ψ^brv(i), so the first 2^k roots serve a
/// transform of size 2^k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code)] // Each machine has kernels for some of the forms only.
pub(crate) enum RootForm {
    /// All N roots, each with ⌊root·2^64/q⌋.
    Pairs,
    /// The first N/16 roots, but at least eight, and [`Twiddles::tails`], each with ⌊root·2^52/q⌋.
    Tails,
    /// All N roots as the bits of doubles in (−q/2, q/2). Roots 2i and 2i + 1 form one element.
    Doubles,
}

/// The twiddle factors of one prime, in the [`RootForm`] that the kernels read.
#[derive(Clone, Copy)]
pub(crate) struct Twiddles<'a> {
    /// The leading roots.
    pub(crate) heads: &'a [[u64; 2]],
    /// Roots k, 2k, 4k and 8k for k < N/8, for kernels that finish a block of sixteen residues in registers.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))] // Only the AVX-512 kernels read them.
    pub(crate) tails: &'a [[[u64; 2]; 4]],
}

/// The key and the mask from which the kernels compute the uniform residues of one polynomial modulo one prime.
///
/// Block k of attempt t is AES-128(key, (t·2^32 + k) ⊕ mask₀ ‖ mask₁). It holds two little-endian words. Word j of it
/// serves residue 2k + j.
///
/// A word below the largest multiple of q that fits a word yields its residue modulo q. Any other word, which has a
/// probability below 2^−14, is drawn again in the next attempt.
#[derive(Clone, Copy)]
pub(crate) struct Counter<'a> {
    pub(crate) key: &'a [u8; 16],
    pub(crate) mask: [u64; 2],
}
