//! Frames as a stranger might make them: shared by the tests of bytes and the fuzzer.

use fhe_ckks::serial::{Kind, MAGIC, VERSION};
use fhe_ckks::*;
use sha2::{Digest, Sha256};

/// The parameters of the tests, the corpus and the fuzzer.
pub(crate) fn literal() -> ParametersLiteral {
    ParametersLiteral {
        log_n: 5,
        main_bits: vec![50, 30, 31],
        special_bits: vec![50, 20],
        secret: SecretDistribution::UniformTernary,
        ephemeral_weight: Some(4),
        insecure: true,
        kernels: None,
    }
}

/// Reads bytes as an object and writes it again.
pub(crate) fn rewrite(params: &Parameters, kind: Kind, bytes: &[u8]) -> Result<Vec<u8>, SerialError> {
    fn via<T: Serial>(params: &Parameters, bytes: &[u8]) -> Result<Vec<u8>, SerialError> {
        T::from_bytes(params, bytes)?.to_bytes(params)
    }
    match kind {
        Kind::SecretKey => Ok(SecretKey::from_bytes_secret(params, bytes)?.to_bytes_secret()?.to_vec()),
        Kind::PublicKey => via::<PublicKey>(params, bytes),
        Kind::SwitchingKey => via::<SwitchingKey>(params, bytes),
        Kind::EvaluationKeys => via::<EvaluationKeys>(params, bytes),
        Kind::Ciphertext => via::<Ciphertext>(params, bytes),
        Kind::SeededCiphertext => via::<SeededCiphertext>(params, bytes),
    }
}

/// Where header, payload and checksum of a frame meet.
pub(crate) const HEADER: usize = 36;
pub(crate) const CHECKSUM: usize = 16;

/// A frame of this payload with all that is around it right, so that only the payload can be wrong.
pub(crate) fn seal(params: &Parameters, kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((kind as u16).to_le_bytes());
    bytes.extend(params.digest());
    bytes.extend((payload.len() as u64).to_le_bytes());
    bytes.extend(payload);
    bytes.extend(&Sha256::digest(&bytes)[..CHECKSUM].to_vec());
    bytes
}
