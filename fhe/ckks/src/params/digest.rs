//! The identity of parameters, which every serialised object carries.

use fhe_ring::{Basis, Poly, Ring, Uniform};
use sha2::{Digest, Sha256};
use std::sync::Arc;

use super::literal::ParametersLiteral;
use crate::security::SecretDistribution;

/// Version of the format of serialised objects. It is part of the identity.
pub(crate) const FORMAT_VERSION: u16 = 3;

/// Returns the identity of parameters: a hash of everything that decides how residues are read. The kernels and the
/// flag `insecure` are not part of it.
///
/// The transform of X and the start of a seeded polynomial are hashed too. So a release with another root of unity,
/// order of evaluations or sampler refuses the data of this one instead of computing garbage with it.
pub(crate) fn parameters_digest(literal: &ParametersLiteral, ring: &Arc<Ring>) -> [u8; 16] {
    let mut hash = Sha256::new();
    let mut number = |value: u64| hash.update(value.to_le_bytes());
    number(u64::from(FORMAT_VERSION));
    number(u64::from(literal.log_n));
    for sizes in [&literal.main_bits, &literal.special_bits] {
        number(sizes.len() as u64);
        sizes.iter().for_each(|&bits| number(u64::from(bits)));
    }
    // Weights are below 2^32. This value stands for no weight.
    let none = 1 << 32;
    number(match literal.secret {
        SecretDistribution::UniformTernary => none,
        SecretDistribution::FixedWeight(weight) => u64::from(weight),
    });
    number(literal.ephemeral_weight.map_or(none, u64::from));
    ring.moduli(ring.basis()).for_each(|q| number(q.value()));
    let mut x = vec![0; ring.n()];
    x[1] = 1;
    let x = Poly::from_signed(ring, ring.basis(), &x).into_ntt();
    let seeded = Uniform::new(&[0x5a; 32], 1).poly(ring, Basis::main(1));
    x.limbs().iter().chain(seeded.limbs()).flat_map(|limb| &limb[..32]).for_each(|&value| number(value));
    half(hash)
}

/// Returns the first half of a hash, the part that checksums and digests keep.
pub(crate) fn half(hash: Sha256) -> [u8; 16] {
    let digest: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|i| digest[i])
}
