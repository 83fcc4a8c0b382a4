//! The frame around a payload, and the polynomials in a payload.

use std::io::Write;

use fhe_ring::packed::{PackedLimb, packed_bits, packed_len};
use fhe_ring::{Basis, Limb, Ntt, PackedPoly, Poly, Ring};
use sha2::{Digest, Sha256};

use super::error::SerialError;
use super::kind::{Kind, MAGIC, VERSION};
use super::source::{Source, read_fully, read_up_to};
use crate::params::Parameters;
use crate::params::digest::half;

const HEADER: u64 = 36;
const CHECKSUM: u64 = 16;

/// Bytes of a frame without its payload.
pub(crate) const OVERHEAD: u64 = HEADER + CHECKSUM;

/// An object with its kind and the encoding of its payload.
pub trait Payload: Sized {
    /// The kind that the header states.
    const KIND: Kind;

    /// Checks that the object belongs to these parameters and could be read again.
    ///
    /// # Errors
    /// The [`SerialError`] that reading it would give, or [`SerialError::Ring`].
    fn check(&self, params: &Parameters) -> Result<(), SerialError>;

    /// Number of bytes that [`Payload::write`] writes.
    fn payload_len(&self) -> u64;

    /// Writes the payload.
    ///
    /// # Errors
    /// [`SerialError::Io`] if the stream fails.
    fn write(&self, out: &mut Writer<impl Write>) -> Result<(), SerialError>;

    /// Reads the payload and checks every value in it.
    ///
    /// # Errors
    /// [`SerialError`] for the first value that is wrong.
    fn read(params: &Parameters, input: &mut Reader<impl Source>) -> Result<Self, SerialError>;
}

/// Reads a frame and returns the stream behind it.
pub(crate) fn read_from<T: Payload, S: Source>(params: &Parameters, input: S) -> Result<(T, S), SerialError> {
    let mut reader = Reader::begin(input, params, T::KIND)?;
    let object = T::read(params, &mut reader)?;
    Ok((object, reader.finish()?))
}

/// Reads a frame. The stream must end after it.
pub(crate) fn read_whole<T: Payload>(params: &Parameters, input: impl Source) -> Result<T, SerialError> {
    let (object, mut rest) = read_from(params, input)?;
    match read_up_to(&mut rest, &mut [0; 64])? {
        0 => Ok(object),
        found => Err(SerialError::Trailing { found: found as u64 }),
    }
}

/// Bytes of a polynomial. N is a multiple of 32, so every limb starts at a byte.
pub(crate) fn poly_len(ring: &Ring, basis: Basis) -> u64 {
    ring.moduli(basis).map(|q| packed_len(ring.n(), packed_bits(q)) as u64).sum()
}

/// Checks that a polynomial belongs to the ring of the parameters.
pub(crate) fn check_ring(params: &Parameters, found: &Ring, basis: Basis) -> Result<(), SerialError> {
    let wanted = params.ring();
    let equal =
        found.n() == wanted.n() && wanted.basis().contains(basis) && found.moduli(basis).eq(wanted.moduli(basis));
    if equal {
        return Ok(());
    }
    Err(SerialError::Ring { found: format!("{found:?}"), wanted: format!("{wanted:?}") })
}

/// Writes a frame.
pub struct Writer<W> {
    out: W,
    hash: Sha256,
    left: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    pub(crate) fn begin(out: W, params: &Parameters, kind: Kind, payload: u64) -> Result<Self, SerialError> {
        let mut writer = Self { out, hash: Sha256::new(), left: HEADER + payload };
        let mut header = [0; HEADER as usize];
        header[..8].copy_from_slice(&MAGIC);
        header[8..10].copy_from_slice(&VERSION.to_le_bytes());
        header[10..12].copy_from_slice(&(kind as u16).to_le_bytes());
        header[12..28].copy_from_slice(&params.digest());
        header[28..].copy_from_slice(&payload.to_le_bytes());
        writer.bytes(&header)?;
        Ok(writer)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), SerialError> {
        let len = bytes.len() as u64;
        assert!(len <= self.left, "the payload was said to end {} bytes earlier", len - self.left);
        self.left -= len;
        self.hash.update(bytes);
        Ok(self.out.write_all(bytes)?)
    }

    pub(crate) fn u32(&mut self, value: usize) -> Result<(), SerialError> {
        let value = u32::try_from(value).expect("no count of a checked object reaches 2^32");
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> Result<(), SerialError> {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn poly(&mut self, poly: &Poly<Ntt>) -> Result<(), SerialError> {
        let mut limbs = poly.limbs().iter().zip(poly.ring().moduli(poly.basis()));
        let kernels = poly.ring().kernels();
        limbs.try_for_each(|(limb, q)| self.bytes(PackedLimb::new(kernels, limb, packed_bits(q)).bytes()))
    }

    /// Writes the checksum.
    pub(crate) fn finish(mut self) -> Result<(), SerialError> {
        assert_eq!(self.left, 0, "the payload was said to have that many more bytes");
        self.out.write_all(&half(self.hash))?;
        Ok(self.out.flush()?)
    }
}

/// Reads a frame.
pub struct Reader<S> {
    input: S,
    hash: Sha256,
    /// Bytes of the payload still to come, by the length in the header.
    left: u64,
}

impl<S: Source> Reader<S> {
    /// Reads and checks the header.
    pub(crate) fn begin(input: S, params: &Parameters, wanted: Kind) -> Result<Self, SerialError> {
        let mut reader = Self { input, hash: Sha256::new(), left: HEADER };
        let magic = reader.array("magic number")?;
        if magic != MAGIC {
            return Err(SerialError::Magic { found: magic });
        }
        let version = u16::from_le_bytes(reader.array("format version")?);
        if version != VERSION {
            return Err(SerialError::Version { found: version });
        }
        let kind = u16::from_le_bytes(reader.array("kind")?);
        if kind != wanted as u16 {
            return Err(SerialError::Kind { found: kind, wanted });
        }
        let digest = reader.array("parameter digest")?;
        if digest != params.digest() {
            return Err(SerialError::Parameters { found: digest, wanted: params.digest() });
        }
        reader.left = reader.u64("payload length")?;
        Ok(reader)
    }

    /// Demands that the rest of the payload has exactly this length.
    pub(crate) fn ends_after(&self, what: &'static str, wanted: u64) -> Result<(), SerialError> {
        if self.left == wanted { Ok(()) } else { Err(SerialError::Length { what, found: self.left, wanted }) }
    }

    /// Demands that at least this many bytes of the payload are left.
    pub(crate) fn has(&self, what: &'static str, wanted: u64) -> Result<(), SerialError> {
        if self.left >= wanted { Ok(()) } else { Err(SerialError::Length { what, found: self.left, wanted }) }
    }

    /// Fills `bytes`.
    pub(crate) fn bytes(&mut self, what: &'static str, bytes: &mut [u8]) -> Result<(), SerialError> {
        let wanted = bytes.len() as u64;
        self.has(what, wanted)?;
        self.left -= wanted;
        read_fully(&mut self.input, what, bytes)?;
        self.hash.update(bytes);
        Ok(())
    }

    pub(crate) fn array<const L: usize>(&mut self, what: &'static str) -> Result<[u8; L], SerialError> {
        let mut bytes = [0; L];
        self.bytes(what, &mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn u64(&mut self, what: &'static str) -> Result<u64, SerialError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// Reads a number of four bytes and checks its range.
    pub(crate) fn u32_in(&mut self, what: &'static str, least: usize, most: usize) -> Result<usize, SerialError> {
        let found = u32::from_le_bytes(self.array(what)?) as usize;
        check_range(what, found, [least, most]).map(|()| found)
    }

    /// Reads a polynomial over primes of the ring.
    pub(crate) fn poly(
        &mut self,
        what: &'static str,
        params: &Parameters,
        basis: Basis,
    ) -> Result<Poly<Ntt>, SerialError> {
        let limbs = (0..basis.len()).map(|i| Ok(self.limb(what, params, basis, i)?.1));
        let limbs = limbs.collect::<Result<_, SerialError>>()?;
        Ok(Poly::from_limbs(params.ring(), basis, limbs))
    }

    /// Reads a polynomial over primes of the ring and leaves it packed.
    pub(crate) fn packed_poly(
        &mut self,
        what: &'static str,
        params: &Parameters,
        basis: Basis,
    ) -> Result<PackedPoly, SerialError> {
        let limbs = (0..basis.len()).map(|i| Ok(self.limb(what, params, basis, i)?.0));
        let limbs = limbs.collect::<Result<_, SerialError>>()?;
        Ok(PackedPoly::from_limbs(params.ring(), basis, limbs))
    }

    /// Reads the residues modulo prime `i` of `basis`, packed and unpacked.
    fn limb(
        &mut self,
        what: &'static str,
        params: &Parameters,
        basis: Basis,
        i: usize,
    ) -> Result<(PackedLimb, Limb), SerialError> {
        let ring = params.ring();
        let q = ring.table(basis, i).modulus();
        let (n, bits) = (ring.n(), packed_bits(q));
        let wanted = packed_len(n, bits) as u64;
        self.has(what, wanted)?;
        self.left -= wanted;
        let packed = self.input.packed(what, n, bits)?;
        packed.will_need();
        self.hash.update(packed.bytes());
        let mut limb = Limb::recycled(n);
        packed.unpack(ring.kernels(), 0, &mut limb);
        packed.let_go(0..n);
        match limb.iter().position(|&x| x >= q.value()) {
            Some(index) => Err(SerialError::Residue { limb: i, index, found: limb[index], modulus: q.value() }),
            None => Ok((packed, limb)),
        }
    }

    /// Checks that the payload has ended, and the checksum. Returns the stream.
    pub(crate) fn finish(mut self) -> Result<S, SerialError> {
        self.ends_after("the end of the payload", 0)?;
        let mut found = [0; CHECKSUM as usize];
        read_fully(&mut self.input, "checksum", &mut found)?;
        let wanted = half(self.hash);
        if found == wanted { Ok(self.input) } else { Err(SerialError::Checksum { found, wanted }) }
    }
}

/// Checks that a count is within a range, both ends included.
pub(crate) fn check_range(what: &'static str, found: usize, [least, most]: [usize; 2]) -> Result<(), SerialError> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    let [found, least, most] = [found, least, most].map(|count| count as u64);
    Err(SerialError::Range { what, found, least, most })
}
