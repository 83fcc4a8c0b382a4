//! The payloads of what a server holds.

use std::io::{Read, Write};

use fhe_ring::arch::MAX_LAZY_PRODUCTS;
use fhe_ring::{Basis, PackedPoly, Uniform};

use super::frame::{Payload, Reader, Writer, check_ring, poly_len};
use super::{Kind, SerialError};
use crate::ciphertext::Ciphertext;
use crate::keys::{EvaluationKeys, KeyKind, PublicKey, SwitchingKey};
use crate::params::{KeyShape, Parameters};

fn check_scale(scale: f64) -> Result<(), SerialError> {
    // A subnormal scale would decode to infinity.
    if scale.is_normal() && scale > 0.0 { Ok(()) } else { Err(SerialError::Scale { found: scale }) }
}

fn check_slots(params: &Parameters, slots: usize) -> Result<(), SerialError> {
    match slots.is_power_of_two() && slots <= params.max_slots() {
        true => Ok(()),
        false => Err(SerialError::Slots { found: slots as u64, max: params.max_slots() as u64 }),
    }
}

impl Payload for Ciphertext {
    const KIND: Kind = Kind::Ciphertext;

    fn check(&self, params: &Parameters) -> Result<(), SerialError> {
        check_scale(self.scale)?;
        check_slots(params, self.slots)?;
        self.parts.iter().try_for_each(|part| check_ring(params, part.ring(), part.basis()))
    }

    fn payload_len(&self) -> u64 {
        16 + self.parts.iter().map(|part| poly_len(part.ring(), part.basis())).sum::<u64>()
    }

    fn write(&self, out: &mut Writer<impl Write>) -> Result<(), SerialError> {
        out.u32(self.basis().main)?;
        out.u32(self.slots)?;
        out.u64(self.scale.to_bits())?;
        self.parts.iter().try_for_each(|part| out.poly(part))
    }

    fn read(params: &Parameters, input: &mut Reader<impl Read>) -> Result<Self, SerialError> {
        let basis = Basis::main(input.u32_in("main primes", 1, params.ring().basis().main)?);
        let slots = u32::from_le_bytes(input.array("slots")?) as usize;
        check_slots(params, slots)?;
        let scale = f64::from_bits(input.u64("scale")?);
        check_scale(scale)?;
        input.ends_after("a ciphertext of this level", 2 * poly_len(params.ring(), basis))?;
        let parts = [input.poly("c0", params, basis)?, input.poly("c1", params, basis)?];
        Ok(Self { parts, scale, slots })
    }
}

impl Payload for PublicKey {
    const KIND: Kind = Kind::PublicKey;

    fn check(&self, params: &Parameters) -> Result<(), SerialError> {
        check_ring(params, self.b.ring(), self.b.basis())
    }

    fn payload_len(&self) -> u64 {
        32 + poly_len(self.b.ring(), self.b.basis())
    }

    fn write(&self, out: &mut Writer<impl Write>) -> Result<(), SerialError> {
        out.bytes(&self.seed)?;
        out.poly(&self.b)
    }

    fn read(params: &Parameters, input: &mut Reader<impl Read>) -> Result<Self, SerialError> {
        let basis = Basis::main(params.max_level() + 1);
        let seed = input.array("seed")?;
        input.ends_after("the polynomial of a public key", poly_len(params.ring(), basis))?;
        let b = input.poly("b", params, basis)?;
        let a = Uniform::new(&seed, 0).poly(params.ring(), basis);
        Ok(Self { seed, b, a })
    }
}

/// The least and the most main primes in a digit. A wider one would stop the evaluator, whose base conversion holds no
/// more; what the keys from the ephemeral secret switch is one digit as it is.
fn widths_of_digits(kind: Option<KeyKind>, main: usize) -> [usize; 2] {
    match kind {
        Some(KeyKind::SparseToDense(_)) => [main, main],
        _ => [1, main.min(MAX_LAZY_PRODUCTS - 1)],
    }
}

/// The most special primes: their base conversion may take in one main prime more.
fn most_special(special: usize) -> usize {
    special.min(MAX_LAZY_PRODUCTS - 2)
}

impl SwitchingKey {
    /// Bytes of the polynomials bⱼ.
    fn body_len(params: &Parameters, shape: KeyShape) -> u64 {
        shape.digits() as u64 * poly_len(params.ring(), shape.basis())
    }

    /// Shape and seed of a key, whose kind is known where it stands among others.
    fn read_head(
        params: &Parameters,
        kind: Option<KeyKind>,
        input: &mut Reader<impl Read>,
    ) -> Result<(KeyShape, [u8; 32]), SerialError> {
        let ring = params.ring().basis();
        let main = input.u32_in("main primes", 1, ring.main)?;
        let special = input.u32_in("special primes", 1, most_special(ring.special))?;
        let [least, most] = widths_of_digits(kind, main);
        let digit = input.u32_in("main primes in a digit", least, most)?;
        Ok((KeyShape { main, special, digit }, input.array("seed")?))
    }

    fn read_body(
        params: &Parameters,
        input: &mut Reader<impl Read>,
        (shape, seed): (KeyShape, [u8; 32]),
    ) -> Result<Self, SerialError> {
        let digits = (0..shape.digits())
            .map(|_| Ok(PackedPoly::from(&input.poly("digit of a switching key", params, shape.basis())?)))
            .collect::<Result<_, SerialError>>()?;
        Ok(Self { shape, seed, digits })
    }

    fn check_as(&self, params: &Parameters, kind: Option<KeyKind>) -> Result<(), SerialError> {
        let KeyShape { main, special, digit } = self.shape;
        let range = |what, found, [least, most]: [usize; 2]| match (least..=most).contains(&found) {
            true => Ok(()),
            false => {
                let [found, least, most] = [found, least, most].map(|count| count as u64);
                Err(SerialError::Range { what, found, least, most })
            }
        };
        let ring = params.ring().basis();
        range("main primes", main, [1, ring.main])?;
        range("special primes", special, [1, most_special(ring.special)])?;
        range("main primes in a digit", digit, widths_of_digits(kind, main))?;
        self.digits.iter().try_for_each(|b| check_ring(params, b.ring(), b.basis()))
    }
}

impl Payload for SwitchingKey {
    const KIND: Kind = Kind::SwitchingKey;

    fn check(&self, params: &Parameters) -> Result<(), SerialError> {
        self.check_as(params, None)
    }

    fn payload_len(&self) -> u64 {
        3 * 4 + 32 + self.digits.iter().map(|b| poly_len(b.ring(), b.basis())).sum::<u64>()
    }

    fn write(&self, out: &mut Writer<impl Write>) -> Result<(), SerialError> {
        let KeyShape { main, special, digit } = self.shape;
        [main, special, digit].into_iter().try_for_each(|count| out.u32(count))?;
        out.bytes(&self.seed)?;
        self.digits.iter().flat_map(PackedPoly::limbs).try_for_each(|limb| out.bytes(limb.bytes()))
    }

    fn read(params: &Parameters, input: &mut Reader<impl Read>) -> Result<Self, SerialError> {
        let head = Self::read_head(params, None, input)?;
        input.ends_after("a switching key of this shape", Self::body_len(params, head.0))?;
        Self::read_body(params, input, head)
    }
}

/// The code of a kind of key, and its exponent.
fn encode_kind(kind: KeyKind) -> (u8, u64) {
    match kind {
        KeyKind::Relinearization => (0, 0),
        KeyKind::Galois(galois) => (1, galois),
        KeyKind::DenseToSparse => (2, 0),
        KeyKind::SparseToDense(galois) => (3, galois),
    }
}

fn read_kind(params: &Parameters, input: &mut Reader<impl Read>) -> Result<KeyKind, SerialError> {
    let [code] = input.array("kind of key")?;
    let exponent = input.u64("Galois exponent")?;
    let kind = match code {
        0 => KeyKind::Relinearization,
        1 => return check_galois(params, exponent).map(|()| KeyKind::Galois(exponent)),
        2 => KeyKind::DenseToSparse,
        3 => return check_galois(params, exponent).map(|()| KeyKind::SparseToDense(exponent)),
        _ => return Err(SerialError::Range { what: "kind of key", found: code.into(), least: 0, most: 3 }),
    };
    if exponent == 0 { Ok(kind) } else { Err(SerialError::StrayExponent { found: exponent }) }
}

fn check_galois(params: &Parameters, galois: u64) -> Result<(), SerialError> {
    let most = 2 * params.n() as u64 - 1;
    match galois {
        g if g > most => Err(SerialError::Range { what: "Galois exponent", found: g, least: 1, most }),
        g if g % 2 == 0 => Err(SerialError::EvenGalois { found: g }),
        _ => Ok(()),
    }
}

impl Payload for EvaluationKeys {
    const KIND: Kind = Kind::EvaluationKeys;

    fn check(&self, params: &Parameters) -> Result<(), SerialError> {
        self.iter().try_for_each(|(kind, key)| {
            if let KeyKind::Galois(galois) | KeyKind::SparseToDense(galois) = kind {
                check_galois(params, galois)?;
            }
            key.check_as(params, Some(kind))
        })
    }

    fn payload_len(&self) -> u64 {
        4 + self.iter().map(|(_, key)| 9 + key.payload_len()).sum::<u64>()
    }

    fn write(&self, out: &mut Writer<impl Write>) -> Result<(), SerialError> {
        out.u32(self.len())?;
        self.iter().try_for_each(|(kind, key)| {
            let (code, exponent) = encode_kind(kind);
            out.bytes(&[code])?;
            out.u64(exponent)?;
            key.write(out)
        })
    }

    fn read(params: &Parameters, input: &mut Reader<impl Read>) -> Result<Self, SerialError> {
        // Two kinds with N exponents and two without, each at every height.
        let most = (2 * params.n() + 2) * params.ring().basis().main;
        let count = input.u32_in("number of keys", 0, most)?;
        let mut keys = Self::default();
        let mut previous: Option<(KeyKind, usize)> = None;
        for _ in 0..count {
            let kind = read_kind(params, input)?;
            let head = SwitchingKey::read_head(params, Some(kind), input)?;
            let this = (kind, head.0.main);
            if let Some(previous) = previous.filter(|&previous| previous >= this) {
                let name = |(kind, main): (KeyKind, usize)| format!("{kind} over {main} primes");
                return Err(SerialError::KeyOrder { found: name(this), previous: name(previous) });
            }
            previous = Some(this);
            input.has("a switching key of this shape", SwitchingKey::body_len(params, head.0))?;
            keys.insert(kind, SwitchingKey::read_body(params, input, head)?);
        }
        Ok(keys)
    }
}
