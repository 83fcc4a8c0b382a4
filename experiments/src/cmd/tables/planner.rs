//! Plans the case of a published row again.

use crate::case::{Case, CaseSpec, HEADROOM, Model};
use crate::plan;
use crate::prediction::Measurements;
use crate::records::CaseRow;
use crate::report::tables::planned::{Planned, Planner};

/// This program, with its embedded network and its shipped measurements.
pub(super) struct ThisProgram;

impl Planner for ThisProgram {
    fn plan(&self, row: &CaseRow) -> Option<Planned> {
        let measured = row.key_bytes?;
        let spec = CaseSpec {
            ring_dim: row.ring_dim?,
            relu: row.relu.parse().ok()?,
            packing: row.packing.as_deref()?.parse().ok()?,
        };
        let case = Case::within(&spec, Model::embedded(HEADROOM).ok()?, None, row.is_insecure()).ok()?;
        let depth = case.params.max_level();
        let digits = case.params.key_shape(depth).digits();
        let keys = plan::keys_by_kind(&case.params, &case.plan.request);
        let keys: Vec<_> = keys.into_iter().map(|keys| (keys.kind, keys.bytes)).collect();
        let agrees = keys.iter().map(|(_, bytes)| bytes).sum::<u64>() == measured;
        let same_modulus = (case.params.log_qp() - row.log_qp?).abs() < 1e-3;
        same_modulus.then_some(Planned { depth, digits, keys: Some(keys).filter(|_| agrees) })
    }

    fn bootstrap_bits(&self, ring_dim: usize) -> Option<f64> {
        let measured =
            Measurements::shipped(ring_dim, "avx512ifma").ok().filter(|found| found.provenance.ring_dim == ring_dim)?;
        let bootstraps = measured.operations.iter().filter(|row| row.op == "bootstrap");
        bootstraps.max_by_key(|row| row.slots)?.bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_measurements_count_only_for_their_own_ring() {
        assert!(ThisProgram.bootstrap_bits(1 << 16).unwrap() > 10.0);
        assert_eq!(ThisProgram.bootstrap_bits(1 << 17), None);
    }
}
