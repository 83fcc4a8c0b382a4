//! Polynomials whose residues use as many bits as their prime has, for large data such as keys that is read in order.
//!
//! A residue of 38 bits leaves two fifths of a 64-bit word empty. Reading the empty bits from memory takes longer than
//! unpacking residues that were packed without them. Packed residues follow one another, lowest bits first, so eight
//! residues of b bits occupy b bytes.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::arch::{Kernels, PACKED_PADDING};
use crate::basis::Basis;
use crate::buffer::Limb;
use crate::mapped::{MappedFile, Part, Shelf};
use crate::meter::{Primitive, scope};
use crate::modulus::Modulus;
use crate::poly::{Ntt, Poly};
use crate::ring::Ring;

/// A polynomial with packed limbs.
#[derive(Clone)]
pub struct PackedPoly {
    ring: Arc<Ring>,
    basis: Basis,
    limbs: Vec<PackedLimb>,
}

/// The packed residues of a polynomial modulo one prime.
#[derive(Clone)]
pub struct PackedLimb {
    bits: u32,
    /// The residues, followed by [`PACKED_PADDING`] bytes that a kernel may read.
    store: Store,
}

/// The place of packed residues.
#[derive(Clone)]
enum Store {
    Own(Box<[u8]>),
    /// A part of a file.
    Mapped {
        file: MappedFile,
        start: usize,
        len: usize,
    },
}

impl Store {
    /// Returns the residues with their padding.
    fn padded(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Mapped { file, start, len } => &file.bytes()[*start..][..*len],
        }
    }
}

/// Returns the number of bits of a packed residue.
pub fn packed_bits(modulus: &Modulus) -> u32 {
    u64::BITS - modulus.value().leading_zeros()
}

/// Returns the number of bytes of `count` packed residues of `bits` bits. `count` is a multiple of eight.
pub fn packed_len(count: usize, bits: u32) -> usize {
    count / 8 * bits as usize
}

impl PackedLimb {
    /// Packs residues of at most `bits` bits.
    ///
    /// # Panics
    /// If the number of residues is not a multiple of eight, or `bits` is not from 7 to 57.
    pub fn new(kernels: Kernels, residues: &[u64], bits: u32) -> Self {
        let _scope = scope(Primitive::Pack);
        let mut bytes = vec![0; packed_len(residues.len(), bits) + PACKED_PADDING].into_boxed_slice();
        kernels.pack(bits, residues, &mut bytes);
        Self { bits, store: Store::Own(bytes) }
    }

    /// Returns the limb of `count` packed residues of `bits` bits each, which `read` writes. `count` is a multiple of
    /// eight.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn read<E>(count: usize, bits: u32, read: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let len = packed_len(count, bits);
        let mut bytes = vec![0; len + PACKED_PADDING].into_boxed_slice();
        read(&mut bytes[..len])?;
        Ok(Self { bits, store: Store::Own(bytes) })
    }

    /// Returns the limb of `count` packed residues of `bits` bits each that begins at byte `start` of a file. `count` is
    /// a multiple of eight. The limb stays in the file, unless so few bytes follow it there that a kernel would read
    /// beyond the end.
    ///
    /// # Panics
    /// If the file ends before the limb does.
    pub fn mapped(file: &MappedFile, start: usize, count: usize, bits: u32) -> Self {
        let (all, len) = (file.bytes(), packed_len(count, bits));
        if all.len() - start < len + PACKED_PADDING {
            let mut bytes = vec![0; len + PACKED_PADDING].into_boxed_slice();
            bytes[..len].copy_from_slice(&all[start..][..len]);
            return Self { bits, store: Store::Own(bytes) };
        }
        Self { bits, store: Store::Mapped { file: file.clone(), start, len: len + PACKED_PADDING } }
    }

    /// Returns [`PackedLimb::mapped`] of a file. In a transient one the limb has a mapping of its own.
    ///
    /// # Errors
    /// Those of the file system.
    ///
    /// # Panics
    /// If the file ends before the limb does.
    pub fn mapped_alone(file: &MappedFile, start: usize, count: usize, bits: u32) -> io::Result<Self> {
        let Part { file, start } = file.part(start, packed_len(count, bits) + PACKED_PADDING)?;
        Ok(Self::mapped(&file, start, count, bits))
    }

    /// Moves the limb to a shelf, in a mapping of its own.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn shelved(self, shelf: &Shelf) -> io::Result<Self> {
        let len = self.store.padded().len();
        let file = shelf.put(std::iter::once(self.store.padded()))?;
        Ok(Self { store: Store::Mapped { file, start: 0, len }, ..self })
    }

    /// Says that the residues are about to be read: those in a transient file are asked of the disk together.
    pub fn will_need(&self) {
        if let Store::Mapped { file, start, len } = &self.store {
            file.will_need(*start, *len);
        }
    }

    /// Says that the residues at `positions` have been used: those in a transient file leave the memory of the process,
    /// in whole pages. The bounds are multiples of eight.
    pub fn let_go(&self, positions: Range<usize>) {
        if let Store::Mapped { file, start, .. } = &self.store {
            let bytes = [positions.start, positions.end].map(|position| packed_len(position, self.bits));
            file.let_go(start + bytes[0], bytes[1] - bytes[0]);
        }
    }

    /// Says that all residues have been used.
    pub fn let_all_go(&self) {
        if let Store::Mapped { file, start, len } = &self.store {
            file.let_go(*start, *len);
        }
    }

    /// Whether the residues are in a file.
    pub fn is_mapped(&self) -> bool {
        matches!(self.store, Store::Mapped { .. })
    }

    /// Returns the packed residues, without their padding.
    pub fn bytes(&self) -> &[u8] {
        let padded = self.store.padded();
        &padded[..padded.len() - PACKED_PADDING]
    }

    /// Returns the number of bytes in memory of its own: none if the residues stay in a file.
    pub fn own_bytes(&self) -> usize {
        match &self.store {
            Store::Own(bytes) => bytes.len(),
            Store::Mapped { .. } => 0,
        }
    }

    /// Returns the packed residues at the `count` positions from `first` on. Both are multiples of eight.
    ///
    /// # Panics
    /// If the positions exceed the limb.
    pub fn chunk(&self, first: usize, count: usize) -> &[u8] {
        &self.store.padded()[packed_len(first, self.bits)..][..packed_len(count, self.bits)]
    }

    /// Unpacks the residues at the positions from `first` on into `out`. `first` is a multiple of eight.
    ///
    /// # Panics
    /// If the length of `out` is not a multiple of eight, or the positions exceed the limb.
    pub fn unpack(&self, kernels: Kernels, first: usize, out: &mut [u64]) {
        let start = packed_len(first, self.bits);
        let bytes = &self.store.padded()[start..][..packed_len(out.len(), self.bits) + PACKED_PADDING];
        kernels.unpack(self.bits, bytes, out);
    }
}

impl PartialEq for PackedLimb {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits && self.bytes() == other.bytes()
    }
}

impl From<&Poly<Ntt>> for PackedPoly {
    fn from(poly: &Poly<Ntt>) -> Self {
        let (ring, basis) = (poly.ring().clone(), poly.basis());
        let bits: Vec<u32> = ring.moduli(basis).map(packed_bits).collect();
        let limbs = poly.limbs().par_iter().zip(bits).map(|(limb, bits)| PackedLimb::new(ring.kernels(), limb, bits));
        let limbs = limbs.collect();
        Self { ring, basis, limbs }
    }
}

impl PackedPoly {
    /// Builds a polynomial from one limb of N packed residues for each prime of `basis`, main primes first. The caller
    /// ensures that the residues are canonical.
    ///
    /// # Panics
    /// If the number of limbs is wrong, or the size of one.
    pub fn from_limbs(ring: &Arc<Ring>, basis: Basis, limbs: Vec<PackedLimb>) -> Self {
        assert_eq!(limbs.len(), basis.len(), "limbs for {basis:?}");
        let fits = |(limb, q): (&PackedLimb, &Modulus)| limb.bytes().len() == packed_len(ring.n(), packed_bits(q));
        assert!(limbs.iter().zip(ring.moduli(basis)).all(fits), "every limb holds {} packed residues", ring.n());
        Self { ring: ring.clone(), basis, limbs }
    }

    /// Returns the ring.
    pub fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// Returns the primes that the polynomial is held modulo.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// Returns the limbs, main primes first.
    pub fn limbs(&self) -> &[PackedLimb] {
        &self.limbs
    }

    /// Returns the limb of this polynomial modulo prime `i` of `basis`.
    ///
    /// # Panics
    /// If `basis` holds primes that this polynomial is not held modulo.
    pub fn limb_of(&self, basis: Basis, i: usize) -> &PackedLimb {
        &self.limbs[self.basis.place_of(basis, i)]
    }

    /// Moves the polynomial to a shelf, where its limbs lie one after another.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn shelved(self, shelf: &Shelf) -> io::Result<Self> {
        let file = shelf.put(self.limbs.iter().map(|limb| limb.store.padded()))?;
        let mut start = 0;
        let limbs = self.limbs.iter().map(|limb| {
            let len = limb.store.padded().len();
            let store = Store::Mapped { file: file.clone(), start, len };
            start += len;
            PackedLimb { bits: limb.bits, store }
        });
        Ok(Self { limbs: limbs.collect(), ..self })
    }

    /// Returns the number of bytes of all limbs.
    pub fn bytes(&self) -> usize {
        self.limbs.iter().map(|limb| limb.store.padded().len()).sum()
    }

    /// Returns the number of bytes in memory of its own: those of limbs that are not in a file.
    pub fn own_bytes(&self) -> usize {
        self.limbs.iter().map(PackedLimb::own_bytes).sum()
    }

    /// Returns the number of bytes of all limbs of a packed polynomial over `basis`.
    pub fn bytes_of(ring: &Ring, basis: Basis) -> usize {
        ring.moduli(basis).map(|modulus| packed_len(ring.n(), packed_bits(modulus)) + PACKED_PADDING).sum()
    }

    /// Returns the polynomial with a word for each residue.
    pub fn unpack(&self) -> Poly<Ntt> {
        let unpack = |limb: &PackedLimb| {
            let mut out = Limb::recycled(self.ring.n());
            limb.unpack(self.ring.kernels(), 0, &mut out);
            out
        };
        Poly::from_limbs(&self.ring, self.basis, self.limbs.par_iter().map(unpack).collect())
    }
}

impl PartialEq for PackedPoly {
    fn eq(&self, other: &Self) -> bool {
        self.basis == other.basis && self.limbs == other.limbs
    }
}

impl std::fmt::Debug for PackedPoly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PackedPoly({:?})", self.basis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Uniform, primes};

    #[test]
    fn bit_k_of_residue_i_is_bit_i_bits_plus_k_of_the_bytes() {
        for bits in 7..=50 {
            let residues: Vec<u64> =
                (0..64u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) & ((1 << bits) - 1)).collect();
            let mut packed = PackedLimb::new(Kernels::SCALAR, &residues, bits);
            assert_eq!(packed.bytes().len(), 8 * bits as usize);
            for (i, x) in residues.iter().enumerate() {
                for k in 0..bits as usize {
                    let at = i * bits as usize + k;
                    assert_eq!(u64::from(packed.bytes()[at / 8] >> (at % 8) & 1), x >> k & 1);
                }
            }
            for kernels in Kernels::available() {
                let same = PackedLimb::new(kernels, &residues, bits).bytes() == packed.bytes();
                assert!(same, "{} with {bits} bits", kernels.name());
            }
            // The bytes after the residues may hold anything.
            let Store::Own(bytes) = &mut packed.store else { panic!("a limb of its own") };
            bytes[8 * bits as usize..].fill(0xff);
            for kernels in Kernels::available() {
                let mut back = vec![0; 64];
                packed.unpack(kernels, 0, &mut back);
                assert_eq!(back, residues, "{}", kernels.name());
            }
        }
    }

    #[test]
    fn any_chunk_comes_back_on_every_kernel_set() {
        let shelf = Shelf::create(&std::env::temp_dir()).unwrap();
        for kernels in Kernels::available() {
            let primes = primes::search(6, &[14, 31, 38, 39, 42, 49, 50]).unwrap();
            let ring = Ring::new(64, &primes[..5], &primes[5..], kernels);
            let poly = Uniform::new(&[3; 32], 0).poly(&ring, ring.basis());
            let packed = PackedPoly::from(&poly);
            let shelved = packed.clone().shelved(&shelf).unwrap();
            assert!(shelved == packed && shelved.limbs().iter().all(PackedLimb::is_mapped), "{}", kernels.name());
            shelved.limbs().iter().for_each(|limb| limb.let_go(0..64));
            assert!(shelved.unpack() == poly && shelved.bytes() == packed.bytes(), "{}", kernels.name());
            assert!(packed.unpack() == poly, "{}", kernels.name());
            assert_eq!(packed.bytes(), PackedPoly::bytes_of(&ring, ring.basis()));
            for (limb, residues) in packed.limbs().iter().zip(poly.limbs()) {
                for (first, count) in [(0, 8), (8, 16), (56, 8), (0, 64)] {
                    let mut out = vec![u64::MAX; count];
                    limb.unpack(kernels, first, &mut out);
                    assert_eq!(out, residues[first..][..count], "{} from {first}", kernels.name());
                    assert_eq!(
                        limb.chunk(first, count),
                        &limb.bytes()[packed_len(first, limb.bits)..][..packed_len(count, limb.bits)]
                    );
                }
            }
            let few = Basis { main: 2, special: 1 };
            assert!(packed.limb_of(few, 2) == &packed.limbs()[5] && packed.limb_of(few, 1) == &packed.limbs()[1]);
        }
    }
}
