//! Ready sets of parameters with a bootstrapping circuit.
//!
//! | preset | N | slots | values | order | levels | worst slot | security | failure |
//! |---|---|---|---|---|---|---|---|---|
//! | [`N16_SLIM_REAL`] | 2^16 | 2^14 | real | slim | 7 | 20 bits | 128 bits | 0 |
//! | [`N16_CLASSIC_COMPLEX`] | 2^16 | 2^14 | complex | classic | 5 | 13 bits | 128 bits | 0 |
//! | [`N15_SLIM_REAL`] | 2^15 | 2^14 | real | slim | 5 | 8 bits | 128 bits | 0 |
//!
//! *Levels* are those between a bootstrapped ciphertext and the next bootstrap. *Worst slot* is −log2 of the largest
//! error of a slot, for messages in [−1, 1] (complex: in the unit disc), at least. *Security* is classical: the main
//! secret, uniform ternary, by the guidelines of ePrint 2024/463, and the ephemeral secret of weight 32 by the estimate
//! after ePrint 2026/279 (see [`fhe_ckks::security`]). *Failure* is the probability that a bootstrap returns a wrong
//! slot because an integer part leaves the range of EvalMod. It is zero because the range is half the weight.
//!
//! `tests/presets.rs` checks every column.

use fhe_ckks::{ParametersLiteral, SecretDistribution};

use crate::bootstrap::{BootstrapLiteral, BootstrapOrder, SlotValues};
use crate::eval_mod::{EvalModLiteral, Kernel};

/// Weight of the ephemeral secret of every preset.
const EPHEMERAL_WEIGHT: u32 = 32;

/// Parameters with a bootstrapping circuit, their depth, precision and probability of failure.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Name.
    pub name: &'static str,
    /// log2 of the ring dimension.
    pub log_n: u32,
    /// Main primes from the bottom of the chain to its top: bits and number.
    pub main: &'static [(u32, usize)],
    /// Special primes: bits and number.
    pub special: (u32, usize),
    /// The place of SlotsToCoeffs.
    pub order: BootstrapOrder,
    /// The values that slots hold.
    pub values: SlotValues,
    /// Butterfly levels merged by the stages of SlotsToCoeffs; they add up to log2 of the slots.
    pub slots_to_coeffs: &'static [u32],
    /// Butterfly levels merged by the stages of CoeffsToSlots.
    pub coeffs_to_slots: &'static [u32],
    /// The approximation of the remainder modulo q₀.
    pub eval_mod: EvalModLiteral,
    /// The ratio of the first prime to the scale of raised messages.
    pub message_ratio: f64,
    /// log2 of the scale of ciphertexts to bootstrap.
    pub log_input_scale: f64,
    /// log2 of the scale of bootstrapped ciphertexts.
    pub log_output_scale: f64,
    /// Levels between a bootstrapped ciphertext and the next bootstrap.
    pub levels: usize,
    /// −log2 of the largest error of a slot, at least.
    pub worst_bits: f64,
}

/// Twenty bits in the worst slot, 2^14 real slots in a ring of 2^16. Where its precision goes is told in
/// [`bootstrap`](crate::bootstrap).
pub const N16_SLIM_REAL: Preset = Preset {
    name: "N16_SLIM_REAL",
    log_n: 16,
    main: &[(50, 1), (42, 4), (45, 5), (50, 15)],
    special: (49, 9),
    order: BootstrapOrder::Slim,
    values: SlotValues::Real,
    slots_to_coeffs: &[5, 5, 4],
    coeffs_to_slots: &[4, 4, 3, 3],
    eval_mod: EvalModLiteral {
        range: EPHEMERAL_WEIGHT / 2,
        kernel: Kernel::Exponential,
        degree: 31,
        double_angles: 3,
        arcsine_degree: 3,
    },
    message_ratio: 256.0,
    log_input_scale: 42.0,
    log_output_scale: 47.5,
    levels: 7,
    worst_bits: 20.0,
};

/// Thirteen bits in the worst slot, 2^14 complex slots in a ring of 2^16. Ciphertexts may be spent down to level 0.
pub const N16_CLASSIC_COMPLEX: Preset = Preset {
    name: "N16_CLASSIC_COMPLEX",
    main: &[(50, 1), (45, 8), (50, 14)],
    special: (50, 12),
    order: BootstrapOrder::Classic,
    values: SlotValues::Complex,
    log_output_scale: 45.0,
    levels: 5,
    worst_bits: 13.0,
    ..N16_SLIM_REAL
};

/// Eight bits in the worst slot, 2^14 real slots in a ring of 2^15: the fastest, for values that tolerate errors, such
/// as those of a neural network.
pub const N15_SLIM_REAL: Preset = Preset {
    name: "N15_SLIM_REAL",
    log_n: 15,
    main: &[(38, 1), (32, 3), (34, 4), (38, 11)],
    special: (39, 3),
    order: BootstrapOrder::Slim,
    values: SlotValues::Real,
    slots_to_coeffs: &[7, 7],
    coeffs_to_slots: &[4, 5, 5],
    eval_mod: EvalModLiteral {
        range: EPHEMERAL_WEIGHT / 2,
        kernel: Kernel::Cosine,
        degree: 30,
        double_angles: 3,
        arcsine_degree: 0,
    },
    message_ratio: 64.0,
    log_input_scale: 32.0,
    log_output_scale: 36.0,
    levels: 5,
    worst_bits: 8.0,
};

/// All presets.
pub const ALL: [&Preset; 3] = [&N16_SLIM_REAL, &N16_CLASSIC_COMPLEX, &N15_SLIM_REAL];

impl Preset {
    /// The parameters.
    pub fn parameters(&self) -> ParametersLiteral {
        let (special_bits, special) = self.special;
        ParametersLiteral {
            log_n: self.log_n,
            main_bits: self.main.iter().flat_map(|&(bits, count)| vec![bits; count]).collect(),
            special_bits: vec![special_bits; special],
            secret: SecretDistribution::UniformTernary,
            ephemeral_weight: Some(EPHEMERAL_WEIGHT),
            insecure: false,
            kernels: None,
        }
    }

    /// The bootstrapping circuit.
    pub fn bootstrap(&self) -> BootstrapLiteral {
        BootstrapLiteral {
            order: self.order,
            values: self.values,
            slots: 1 << self.slots_to_coeffs.iter().sum::<u32>(),
            slots_to_coeffs: self.slots_to_coeffs.to_vec().into(),
            coeffs_to_slots: self.coeffs_to_slots.to_vec().into(),
            eval_mod: self.eval_mod.clone(),
            message_ratio: self.message_ratio,
            input_scale: self.log_input_scale.exp2(),
            output_scale: self.log_output_scale.exp2(),
        }
    }
}
