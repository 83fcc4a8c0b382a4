//! The secret key as bytes. It does not implement [`Serial`](super::Serial), so it is never written by accident.

use std::io::Write;

use fhe_ring::Poly;
use zeroize::Zeroizing;

use super::error::SerialError;
use super::frame::{self, Payload, Reader, Writer};
use super::kind::Kind;
use super::pack;
use super::source::{Source, Stream};
use crate::keys::SecretKey;
use crate::params::Parameters;
use crate::security::SecretDistribution;

impl SecretKey {
    /// Returns the secret as bytes, which are wiped when dropped. Whoever holds them can decrypt everything.
    ///
    /// # Errors
    /// Never for a key that was generated or read.
    pub fn to_bytes_secret(&self) -> Result<Zeroizing<Vec<u8>>, SerialError> {
        self.check(self.params())?;
        // Allocated at full length at once: a growing vector would leave copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity((frame::OVERHEAD + self.payload_len()) as usize));
        let mut writer = Writer::begin(&mut *bytes, self.params(), Self::KIND, self.payload_len())?;
        self.write(&mut writer)?;
        writer.finish()?;
        Ok(bytes)
    }

    /// Reads the secret that these bytes are.
    ///
    /// # Errors
    /// [`SerialError`] for anything but a secret key of these parameters.
    pub fn from_bytes_secret(params: &Parameters, bytes: &[u8]) -> Result<Self, SerialError> {
        frame::read_whole(params, Stream(bytes))
    }
}

/// Checks a weight against the main secret's distribution: within eight standard deviations of its mean.
fn check_weight(params: &Parameters, found: usize) -> Result<(), SerialError> {
    let n = params.n() as f64;
    let (wanted, deviation) = match params.literal().secret {
        SecretDistribution::FixedWeight(weight) => (f64::from(weight), 0.0),
        SecretDistribution::UniformTernary => (n * 2.0 / 3.0, (n * 2.0 / 9.0).sqrt()),
    };
    if (found as f64 - wanted).abs() <= 8.0 * deviation {
        return Ok(());
    }
    let wanted = match deviation {
        0.0 => format!("{wanted}"),
        _ => format!("{:.0} to {:.0}", wanted - 8.0 * deviation, wanted + 8.0 * deviation),
    };
    Err(SerialError::Weight { found, wanted })
}

impl Payload for SecretKey {
    const KIND: Kind = Kind::SecretKey;

    fn check(&self, params: &Parameters) -> Result<(), SerialError> {
        check_weight(params, self.weight())
    }

    fn payload_len(&self) -> u64 {
        self.params().n() as u64 / 4
    }

    fn write(&self, out: &mut Writer<impl Write>) -> Result<(), SerialError> {
        out.bytes(&pack::pack_ternary(&self.coefficients))
    }

    fn read(params: &Parameters, input: &mut Reader<impl Source>) -> Result<Self, SerialError> {
        let mut packed = Zeroizing::new(vec![0; params.n() / 4]);
        input.ends_after("a secret key", packed.len() as u64)?;
        input.bytes("secret key", &mut packed)?;
        let coefficients = pack::unpack_ternary(&packed)?;
        let ring = params.ring();
        let poly = Poly::from_signed(ring, ring.basis(), &coefficients).into_ntt();
        let key = Self { params: params.clone(), coefficients, poly: poly.into() };
        key.check(params)?;
        Ok(key)
    }
}
