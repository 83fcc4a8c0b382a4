//! The kernels, once for each instruction set, and the one place where the instruction set is chosen.
//!
//! `scalar` is the specification: every other set of kernels equals it bit for bit, because each kernel returns canonical
//! residues in [0, q). A [`Kernels`] other than `Scalar` can only be had from [`Kernels::detect`] or
//! [`Kernels::forced`], which look at the processor; that is the proof of capability the `unsafe` calls rest on.
#![allow(unsafe_code)]

/// Compiles the kernels of `fma` for the vectors that they are written for. On ARM these are part of every processor.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! vectorised {
    ($($kernel:path as $name:ident($($arg:ident: $type:ty),*);)*) => {$(
        #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
        pub fn $name($($arg: $type),*) {
            $kernel($($arg),*);
        }
    )*};
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod fma;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod scalar;

use crate::modulus::{Modulus, Shoup};
use crate::uniform::Counter;

/// How many products one lazy accumulation holds: 15·2^48 + 15 < 2^52 bounds the high halves that IFMA adds up.
pub const MAX_LAZY_PRODUCTS: usize = 15;

/// Bytes behind packed residues that a kernel may read or write.
pub(crate) const PACKED_PADDING: usize = 64;

/// The instruction set that carries the kernels; chosen once, when a ring is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernels(Isa);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Isa {
    Scalar,
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    Fma,
    #[cfg(target_arch = "x86_64")]
    Avx512Ifma,
}

/// How the kernels read the roots of one prime; root i is ψ^brv(i), so that the first 2^k roots serve size 2^k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code)] // No machine has kernels for each.
pub(crate) enum RootForm {
    /// All N roots, each with ⌊root·2^64/q⌋.
    Pairs,
    /// The first N/16 roots, and no less than eight, and [`Twiddles::tails`], each with ⌊root·2^52/q⌋.
    Tails,
    /// All N roots, the representatives in (−q/2, q/2), as the bits of doubles: roots 2i and 2i + 1 are one element.
    Doubles,
}

/// Kernels asked for by name that this machine or build does not have.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("kernels '{wanted}' is not available on this machine; available: {available}")]
pub struct UnavailableKernels {
    wanted: String,
    available: String,
}

/// The twiddle factors of one prime, as the kernels read them.
#[derive(Clone, Copy)]
pub(crate) struct Twiddles<'a> {
    /// The leading roots, as [`RootForm`] says.
    pub heads: &'a [[u64; 2]],
    /// For kernels that finish a block of sixteen in registers: roots k, 2k, 4k and 8k at k < N/8.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))] // Only the AVX-512 kernels do.
    pub tails: &'a [[[u64; 2]; 4]],
}

macro_rules! dispatch {
    ($self:ident, $kernel:ident($($arg:expr),*)) => {
        match $self.0 {
            Isa::Scalar => scalar::$kernel($($arg),*),
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            // SAFETY: as below. On ARM nothing is unsafe here.
            #[allow(unused_unsafe)]
            Isa::Fma => unsafe { fma::$kernel($($arg),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernels` with this variant is built only after the processor reported these features.
            Isa::Avx512Ifma => unsafe { ifma::$kernel($($arg),*) },
        }
    };
}

impl Kernels {
    /// Portable Rust, on any machine.
    pub const SCALAR: Self = Self(Isa::Scalar);

    /// Every kernels that this machine can run, fastest first.
    pub fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512ifma")
                && is_x86_feature_detected!("avx512vbmi")
                && is_x86_feature_detected!("vaes")
                && is_x86_feature_detected!("aes")
            {
                kernels.push(Self(Isa::Avx512Ifma));
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                kernels.push(Self(Isa::Fma));
            }
        }
        #[cfg(target_arch = "aarch64")]
        kernels.push(Self(Isa::Fma));
        kernels.push(Self::SCALAR);
        kernels
    }

    /// The fastest kernels of this machine.
    pub fn detect() -> Self {
        Self::available()[0]
    }

    /// The kernels called `name`, if this machine can run it.
    pub fn forced(name: &str) -> Result<Self, UnavailableKernels> {
        let available = Self::available();
        available.iter().copied().find(|kernels| kernels.name() == name).ok_or_else(|| UnavailableKernels {
            wanted: name.to_owned(),
            available: available.iter().map(|kernels| kernels.name()).collect::<Vec<_>>().join(", "),
        })
    }

    /// The name that [`Kernels::forced`] takes and that run logs show.
    pub fn name(self) -> &'static str {
        match self.0 {
            Isa::Scalar => "scalar",
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            Isa::Fma => "fma",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Ifma => "avx512ifma",
        }
    }

    /// What the NTT of this kernels reads.
    pub(crate) fn root_form(self) -> RootForm {
        match self.0 {
            Isa::Scalar => RootForm::Pairs,
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            Isa::Fma => RootForm::Doubles,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Ifma => RootForm::Tails,
        }
    }

    /// Negacyclic NTT in place, coefficients in natural order to evaluations in bit-reversed order.
    pub(crate) fn ntt_forward(self, modulus: &Modulus, twiddles: Twiddles<'_>, data: &mut [u64]) {
        dispatch!(self, ntt_forward(modulus, twiddles, data));
    }

    /// The inverse of [`Kernels::ntt_forward`]; `scale` is 1/N and `last` is ψ^(−N/2)/N.
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

    /// `a ← a + b`.
    pub fn add(self, modulus: &Modulus, a: &mut [u64], b: &[u64]) {
        check_lengths(a, b);
        dispatch!(self, add(modulus, a, b));
    }

    /// `a ← a − b`.
    pub(crate) fn sub(self, modulus: &Modulus, a: &mut [u64], b: &[u64]) {
        check_lengths(a, b);
        dispatch!(self, sub(modulus, a, b));
    }

    /// `out ← a·w`.
    pub fn scale(self, modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
        check_lengths(out, a);
        dispatch!(self, scale(modulus, out, a, w));
    }

    /// `out ← out + a·w`.
    pub fn add_scaled(self, modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
        check_lengths(out, a);
        dispatch!(self, add_scaled(modulus, out, a, w));
    }

    /// `out ← (out − a)·w`.
    pub(crate) fn sub_scale(self, modulus: &Modulus, out: &mut [u64], a: &[u64], w: Shoup) {
        check_lengths(out, a);
        dispatch!(self, sub_scale(modulus, out, a, w));
    }

    /// `out ← [out +] Σ aᵢ ⊙ bᵢ`, at most [`MAX_LAZY_PRODUCTS`] terms. An element of `bᵢ` stands for `1 << stretch`
    /// consecutive residues.
    pub fn dot(self, modulus: &Modulus, out: &mut [u64], accumulate: bool, terms: &[(&[u64], &[u64])], stretch: u32) {
        assert!(terms.len() <= MAX_LAZY_PRODUCTS, "{} products in one lazy sum", terms.len());
        for (a, b) in terms {
            assert!(a.len() == out.len() && b.len() << stretch == out.len(), "term of another length");
        }
        dispatch!(self, dot(modulus, out, accumulate, terms, stretch));
    }

    /// `out ← Σ aᵢ ⊙ bᵢ` for any number of terms, 0 for none; see [`Kernels::dot`].
    pub fn dot_all(self, modulus: &Modulus, out: &mut [u64], terms: &[(&[u64], &[u64])], stretch: u32) {
        if terms.is_empty() {
            out.fill(0);
        }
        for (k, chunk) in terms.chunks(MAX_LAZY_PRODUCTS).enumerate() {
            self.dot(modulus, out, k > 0, chunk, stretch);
        }
    }

    /// `out ← a ∘ σ` on one chunk: `a` is the chunk of the source that starts at `chunk.source`.
    pub fn permute(self, out: &mut [u64], a: &[u64], chunk: crate::automorphism::Chunk<'_>) {
        assert!(out.len() == a.len() && out.len() == 8 * chunk.blocks.len());
        dispatch!(self, permute(out, a, chunk));
    }

    /// The inverse of [`Kernels::unpack`]: what is in the padding afterwards is nobody's.
    pub(crate) fn pack(self, bits: u32, residues: &[u64], out: &mut [u8]) {
        // Of fewer than seven bits, residues two apart would share a byte.
        assert!((7..=57).contains(&bits), "{bits} bits a residue");
        assert_eq!(out.len(), residues.len() / 8 * bits as usize + PACKED_PADDING, "bytes of residues");
        assert!(residues.len().is_multiple_of(8), "{} residues", residues.len());
        dispatch!(self, pack(bits, residues, out));
    }

    /// Residues of `bits` bits each out of [`packed`](crate::packed) bytes, which [`PACKED_PADDING`] others follow.
    pub(crate) fn unpack(self, bits: u32, bytes: &[u8], out: &mut [u64]) {
        // Up to seven bits of the word that a residue is read from are its neighbour's.
        assert!(bits <= 57, "{bits} bits a residue");
        assert_eq!(bytes.len(), out.len() / 8 * bits as usize + PACKED_PADDING, "bytes of {} residues", out.len());
        assert!(out.len().is_multiple_of(8), "{} residues", out.len());
        dispatch!(self, unpack(bits, bytes, out));
    }

    /// Signed words to residues.
    pub(crate) fn reduce_signed(self, modulus: &Modulus, out: &mut [u64], a: &[i64]) {
        assert_eq!(out.len(), a.len());
        dispatch!(self, reduce_signed(modulus, out, a));
    }

    /// The uniform residues at the positions from `first` on; see [`Counter`]. Both `first` and the length are even.
    ///
    /// As many bytes of `ahead` are brought near on the way.
    pub(crate) fn uniform(self, modulus: &Modulus, out: &mut [u64], counter: Counter<'_>, first: usize, ahead: &[u8]) {
        assert!(first.is_multiple_of(2) && out.len().is_multiple_of(2), "{} residues from {first} on", out.len());
        dispatch!(self, uniform(modulus, out, counter, first, ahead));
    }

    /// `overflow[j] ← round(Σ yᵢ[j]/qᵢ)` in floating point, the number of times the product of the source primes goes
    /// into the sum that a base conversion forms.
    pub(crate) fn quotient_sum(self, overflow: &mut [u64], digits: &[&[u64]], reciprocals: &[f64]) {
        assert_eq!(digits.len(), reciprocals.len(), "digits");
        digits.iter().for_each(|digit| check_lengths(overflow, digit));
        dispatch!(self, quotient_sum(overflow, digits, reciprocals));
    }

    /// `out ← Σ yᵢ·factorsᵢ + overflow·correction`: one target prime of a base conversion.
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

/// Kernels take whole registers, and as many residues of each operand.
fn check_lengths(out: &[u64], operand: &[u64]) {
    assert!(out.len() == operand.len() && out.len().is_multiple_of(8), "{} and {} residues", out.len(), operand.len());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primes;

    /// Residues modulo q: 0, q − 1 and powers of 3 in turn.
    fn residues(m: &Modulus, len: usize, seed: u64) -> Vec<u64> {
        let mut power = seed + 1;
        (0..len)
            .map(|i| {
                power = m.mul(m.reduce(power), 3);
                [0, m.value() - 1, power, power][(i + seed as usize) % 4]
            })
            .collect()
    }

    #[test]
    fn every_kernel_set_equals_the_scalar_one() {
        let len = 128;
        for bits in [14, 42, 47, 48, 49, 50] {
            let m = Modulus::new(primes::search(5, &[bits]).unwrap()[0]);
            let columns: Vec<Vec<u64>> = (0..16).map(|seed| residues(&m, len, seed)).collect();
            let largest = vec![m.value() - 1; len];
            let words: Vec<i64> = [0, 1, -1, i64::MIN, i64::MAX, m.value() as i64, -(m.value() as i64), 1 << 52]
                .into_iter()
                .cycle()
                .zip(&columns[2])
                .map(|(edge, &x)| if x % 2 == 0 { edge } else { (x as i64).wrapping_mul(edge) })
                .take(len)
                .collect();
            let w = m.shoup(m.value() - 1);
            let run = |kernels: Kernels| {
                let mut results: Vec<Vec<u64>> = Vec::new();
                let mut keep = |f: &dyn Fn(&mut [u64])| {
                    let mut out = columns[1].clone();
                    f(&mut out);
                    results.push(out);
                };
                keep(&|out| kernels.add(&m, out, &columns[0]));
                keep(&|out| kernels.sub(&m, out, &columns[0]));
                keep(&|out| kernels.scale(&m, out, &columns[0], w));
                keep(&|out| kernels.add_scaled(&m, out, &columns[0], w));
                keep(&|out| kernels.sub_scale(&m, out, &columns[0], w));
                keep(&|out| kernels.reduce_signed(&m, out, &words));
                let packed: Vec<u8> =
                    (0..len / 8 * bits as usize + PACKED_PADDING).map(|i| (i * i + 7 * i) as u8).collect();
                keep(&|out| {
                    kernels.unpack(bits, &packed, out);
                    out.iter_mut().for_each(|x| *x = m.reduce(*x));
                });
                for count in [0, 1, 2, 14, MAX_LAZY_PRODUCTS] {
                    for stretch in 0..=4 {
                        for accumulate in [false, count < MAX_LAZY_PRODUCTS] {
                            let short = len >> stretch;
                            let terms: Vec<(&[u64], &[u64])> =
                                (0..count).map(|i| (&*columns[i], &columns[15 - i][..short])).collect();
                            keep(&|out| kernels.dot(&m, out, accumulate, &terms, stretch));
                            let terms: Vec<(&[u64], &[u64])> = vec![(&largest, &largest[..short]); count];
                            keep(&|out| kernels.dot(&m, out, accumulate, &terms, stretch));
                        }
                    }
                }
                for count in [1, 2, MAX_LAZY_PRODUCTS - 1] {
                    let digits: Vec<&[u64]> = columns[..count].iter().map(|c| &**c).collect();
                    let reciprocals = vec![1.0 / m.value() as f64; count];
                    keep(&|out| kernels.quotient_sum(out, &digits, &reciprocals));
                    let overflow: Vec<u64> = (0..len).map(|j| (j % (count + 1)) as u64).collect();
                    let factors = &columns[3][..count];
                    keep(&|out| kernels.convert(&m, out, &digits, factors, &overflow, m.value() - 1));
                    let digits = vec![&*largest; count];
                    keep(&|out| kernels.convert(&m, out, &digits, &largest[..count], &overflow, m.value() - 1));
                }
                results
            };
            let expected = run(Kernels::SCALAR);
            assert!(expected.iter().skip(1).flatten().all(|&x| x < m.value()));
            for kernels in Kernels::available() {
                assert!(run(kernels) == expected, "{} modulo a prime of {bits} bits", kernels.name());
            }
        }
    }
}
