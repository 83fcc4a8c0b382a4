//! What would run in the place of a case that cannot: the nearest settings.

use anyhow::Result;
use fhe_ckks::CkksError;
use fhe_nn::Approximation;
use fhe_nn::encrypted::{Circuit, Packing};

use super::{Case, CaseSpec, Model};
use crate::output::bytes;

/// Degrees to fall back to: each the highest of its depth.
const DEGREES: [usize; 8] = [511, 255, 127, 63, 31, 15, 7, 3];

/// The circuit of a case; beyond the limits of 128 bits if `insecure` allows it and nothing else is left.
///
/// # Errors
/// A modulus over the limit.
pub fn circuit(spec: &CaseSpec, insecure: bool) -> Result<Circuit, CkksError> {
    let log_n = spec.ring_dim.trailing_zeros();
    let made = Circuit::new(log_n, &spec.relu, spec.packing);
    if !insecure || made.is_ok() {
        return made;
    }
    // The circuit of the smallest ring that holds it, in this one.
    let larger = Circuit::LOG_RING_DIMS.into_iter().filter(|&log| log > log_n);
    let circuit = larger.map(|log| Circuit::new(log, &spec.relu, spec.packing)).find_map(Result::ok);
    circuit.map_or(made, |circuit| Ok(circuit.in_ring(log_n)))
}

/// Whether a case takes `insecure = true`.
pub fn is_insecure(spec: &CaseSpec) -> bool {
    circuit(spec, false).is_err() && circuit(spec, true).is_ok()
}

/// Settings of 128 bits that differ in one thing from one without, in words; `None` where there are none.
pub fn secure(spec: &CaseSpec, slots: usize) -> Option<String> {
    let works = |spec: &CaseSpec| spec.ring_dim >= 2 * slots && circuit(spec, false).is_ok();
    let ring = Circuit::LOG_RING_DIMS
        .map(|log| 1 << log)
        .into_iter()
        .find(|&n| n > spec.ring_dim && works(&with_ring(spec, n)));
    let degree = lower(spec).find(|lower| works(lower)).map(|lower| lower.relu);
    let ways = [ring.map(|n| format!("ring dimension {n}")), degree.map(|relu| format!("{relu}"))];
    let ways: Vec<String> = ways.into_iter().flatten().collect();
    (!ways.is_empty()).then(|| ways.join(" or "))
}

/// A setting that takes at most so much memory: of another packing, a lower degree or a smaller ring, whichever comes
/// first; or else the least that any of them takes.
pub fn smaller(spec: &CaseSpec, model: &Model, limit: u64) -> Option<String> {
    let packings = Packing::ALL.iter().copied().filter(|&packing| packing != spec.packing);
    let packings = packings.map(|packing| CaseSpec { packing, ..spec.clone() });
    let rings = Circuit::LOG_RING_DIMS.map(|log| 1 << log).into_iter().filter(|&n| n < spec.ring_dim);
    let candidates = packings.chain(lower(spec)).chain(rings.map(|n| with_ring(spec, n)));
    let mut least: Option<(u64, CaseSpec)> = None;
    for candidate in candidates {
        let Ok(case) = Case::new(&candidate, model.clone(), None) else { continue };
        let needed = case.memory.total() as u64;
        if needed <= limit {
            return Some(format!("{} takes {}", difference(spec, &candidate), bytes(needed)));
        }
        if least.as_ref().is_none_or(|(known, _)| needed < *known) {
            least = Some((needed, candidate));
        }
    }
    let (needed, candidate) = least.filter(|(needed, _)| *needed > limit)?;
    Some(format!("the least found is {}, which takes {}", difference(spec, &candidate), bytes(needed)))
}

fn with_ring(spec: &CaseSpec, ring_dim: usize) -> CaseSpec {
    CaseSpec { ring_dim, ..spec.clone() }
}

/// The same at lower degrees, the highest first; none of a composite.
fn lower(spec: &CaseSpec) -> impl Iterator<Item = CaseSpec> + '_ {
    DEGREES.into_iter().filter_map(|degree| {
        let relu = match spec.relu {
            Approximation::Chebyshev { degree: wanted } if degree < wanted => Approximation::Chebyshev { degree },
            Approximation::Minimax { degree: wanted } if degree < wanted => Approximation::Minimax { degree },
            _ => return None,
        };
        Some(CaseSpec { relu, ..spec.clone() })
    })
}

/// In what two cases differ.
fn difference(from: &CaseSpec, to: &CaseSpec) -> String {
    let parts = [
        (from.ring_dim != to.ring_dim).then(|| format!("ring dimension {}", to.ring_dim)),
        (from.relu != to.relu).then(|| to.relu.to_string()),
        (from.packing != to.packing).then(|| format!("{} packing", to.packing)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn what_would_run_is_named() {
        let way = secure(&spec(1 << 15, 511), 1 << 14).unwrap();
        assert!(way.starts_with("ring dimension 65536"), "{way}");
        // Beside the ring nothing helps where the levels of a bootstrap alone are too many.
        assert_eq!(secure(&spec(1 << 16, 59), 1 << 20), None, "no ring has so many slots");
    }
}
