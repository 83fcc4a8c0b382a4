//! What `plan` says of a case that has run.

use clap::Parser;

use crate::case;
use crate::plan::{self, Keys};
use crate::records::CaseRow;

/// A case as planned by this program.
pub struct Planned {
    /// The highest level.
    pub depth: usize,
    /// Digits of the gadget decomposition at that level.
    pub digits: usize,
    /// Evaluation keys, kind by kind; `None` where this program plans other bytes for them than were measured.
    keys: Option<Vec<Keys>>,
}

/// A case by the flags that name it.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    case: case::Args,
}

impl Planned {
    /// Plans the case of a row again. `None` where this program does not know the case, or plans another modulus for it: then
    /// the run is another program's, or another network's, and the plan would tell of something else.
    pub fn of(row: &CaseRow) -> Option<Self> {
        let measured = row.key_bytes?;
        let ring_dim = row.ring_dim?.to_string();
        let mut words =
            vec!["plan", "--ring-dim", &ring_dim, "--relu", &row.relu, "--packing", row.packing.as_deref()?];
        words.extend(row.is_insecure().then_some("--insecure"));
        let case = Line::try_parse_from(words).ok()?.case.case().ok()?;
        let depth = case.params.max_level();
        let digits = case.params.key_shape(depth).digits();
        let keys = plan::keys_by_kind(&case.params, &case.request);
        let same = keys.iter().map(|keys| keys.bytes).sum::<u64>() == measured;
        let same_modulus = (case.params.log_qp() - row.log_qp?).abs() < 1e-3;
        same_modulus.then_some(Self { depth, digits, keys: Some(keys).filter(|_| same) })
    }

    /// Bytes of the keys whose kind is one of these; `None` where they are not those of the run.
    pub fn key_bytes(&self, wanted: impl Fn(&str) -> bool) -> Option<u64> {
        Some(self.keys.as_ref()?.iter().filter(|keys| wanted(keys.kind)).map(|keys| keys.bytes).sum())
    }
}
