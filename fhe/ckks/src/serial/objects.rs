//! The payloads of the objects that a server holds.

use std::io::Write;

use fhe_ring::{Basis, Uniform};

use super::error::SerialError;
use super::frame::{OVERHEAD, Payload, Reader, Writer, check_range, check_ring, poly_len};
use super::kind::Kind;
use super::source::Source;
use crate::ciphertext::{Ciphertext, SeededCiphertext};
use crate::keys::{EvaluationKeys, PublicKey, SwitchingKey};
use crate::params::Parameters;
use crate::scale;
use crate::shape::{KeyKind, KeyShape, MOST_CONVERTED, MOST_SPECIAL};

/// Checks the scale of a ciphertext over `main` primes. Outside this range its own arithmetic would overflow, or no
/// value of size 1 fits the modulus.
fn check_scale(params: &Parameters, main: usize, found: f64) -> Result<(), SerialError> {
    let most_log2 = scale::most_log2(params, main - 1);
    // NaN is in no range.
    if (1.0..most_log2.exp2()).contains(&found) { Ok(()) } else { Err(SerialError::Scale { found, most_log2 }) }
}

fn check_slots(params: &Parameters, slots: usize) -> Result<(), SerialError> {
    if slots.is_power_of_two() && slots <= params.max_slots() {
        return Ok(());
    }
    Err(SerialError::Slots { found: slots as u64, max: params.max_slots() as u64 })
}

impl Payload for Ciphertext {
    const KIND: Kind = Kind::Ciphertext;

    fn check(&self, params: &Parameters) -> Result<(), SerialError> {
        self.parts.iter().try_for_each(|part| check_ring(params, part.ring(), part.basis()))?;
        check_scale(params, self.basis().main, self.scale)?;
        check_slots(params, self.slots)
    }

    fn payload_len(&self) -> u64 {
        16 + self.parts.iter().map(|part| poly_len(part.ring(), part.basis())).sum::<u64>()
    }

    fn write(&self, out: &mut Writer<impl Write>) -> Result<(), SerialError> {
        write_head(out, self.basis(), self.slots, self.scale)?;
        self.parts.iter().try_for_each(|part| out.poly(part))
    }

    fn read(params: &Parameters, input: &mut Reader<impl Source>) -> Result<Self, SerialError> {
        let (basis, slots, scale) = read_head(params, input)?;
        input.ends_after("a ciphertext of this level", 2 * poly_len(params.ring(), basis))?;
        let parts = [input.poly("c0", params, basis)?, input.poly("c1", params, basis)?];
        Ok(Self { parts, scale, slots })
    }
}

impl Payload for SeededCiphertext {
    const KIND: Kind = Kind::SeededCiphertext;

    fn check(&self, params: &Parameters) -> Result<(), SerialError> {
        check_ring(params, self.c0.ring(), self.c0.basis())?;
        check_scale(params, self.c0.basis().main, self.scale)?;
        check_slots(params, self.slots)
    }

    fn payload_len(&self) -> u64 {
        16 + 32 + poly_len(self.c0.ring(), self.c0.basis())
    }

    fn write(&self, out: &mut Writer<impl Write>) -> Result<(), SerialError> {
        write_head(out, self.c0.basis(), self.slots, self.scale)?;
        out.bytes(&self.seed)?;
        out.poly(&self.c0)
    }

    fn read(params: &Parameters, input: &mut Reader<impl Source>) -> Result<Self, SerialError> {
        let (basis, slots, scale) = read_head(params, input)?;
        let seed = input.array("seed")?;
        input.ends_after("a seeded ciphertext of this level", poly_len(params.ring(), basis))?;
        Ok(Self { c0: input.poly("c0", params, basis)?, seed, scale, slots })
    }
}

impl Ciphertext {
    /// Returns the bytes of any serialised ciphertext of a level.
    pub fn serialized_len_at(params: &Parameters, level: usize) -> u64 {
        OVERHEAD + 16 + 2 * poly_len(params.ring(), Basis::main(level + 1))
    }
}

impl SeededCiphertext {
    /// Returns the bytes of any serialised seeded ciphertext of a level.
    pub fn serialized_len_at(params: &Parameters, level: usize) -> u64 {
        OVERHEAD + 16 + 32 + poly_len(params.ring(), Basis::main(level + 1))
    }
}

/// Writes the primes, the slots and the scale of a ciphertext.
fn write_head(out: &mut Writer<impl Write>, basis: Basis, slots: usize, scale: f64) -> Result<(), SerialError> {
    out.u32(basis.main)?;
    out.u32(slots)?;
    out.u64(scale.to_bits())
}

/// Reads the primes, the slots and the scale of a ciphertext, and checks them.
fn read_head(params: &Parameters, input: &mut Reader<impl Source>) -> Result<(Basis, usize, f64), SerialError> {
    let basis = Basis::main(input.u32_in("main primes", 1, params.ring().basis().main)?);
    let slots = u32::from_le_bytes(input.array("slots")?) as usize;
    check_slots(params, slots)?;
    let scale = f64::from_bits(input.u64("scale")?);
    check_scale(params, basis.main, scale)?;
    Ok((basis, slots, scale))
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

    fn read(params: &Parameters, input: &mut Reader<impl Source>) -> Result<Self, SerialError> {
        let basis = Basis::main(params.max_level() + 1);
        let seed = input.array("seed")?;
        input.ends_after("the polynomial of a public key", poly_len(params.ring(), basis))?;
        let b = input.poly("b", params, basis)?;
        let a = Uniform::new(&seed, 0).poly(params.ring(), basis);
        Ok(Self { seed, b, a })
    }
}

/// Checks that the evaluator can use a key of this shape, as one of this kind if that is known.
///
/// A wider digit than a base conversion takes would stop the evaluator, and so would more special primes than a
/// division takes. Keys from the ephemeral secret have one digit, which is never converted. The key to it is secure
/// only over q₀·p₀.
fn check_shape(params: &Parameters, kind: Option<KeyKind>, shape: KeyShape) -> Result<(), SerialError> {
    let KeyShape { main, special, digit_len } = shape;
    let ring = params.ring().basis();
    let (most_main, most_special) = match kind {
        Some(KeyKind::DenseToSparse) => (KeyShape::DENSE_TO_SPARSE.main, KeyShape::DENSE_TO_SPARSE.special),
        _ => (ring.main, ring.special.min(MOST_SPECIAL)),
    };
    let lengths = match kind {
        Some(KeyKind::SparseToDense(_)) => [main, main],
        _ => [1, main.min(MOST_CONVERTED)],
    };
    check_range("main primes", main, [1, most_main])?;
    check_range("special primes", special, [1, most_special])?;
    check_range("main primes in a digit", digit_len, lengths)
}

impl SwitchingKey {
    /// Bytes of the polynomials bⱼ.
    fn body_len(params: &Parameters, shape: KeyShape) -> u64 {
        shape.digits() as u64 * poly_len(params.ring(), shape.basis())
    }

    /// Reads the shape and the seed of a key. Its kind is known in a set of evaluation keys.
    fn read_head(
        params: &Parameters,
        kind: Option<KeyKind>,
        input: &mut Reader<impl Source>,
    ) -> Result<(KeyShape, [u8; 32]), SerialError> {
        let mut count = |what| Ok::<_, SerialError>(u32::from_le_bytes(input.array(what)?) as usize);
        let (main, special) = (count("main primes")?, count("special primes")?);
        let shape = KeyShape { main, special, digit_len: count("main primes in a digit")? };
        check_shape(params, kind, shape)?;
        Ok((shape, input.array("seed")?))
    }

    fn read_body(
        params: &Parameters,
        input: &mut Reader<impl Source>,
        (shape, seed): (KeyShape, [u8; 32]),
    ) -> Result<Self, SerialError> {
        let digits = (0..shape.digits()).map(|_| input.packed_poly("digit of a switching key", params, shape.basis()));
        Ok(Self::from_parts(shape, seed, digits.collect::<Result<_, SerialError>>()?))
    }

    fn check_as(&self, params: &Parameters, kind: Option<KeyKind>) -> Result<(), SerialError> {
        check_shape(params, kind, self.shape)?;
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
        let KeyShape { main, special, digit_len } = self.shape;
        [main, special, digit_len].into_iter().try_for_each(|count| out.u32(count))?;
        out.bytes(&self.seed)?;
        self.digits.iter().try_for_each(|digit| {
            let n = digit.ring().n();
            digit.limbs().iter().try_for_each(|limb| {
                limb.will_need();
                out.bytes(limb.bytes())?;
                limb.let_go(0..n);
                Ok(())
            })
        })
    }

    fn read(params: &Parameters, input: &mut Reader<impl Source>) -> Result<Self, SerialError> {
        let head = Self::read_head(params, None, input)?;
        input.ends_after("a switching key of this shape", Self::body_len(params, head.0))?;
        Self::read_body(params, input, head)
    }
}

/// Returns the code of a kind of key, and its exponent.
fn encode_kind(kind: KeyKind) -> (u8, u64) {
    match kind {
        KeyKind::Relinearization => (0, 0),
        KeyKind::Galois(galois) => (1, galois),
        KeyKind::DenseToSparse => (2, 0),
        KeyKind::SparseToDense(galois) => (3, galois),
        KeyKind::FromClient => (4, 0),
        KeyKind::ToClient => (5, 0),
    }
}

fn read_kind(params: &Parameters, input: &mut Reader<impl Source>) -> Result<KeyKind, SerialError> {
    let [code] = input.array("kind of key")?;
    let exponent = input.u64("Galois exponent")?;
    let kind = match code {
        0 => KeyKind::Relinearization,
        1 => return check_galois(params, exponent).map(|()| KeyKind::Galois(exponent)),
        2 => KeyKind::DenseToSparse,
        3 => return check_galois(params, exponent).map(|()| KeyKind::SparseToDense(exponent)),
        4 => KeyKind::FromClient,
        5 => KeyKind::ToClient,
        _ => return Err(SerialError::Range { what: "kind of key", found: code.into(), least: 0, most: 5 }),
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

    fn read(params: &Parameters, input: &mut Reader<impl Source>) -> Result<Self, SerialError> {
        // Two kinds have N exponents each and four have none, and every kind may have a key at every height.
        let most = (2 * params.n() + 4) * params.ring().basis().main;
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
