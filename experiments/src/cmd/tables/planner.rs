//! Plans the case of a published row again.

use crate::case::{Case, CaseSpec, HEADROOM, Model};
use crate::measurements::Measurements;
use crate::plan;
use crate::records::CaseRow;
use crate::report::tables::planned::{Planned, Planner};

/// This program, with its embedded network and its shipped measurements.
pub(super) struct ThisProgram;

impl Planner for ThisProgram {
    fn plan(&self, row: &CaseRow) -> Option<Planned> {
        let measured = row.key_bytes?;
        if row.profile.is_some() {
            // Its numbers are in `run.json` only.
            return None;
        }
        let spec = CaseSpec {
            ring_dim: row.ring_dim?,
            relu: row.relu.parse().ok()?,
            packing: row.packing.as_deref()?.parse().ok()?,
            profile: None,
        };
        let case = Case::within(&spec, Model::embedded(HEADROOM).ok()?, None, row.is_insecure()).ok()?;
        let depth = case.params.max_level();
        let digits = case.params.key_shape(depth).digits();
        let keys = plan::keys_by_kind(&case.params, &case.plan.request);
        let keys: Vec<_> = keys.into_iter().map(|keys| (keys.kind, keys.bytes)).collect();
        let same_modulus = (case.params.log_qp() - row.log_qp?).abs() < 1e-3;
        same_modulus.then_some(Planned { depth, digits, keys: that_add_up(keys, measured) })
    }

    fn bootstrap_bits(&self, ring_dim: usize) -> Option<f64> {
        let measured =
            Measurements::shipped(ring_dim, "avx512ifma").ok().filter(|found| found.provenance.ring_dim == ring_dim)?;
        let bootstraps = measured.operations.iter().filter(|row| row.op == "bootstrap");
        bootstraps.max_by_key(|row| row.slots)?.bits
    }
}

/// Returns the keys of a run that measured their sum: those of this program, or those without a client's ring, which
/// earlier programs did not have. `None` if neither adds up.
fn that_add_up(keys: Vec<(&'static str, u64)>, measured: u64) -> Option<Vec<(&'static str, u64)>> {
    let adds_up = |keys: &[(&str, u64)]| keys.iter().map(|(_, bytes)| bytes).sum::<u64>() == measured;
    if adds_up(&keys) {
        return Some(keys);
    }
    let earlier: Vec<_> = keys.into_iter().filter(|(kind, _)| !plan::KEYS_OF_CLIENTS.contains(kind)).collect();
    adds_up(&earlier).then_some(earlier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_add_up_with_or_without_those_of_a_client() {
        let keys = vec![("rotation", 7), (plan::KEYS_OF_CLIENTS[0], 2), (plan::KEYS_OF_CLIENTS[1], 1)];
        assert_eq!(that_add_up(keys.clone(), 10), Some(keys.clone()));
        assert_eq!(that_add_up(keys.clone(), 7), Some(vec![("rotation", 7)]));
        assert_eq!(that_add_up(keys, 8), None);
    }

    #[test]
    fn shipped_measurements_count_only_for_their_own_ring() {
        assert!(ThisProgram.bootstrap_bits(1 << 16).unwrap() > 10.0);
        assert_eq!(ThisProgram.bootstrap_bits(1 << 17), None);
    }
}
