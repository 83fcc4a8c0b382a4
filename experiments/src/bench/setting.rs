//! Which parameters are measured, and which operations they leave out.

use anyhow::{Result, bail};
use fhe_ckks::security::{self, SecurityReport};
use fhe_ckks::{CkksError, ParametersLiteral, SecretDistribution, shape};
use fhe_nn::Approximation;
use fhe_nn::encrypted::{Circuit, Packing};
use serde::Serialize;

/// Degree of the activation that is measured, unless another is asked for, in rings with few levels.
const RELU_DEGREE_BELOW: usize = 15;
/// The dimension that the network's own parameters are for.
const NETWORK_LOG_N: u32 = 16;
/// log2 of the network's slot counts, largest first.
const NETWORK_LOG_SLOTS: [u32; 3] = [14, 13, 12];
/// Special primes of a reduced set: as wide as the widest main prime, so that one of them carries a digit of one.
const SPECIAL_BITS: u32 = 50;

/// A circuit whose parameters fit the ring, with the operations that had to be left out.
pub(crate) struct Setting {
    /// The network's circuit.
    pub circuit: Circuit,
    /// The parameters to measure: those of the circuit, or as much of them as fits the ring.
    pub parameters: ParametersLiteral,
    /// Whether the levels suffice for the activation.
    pub relu: bool,
    /// Slot counts to bootstrap at; none if the levels do not suffice.
    pub bootstraps: Vec<usize>,
    /// The operations that are not measured.
    pub left_out: Vec<LeftOut>,
}

/// An operation that the parameters have no room for.
#[derive(Serialize)]
pub(crate) struct LeftOut {
    /// Its name.
    pub op: &'static str,
    /// The reason.
    pub why: String,
}

impl Setting {
    /// Returns the network's parameters at ring dimension 2^`log_n`, with this activation or the one that suits the
    /// ring. If the ring is too small for them, keeps the part of their chain of primes that 128 bits of security
    /// allow.
    ///
    /// # Errors
    /// A ring too small for one main and one special prime.
    pub(crate) fn new(log_n: u32, relu: Option<Approximation>, insecure: bool) -> Result<Self> {
        let low = log_n < NETWORK_LOG_N && !insecure;
        let suitable =
            if low { Approximation::Chebyshev { degree: RELU_DEGREE_BELOW } } else { Approximation::default() };
        let relu = relu.unwrap_or(suitable);
        if insecure && log_n < NETWORK_LOG_N {
            let circuit = network(NETWORK_LOG_N, &relu)?.in_ring(log_n);
            return Ok(Self::whole(circuit, NETWORK_LOG_N - log_n));
        }
        match network(log_n, &relu) {
            Ok(circuit) => Ok(Self::whole(circuit, 0)),
            Err(error) => Self::reduced(log_n, &relu, &error),
        }
    }

    /// Everything, at slot counts `smaller` times halved.
    fn whole(circuit: Circuit, smaller: u32) -> Self {
        let bootstraps = NETWORK_LOG_SLOTS.iter().map(|log| 1 << (log - smaller)).collect();
        let parameters = circuit.parameters().clone();
        Self { circuit, parameters, relu: true, bootstraps, left_out: Vec::new() }
    }

    /// The longest beginning of the network's chain that fits, without the levels of a bootstrap.
    fn reduced(log_n: u32, relu: &Approximation, error: &CkksError) -> Result<Self> {
        let circuit = network(NETWORK_LOG_N, relu)?;
        let secret = SecretDistribution::UniformTernary;
        let limit = security::assess(log_n, secret, 1.0).map_or(0.0, |SecurityReport { limit, .. }| limit);
        let chain = &circuit.parameters().main_bits[..=circuit.activation_level];
        // The product of primes that straddle a power of two may exceed it by a fraction of a bit.
        let special = |main: usize| shape::special_primes(&chain[..main], SPECIAL_BITS, 1..=main, limit - 0.5);
        let fit = (1..=chain.len()).rev().find_map(|main| Some((main, special(main)?)));
        let Some((main, special)) = fit else {
            bail!(
                "--ring-dim {}: 128 bits of security allow {limit} bits of modulus, too few for a main prime of {} \
                 bits and a special prime of {SPECIAL_BITS}; wanted a larger ring, such as 65536",
                1u32 << log_n,
                chain[0],
            );
        };
        let (level, fits) = (main - 1, main == chain.len());
        let mut left_out: Vec<_> =
            ["bootstrap", "bootstrap_arcsine"].map(|op| LeftOut { op, why: error.to_string() }).into();
        if !fits {
            let why = format!(
                "takes {} levels; 128 bits of security allow {limit} bits of modulus at this ring dimension, which \
                 leaves {level}",
                circuit.activation_level - circuit.linear_level,
            );
            left_out.push(LeftOut { op: "relu", why });
        }
        if level == 0 {
            for op in ["multiply", "multiply_rescale", "multiply_plain", "rescale"] {
                left_out.push(LeftOut { op, why: "takes a level, and the modulus is one prime".to_owned() });
            }
        }
        let parameters = ParametersLiteral {
            log_n,
            main_bits: chain[..main].to_vec(),
            special_bits: vec![SPECIAL_BITS; special],
            secret,
            ephemeral_weight: None,
            insecure: false,
            kernels: None,
        };
        Ok(Self { circuit, parameters, relu: fits, bootstraps: Vec::new(), left_out })
    }
}

fn network(log_n: u32, relu: &Approximation) -> Result<Circuit, CkksError> {
    Circuit::new(log_n, relu, Packing::default(), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhe_ckks::Parameters;

    #[test]
    fn every_ring_gets_what_fits() {
        for (log_n, relu, bootstraps) in [(12, false, 0), (13, false, 0), (14, true, 0), (15, true, 3), (16, true, 3)] {
            let setting = Setting::new(log_n, None, false).unwrap();
            assert_eq!((setting.relu, setting.bootstraps.len()), (relu, bootstraps), "2^{log_n}");
            assert_eq!(setting.left_out.is_empty(), bootstraps > 0, "2^{log_n}");
            let level = setting.parameters.main_bits.len() - 1;
            assert_eq!(level == 0, setting.left_out.iter().any(|l| l.op == "rescale"), "2^{log_n}");
            if log_n < 15 {
                let params = Parameters::try_from(setting.parameters).unwrap();
                assert!(params.security_bits() >= 128);
                params.key_shape(params.max_level());
            }
        }
    }

    #[test]
    fn a_ring_without_room_says_so() {
        let error = Setting::new(11, None, false).err().expect("no room").to_string();
        assert!(error.contains("--ring-dim 2048") && error.contains("wanted a larger ring"), "{error}");
        assert_eq!(Setting::new(11, None, true).unwrap().bootstraps, [512, 256, 128]);
    }
}
