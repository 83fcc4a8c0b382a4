//! The circuit of a case. An insecure case uses that of the nearest larger ring.

use anyhow::Result;
use fhe_ckks::CkksError;
use fhe_nn::encrypted::Circuit;

use super::CaseSpec;
use super::spec::RINGS;

/// Returns the circuit of a case. If it cannot have 128 bits of security and `insecure` allows that, returns the
/// circuit of the smallest larger ring that holds it, in the ring of the case.
///
/// # Errors
/// A modulus over the limit.
pub(super) fn circuit(spec: &CaseSpec, insecure: bool) -> Result<Circuit, CkksError> {
    let log_n = spec.ring_dim.trailing_zeros();
    let made = Circuit::new(log_n, &spec.relu, spec.packing);
    if !insecure || made.is_ok() {
        return made;
    }
    let larger = RINGS.map(usize::trailing_zeros).into_iter().filter(|&log| log > log_n);
    let circuit = larger.map(|log| Circuit::new(log, &spec.relu, spec.packing)).find_map(Result::ok);
    circuit.map_or(made, |circuit| Ok(circuit.in_ring(log_n)))
}

/// Whether a case can run only with `insecure = true`.
pub(crate) fn is_insecure(spec: &CaseSpec) -> bool {
    circuit(spec, false).is_err() && circuit(spec, true).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhe_nn::Approximation;
    use fhe_nn::encrypted::Packing;

    fn spec(ring_dim: usize, degree: usize) -> CaseSpec {
        CaseSpec { ring_dim, relu: Approximation::Chebyshev { degree }, packing: Packing::default() }
    }

    #[test]
    fn insecure_circuits_are_those_of_a_larger_ring() {
        let small = spec(1 << 15, 511);
        assert!(is_insecure(&small) && !is_insecure(&spec(1 << 16, 511)));
        let [found, wanted] = [circuit(&small, true), circuit(&spec(1 << 16, 511), true)].map(Result::unwrap);
        let [found, wanted] = [found.parameters(), wanted.parameters()];
        assert_eq!((&found.main_bits, found.log_n), (&wanted.main_bits, 15));
        assert!(found.insecure && !wanted.insecure, "what is secure stays so");
    }
}
