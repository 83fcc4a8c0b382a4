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
    /// Evaluation keys, kind by kind.
    pub keys: Vec<Keys>,
}

/// A case by the flags that name it.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    case: case::Args,
}

impl Planned {
    /// Plans the case of a row again. `None` where this program does not know the case, or plans other keys for it than
    /// were measured: then the run is another program's, or another network's, and the plan would tell of something else.
    pub fn of(row: &CaseRow) -> Option<Self> {
        let measured = row.key_bytes?;
        let ring_dim = row.ring_dim?.to_string();
        let words = ["plan", "--ring-dim", &ring_dim, "--relu", &row.relu, "--packing", row.packing.as_deref()?];
        let case = Line::try_parse_from(words).ok()?.case.case().ok()?;
        let depth = case.params.max_level();
        let digits = case.params.key_shape(depth).digits();
        let keys = plan::keys_by_kind(&case.params, &case.request);
        Some(Self { depth, digits, keys }).filter(|planned| planned.key_bytes(|_| true) == measured)
    }

    /// Bytes of the keys whose kind is one of these.
    pub fn key_bytes(&self, wanted: impl Fn(&str) -> bool) -> u64 {
        self.keys.iter().filter(|keys| wanted(keys.kind)).map(|keys| keys.bytes).sum()
    }
}
