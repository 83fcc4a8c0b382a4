//! Encoded diagonals of a matrix, packed to save memory.

use std::io::{self, Write};
use std::ops::Range;

use fhe_ring::meter::{Held, Holder};
use fhe_ring::packed::{PackedLimb, packed_bits, packed_len};
use fhe_ring::{Basis, CompactPoly, Kernels, Limb, Ring, Shelf};

use crate::store::{self, Stored};

/// log2 of the largest number of positions that an element of a packed diagonal stands for. Passes work on 256
/// positions or more at a time, and eight elements are packed together.
const MOST_STRETCH: u32 = 5;

/// An encoded diagonal.
pub(crate) struct EncodedDiagonal {
    stretch: u32,
    limbs: Vec<Residues>,
    _held: Held,
}

/// A limb: packed, or in words if the chunks of a pass would be too short to be unpacked.
enum Residues {
    Packed(PackedLimb),
    Words(Limb),
}

impl From<&CompactPoly> for EncodedDiagonal {
    fn from(poly: &CompactPoly) -> Self {
        let (ring, stretch) = (poly.ring(), poly.stretch());
        let limbs = poly.limbs().iter().zip(ring.moduli(poly.basis())).map(|(limb, modulus)| match stretch {
            0..=MOST_STRETCH => Residues::Packed(PackedLimb::new(ring.kernels(), limb, packed_bits(modulus))),
            _ => Residues::Words(limb.clone()),
        });
        Self::new(stretch, limbs.collect())
    }
}

impl EncodedDiagonal {
    fn new(stretch: u32, limbs: Vec<Residues>) -> Self {
        let own = |limb: &Residues| match limb {
            Residues::Packed(packed) => packed.own_bytes(),
            Residues::Words(words) => 8 * words.len(),
        };
        let held = Held::new(Holder::Matrices, limbs.iter().map(own).sum());
        Self { stretch, limbs, _held: held }
    }

    /// Moves packed limbs to a shelf. Each has a mapping of its own: in one of a diagonal, reading a limb also maps pages of
    /// its neighbours, which took 59 MB more in a lean image at N = 2^15.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn shelved(self, shelf: &Shelf) -> io::Result<Self> {
        let limbs = self.limbs.into_iter().map(|limb| match limb {
            Residues::Packed(packed) => packed.shelved(shelf).map(Residues::Packed),
            Residues::Words(words) => Ok(Residues::Words(words)),
        });
        Ok(Self::new(self.stretch, limbs.collect::<io::Result<_>>()?))
    }

    /// Says that limb `limb` is about to be read: in a transient file it is asked of the disk.
    pub(crate) fn will_need(&self, limb: usize) {
        if let Residues::Packed(packed) = &self.limbs[limb] {
            packed.will_need();
        }
    }

    /// Says that the elements of limb `limb` for these positions have been used: in a transient file they leave the
    /// memory until they are used again.
    pub(crate) fn let_go(&self, limb: usize, positions: Range<usize>) {
        if let Residues::Packed(packed) = &self.limbs[limb] {
            packed.let_go(positions.start >> self.stretch..positions.end >> self.stretch);
        }
    }

    /// log2 of the number of positions that an element stands for.
    pub(crate) fn stretch(&self) -> u32 {
        self.stretch
    }

    /// Returns the elements of limb `limb` for the positions from `first` on, as many as `scratch` has. They are
    /// unpacked to `scratch` if necessary.
    pub(crate) fn chunk<'a>(
        &'a self,
        kernels: Kernels,
        limb: usize,
        first: usize,
        scratch: &'a mut [u64],
    ) -> &'a [u64] {
        let (first, size) = (first >> self.stretch, scratch.len() >> self.stretch);
        match &self.limbs[limb] {
            Residues::Words(words) => &words[first..][..size],
            Residues::Packed(packed) => {
                packed.unpack(kernels, first, &mut scratch[..size]);
                &scratch[..size]
            }
        }
    }

    /// Writes the diagonal. Limbs of a transient file leave the memory again.
    ///
    /// # Errors
    /// Those of the stream.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        store::write(out, self.stretch.into())?;
        self.limbs.iter().try_for_each(|limb| match limb {
            Residues::Packed(packed) => {
                out.write_all(packed.bytes())?;
                packed.let_all_go();
                Ok(())
            }
            Residues::Words(words) => words.iter().try_for_each(|&word| store::write(out, word)),
        })
    }

    /// Reads a diagonal over these primes. Packed residues stay in the file.
    ///
    /// # Errors
    /// A file that has ended or holds something else.
    pub(crate) fn read(ring: &Ring, basis: Basis, stored: &mut Stored) -> io::Result<Self> {
        let stretch = stored.below(ring.n().ilog2() as usize)? as u32;
        let values = ring.n() >> stretch;
        let limbs = ring.moduli(basis).map(|modulus| match stretch {
            0..=MOST_STRETCH => {
                let bits = packed_bits(modulus);
                let at = stored.skip(packed_len(values, bits))?;
                PackedLimb::mapped_alone(stored.file(), at, values, bits).map(Residues::Packed)
            }
            _ => {
                let mut words = Limb::zeroed(values);
                words.iter_mut().take(values).try_for_each(|word| stored.number().map(|number| *word = number))?;
                Ok(Residues::Words(words))
            }
        });
        Ok(Self::new(stretch, limbs.collect::<io::Result<_>>()?))
    }

    /// Bytes held in memory, without padding.
    pub(crate) fn bytes(&self) -> usize {
        let bytes = |limb: &Residues| match limb {
            Residues::Packed(packed) => packed.bytes().len(),
            Residues::Words(words) => 8 * words.len(),
        };
        self.limbs.iter().map(bytes).sum()
    }

    /// Bytes of a diagonal with `values` residues over each of these primes, without padding.
    pub(crate) fn bytes_of(ring: &Ring, basis: Basis, values: usize) -> usize {
        if Self::is_packed(ring, values) {
            ring.moduli(basis).map(|modulus| packed_len(values, packed_bits(modulus))).sum()
        } else {
            8 * values * basis.len()
        }
    }

    /// Returns whether a diagonal with `values` residues over each prime is packed.
    pub(crate) fn is_packed(ring: &Ring, values: usize) -> bool {
        (ring.n() / values).ilog2() <= MOST_STRETCH
    }
}
