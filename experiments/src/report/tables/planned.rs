//! Facts about a case that follow from its parameters, and that no run measures.

use crate::records::CaseRow;

/// A case as planned by this program.
pub(crate) struct Planned {
    /// The highest level.
    pub depth: usize,
    /// Digits of the gadget decomposition at that level.
    pub digits: usize,
    /// Bytes of the evaluation keys by kind; `None` if this program plans another sum than the run measured.
    pub keys: Option<Vec<(&'static str, u64)>>,
}

impl Planned {
    /// Returns the bytes of the keys whose kind is `wanted`; `None` if the keys are not those of the run.
    pub(crate) fn key_bytes(&self, wanted: impl Fn(&str) -> bool) -> Option<u64> {
        Some(self.keys.as_ref()?.iter().filter(|(kind, _)| wanted(kind)).map(|(_, bytes)| bytes).sum())
    }
}

/// Plans the cases of runs again. The program implements it; the tables themselves read only records.
pub(crate) trait Planner {
    /// Returns the plan of a row's case. `None` if this program does not know the case, or plans another modulus for
    /// it: then another program ran it, or another network.
    fn plan(&self, row: &CaseRow) -> Option<Planned>;

    /// Returns the precision in bits of a bootstrap of the widest layers in the ring of dimension `ring_dim`, as the
    /// shipped microbenchmarks measured it.
    fn bootstrap_bits(&self, ring_dim: usize) -> Option<f64>;
}
