//! `plan`: shows a case before anything runs.

use std::path::PathBuf;

use anyhow::Result;

use crate::plan::{Plan, sweep, text};
use crate::{case, output};

/// Arguments of `plan`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Plan every case of this config, in a line for each, instead of the case that the flags name.
    #[arg(conflicts_with_all = [
        "ring_dim", "relu", "packing", "circuit", "headroom", "weights", "card", "insecure", "kernels", "backend", "threads", "max_memory",
    ])]
    config: Option<PathBuf>,
    #[command(flatten)]
    case: case::Args,
    /// Print the plan as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs `plan`.
pub(crate) fn run(args: &Args) -> Result<()> {
    if let Some(config) = &args.config {
        return sweep::run(config, args.json);
    }
    args.case.in_pool(|| {
        let case = args.case.case()?;
        let plan = Plan::new(&case, args.case.check_memory(&case).err())?;
        if args.json {
            output::out(&format!("{}\n", serde_json::to_string(&plan)?))
        } else {
            output::out(&text::render(&plan))
        }
    })
}
