//! What tells parameters apart.

use fhe_ring::{Basis, Poly, Uniform};
use sha2::{Digest, Sha256};

use super::VERSION;
use crate::params::Parameters;
use crate::security::SecretDistribution;

/// The identity of parameters: everything that decides what residues mean. Kernels and the word `insecure` do not.
///
/// The transform of X and the start of a seeded polynomial are part of it, so that a release with another root of
/// unity, order of evaluations or sampler refuses the data of this one instead of computing nonsense with it.
pub(crate) fn parameters_digest(params: &Parameters) -> [u8; 16] {
    let (literal, ring) = (params.literal(), params.ring());
    let mut hash = Sha256::new();
    let mut number = |value: u64| hash.update(value.to_le_bytes());
    number(u64::from(VERSION));
    number(u64::from(literal.log_n));
    for sizes in [&literal.main_bits, &literal.special_bits] {
        number(sizes.len() as u64);
        sizes.iter().for_each(|&bits| number(u64::from(bits)));
    }
    // A weight is below 2^32: the value beyond says that there is none.
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

/// The first half, as checksum and digest keep it.
pub(super) fn half(hash: Sha256) -> [u8; 16] {
    let digest: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|i| digest[i])
}
