//! The kernels for each instruction set, and the one place where the instruction set is chosen.
//!
//! The portable kernels are the specification. Every other set of kernels equals them bit for bit, because each kernel
//! returns canonical residues in [0, q).
//!
//! A [`Kernels`] other than [`Kernels::SCALAR`] comes from [`Kernels::available`] only, which asks the processor for
//! its features. The `unsafe` calls rest on this proof of capability.
//!
//! How far the kernels are from the limits of the processor, and which alternatives were tried:
//!
#![doc = include_str!("../../docs/floor.md")]
#![allow(unsafe_code)]

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod fma;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod operands;
#[cfg(target_arch = "x86_64")]
mod round_keys;
mod scalar;

use crate::modulus::{Modulus, Shoup};

pub(crate) use operands::{Counter, PACKED_PADDING, RootForm, Twiddles};
pub use operands::{MAX_LAZY_PRODUCTS, MIN_NTT};

/// The kernels of one instruction set, chosen when a ring is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernels(Isa);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Isa {
    Scalar,
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    Fma,
    #[cfg(target_arch = "x86_64")]
    Fma512,
    #[cfg(target_arch = "x86_64")]
    Avx512Ifma,
}

/// The error for kernels that this machine or build does not have.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("kernels '{wanted}' are not available on this machine; choose one of: {available}")]
pub struct UnavailableKernels {
    wanted: String,
    available: String,
}

macro_rules! dispatch {
    ($self:ident, $kernel:ident($($arg:expr),*)) => {
        match $self.0 {
            Isa::Scalar => scalar::$kernel($($arg),*),
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            // SAFETY: a `Kernels` with this variant is built only after the processor reported AVX2 and FMA. On ARM
            // the kernels are safe functions.
            #[allow(unused_unsafe)]
            Isa::Fma => unsafe { fma::narrow::$kernel($($arg),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernels` with this variant is built only after the processor reported AVX2, FMA and AVX-512.
            // `pack` is a safe function.
            #[allow(unused_unsafe)]
            Isa::Fma512 => unsafe { fma::wide::$kernel($($arg),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernels` with this variant is built only after the processor reported the features of IFMA.
            Isa::Avx512Ifma => unsafe { ifma::$kernel($($arg),*) },
        }
    };
}

impl Kernels {
    /// The kernels in portable Rust, which run on any machine.
    pub const SCALAR: Self = Self(Isa::Scalar);

    /// Returns all kernels that this machine can run, fastest first.
    pub fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let fma = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            if avx512
                && is_x86_feature_detected!("avx512ifma")
                && is_x86_feature_detected!("avx512vbmi")
                && is_x86_feature_detected!("vaes")
                && is_x86_feature_detected!("aes")
            {
                kernels.push(Self(Isa::Avx512Ifma));
            }
            if fma && avx512 {
                kernels.push(Self(Isa::Fma512));
            }
            if fma {
                kernels.push(Self(Isa::Fma));
            }
        }
        #[cfg(target_arch = "aarch64")]
        kernels.push(Self(Isa::Fma));
        kernels.push(Self::SCALAR);
        kernels
    }

    /// Returns the fastest kernels of this machine.
    pub fn detect() -> Self {
        Self::available()[0]
    }

    /// Returns the kernels called `name`: "scalar", "fma", "fma512" or "avx512ifma".
    ///
    /// # Errors
    /// [`UnavailableKernels`] if this machine cannot run them, or if no kernels have this name.
    pub fn forced(name: &str) -> Result<Self, UnavailableKernels> {
        let available = Self::available();
        available.iter().copied().find(|kernels| kernels.name() == name).ok_or_else(|| UnavailableKernels {
            wanted: name.to_owned(),
            available: available.iter().map(|kernels| kernels.name()).collect::<Vec<_>>().join(", "),
        })
    }

    /// Returns the name that [`Kernels::forced`] accepts and that logs show.
    pub fn name(self) -> &'static str {
        match self.0 {
            Isa::Scalar => "scalar",
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            Isa::Fma => "fma",
            #[cfg(target_arch = "x86_64")]
            Isa::Fma512 => "fma512",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Ifma => "avx512ifma",
        }
    }

    /// Returns whether the processor computes several AES blocks with one instruction of these kernels. If not, the
    /// `fma` kernels take as long for drawing uniform residues as for a transform.
    pub fn cipher_is_wide(self) -> bool {
        match self.0 {
            Isa::Scalar => false,
            #[cfg(target_arch = "aarch64")]
            Isa::Fma => false,
            #[cfg(target_arch = "x86_64")]
            Isa::Fma | Isa::Fma512 => fma::cipher_is_wide(),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Ifma => true,
        }
    }

    /// Returns the form in which the NTT of these kernels reads its roots.
    pub(crate) fn root_form(self) -> RootForm {
        match self.0 {
            Isa::Scalar => RootForm::Pairs,
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            Isa::Fma => RootForm::Doubles,
            #[cfg(target_arch = "x86_64")]
            Isa::Fma512 => RootForm::Doubles,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Ifma => RootForm::Tails,
        }
    }

    /// Computes the negacyclic NTT in place: coefficients in natural order become evaluations in bit-reversed order.
    pub(crate) fn ntt_forward(self, modulus: &Modulus, twiddles: Twiddles<'_>, data: &mut [u64]) {
        dispatch!(self, ntt_forward(modulus, twiddles, data));
    }

    /// Computes the inverse of [`Kernels::ntt_forward`] in place. `scale` is 1/N and `last` is ψ^(−N/2)/N.
    pub(crate) fn ntt_inverse(
        self,
        modulus: &Modulus,
        twiddles: Twiddles<'_>,
        scale: Shoup,
        last: Shoup,
        data: &mut [u64],
    ) {
        dispatch!(self, ntt_inverse(modulus, twiddles, scale, last, data));
    }

    /// Computes `a ← a + b`, for residues.
    ///
    /// # Panics
    /// If the lengths differ or are not a multiple of eight.
    pub fn add(self, modulus: &Modulus, a: &mut [u64], b: &[u64]) {
        check_lengths(a, b);
        dispatch!(self, add(modulus, a, b));
    }

    /// Computes `a ← a − b`, for residues.
    pub(crate) fn sub(self, modulus: &Modulus, a: &mut [u64], b: &[u64]) {
        check_lengths(a, b);
        dispatch!(self, sub(modulus, a, b));
    }

    /// Computes `out ← a·w`, for residues.
    ///
    /// # Panics
    /// If the lengths differ or are not a multiple of eight.
    pub fn scale(self, modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
        check_lengths(out, a);
        dispatch!(self, scale(modulus, out, a, w));
    }

    /// Computes `out ← out + a·w`, for residues.
    ///
    /// # Panics
    /// If the lengths differ or are not a multiple of eight.
    pub fn add_scaled(self, modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
        check_lengths(out, a);
        dispatch!(self, add_scaled(modulus, out, a, w));
    }

    /// Computes `out ← (out − a)·w`, for residues.
    pub(crate) fn sub_scale(self, modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
        check_lengths(out, a);
        dispatch!(self, sub_scale(modulus, out, a, w));
    }

    /// Computes `out ← Σ aᵢ ⊙ bᵢ` for residues, and adds the previous `out` if `accumulate` is set. An element of `bᵢ`
    /// serves `1 << stretch` consecutive positions. The length of `out` is a multiple of [`MIN_NTT`].
    ///
    /// # Panics
    /// If there are more than [`MAX_LAZY_PRODUCTS`] terms, or a length does not fit.
    pub fn dot(self, modulus: &Modulus, out: &mut [u64], accumulate: bool, terms: &[(&[u64], &[u64])], stretch: u32) {
        assert!(terms.len() <= MAX_LAZY_PRODUCTS, "{} products in one lazy sum", terms.len());
        for (a, b) in terms {
            assert!(a.len() == out.len() && b.len() << stretch == out.len(), "term of another length");
        }
        dispatch!(self, dot(modulus, out, accumulate, terms, stretch));
    }

    /// Computes `out ← Σ aᵢ ⊙ bᵢ` for any number of terms, which is 0 without terms. An element of `bᵢ` serves
    /// `1 << stretch` consecutive positions. The length of `out` is a multiple of [`MIN_NTT`].
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn dot_all(self, modulus: &Modulus, out: &mut [u64], terms: &[(&[u64], &[u64])], stretch: u32) {
        if terms.is_empty() {
            out.fill(0);
        }
        for (k, chunk) in terms.chunks(MAX_LAZY_PRODUCTS).enumerate() {
            self.dot(modulus, out, k > 0, chunk, stretch);
        }
    }

    /// Fills one chunk of a permutation: `a` is the chunk of the source that starts at `chunk.source`.
    ///
    /// # Panics
    /// If a length differs from that of the chunk.
    pub fn permute(self, out: &mut [u64], a: &[u64], chunk: crate::automorphism::Chunk<'_>) {
        assert!(out.len() == a.len() && out.len() == 8 * chunk.blocks.len());
        dispatch!(self, permute(out, a, chunk));
    }

    /// Packs residues into `bits` bits each. The last [`PACKED_PADDING`] bytes of `out` are padding, whose contents are
    /// arbitrary afterwards.
    pub(crate) fn pack(self, bits: u32, residues: &[u64], out: &mut [u8]) {
        // With fewer than seven bits, residues two positions apart would share a byte.
        assert!((7..=57).contains(&bits), "{bits} bits a residue");
        assert_eq!(out.len(), residues.len() / 8 * bits as usize + PACKED_PADDING, "bytes of residues");
        assert!(residues.len().is_multiple_of(8), "{} residues", residues.len());
        dispatch!(self, pack(bits, residues, out));
    }

    /// Unpacks residues of `bits` bits each. The last [`PACKED_PADDING`] of the `bytes` are padding.
    pub(crate) fn unpack(self, bits: u32, bytes: &[u8], out: &mut [u64]) {
        // A residue is read with the word that holds it, of which up to seven bits belong to its neighbour.
        assert!(bits <= 57, "{bits} bits a residue");
        assert_eq!(bytes.len(), out.len() / 8 * bits as usize + PACKED_PADDING, "bytes of {} residues", out.len());
        assert!(out.len().is_multiple_of(8), "{} residues", out.len());
        dispatch!(self, unpack(bits, bytes, out));
    }

    /// Reduces signed words to residues.
    pub(crate) fn reduce_signed(self, modulus: &Modulus, out: &mut [u64], a: &[i64]) {
        assert_eq!(out.len(), a.len());
        dispatch!(self, reduce_signed(modulus, out, a));
    }

    /// Computes the uniform residues at the positions from `first` on (see [`Counter`]). `first` and the length are
    /// even.
    ///
    /// Some kernels meanwhile prefetch `ahead`, up to the number of bytes that `out` has.
    pub(crate) fn uniform(self, modulus: &Modulus, out: &mut [u64], counter: Counter<'_>, first: usize, ahead: &[u8]) {
        assert!(first.is_multiple_of(2) && out.len().is_multiple_of(2), "{} residues from {first} on", out.len());
        dispatch!(self, uniform(modulus, out, counter, first, ahead));
    }

    /// Computes `overflow[j] ← round(Σ yᵢ[j]/qᵢ)` in floating point: the multiple of the product of the source primes
    /// that a base conversion subtracts. `digits` holds the yᵢ and `reciprocals` the 1/qᵢ.
    pub(crate) fn quotient_sum(self, overflow: &mut [u64], digits: &[&[u64]], reciprocals: &[f64]) {
        assert_eq!(digits.len(), reciprocals.len(), "digits");
        digits.iter().for_each(|digit| check_lengths(overflow, digit));
        dispatch!(self, quotient_sum(overflow, digits, reciprocals));
    }

    /// Computes `out ← Σ yᵢ·factorsᵢ + overflow·correction` for one target prime of a base conversion. `digits` holds
    /// the yᵢ.
    pub(crate) fn convert(
        self,
        modulus: &Modulus,
        out: &mut [u64],
        digits: &[&[u64]],
        factors: &[u64],
        overflow: &[u64],
        correction: u64,
    ) {
        assert!(digits.len() < MAX_LAZY_PRODUCTS && digits.len() == factors.len());
        digits.iter().chain([&overflow]).for_each(|digit| check_lengths(out, digit));
        dispatch!(self, convert(modulus, out, digits, factors, overflow, correction));
    }
}

/// Checks that both operands have the same number of residues, and that these fill whole registers.
fn check_lengths(out: &[u64], operand: &[u64]) {
    assert!(out.len() == operand.len() && out.len().is_multiple_of(8), "{} and {} residues", out.len(), operand.len());
}

#[cfg(test)]
mod tests;
