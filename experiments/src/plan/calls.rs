//! The plan of a submission to the benchmarking suite: what is called, and how often. Nothing else is known before.

use std::fmt::Write;
use std::path::PathBuf;

use serde::Serialize;

use crate::config::ForeignEngine;
use crate::contract::{Size, Stage};
use crate::output::counted;

/// The calls of a submission.
#[derive(Serialize)]
pub(super) struct Calls {
    /// The root of its repository, where the stages run.
    root: PathBuf,
    /// Times that the stages for images are called.
    calls: usize,
    /// Images in each call but the last.
    batch: usize,
    /// The size that the stages are told, by its name.
    size: &'static str,
    /// Seconds after which a stage is killed.
    stage_limit_s: f64,
    stages: Vec<StageProgram>,
}

/// A stage with its program.
#[derive(Clone, Serialize)]
struct StageProgram {
    stage: &'static str,
    /// The file; `None` if there is none.
    program: Option<PathBuf>,
}

impl Calls {
    /// Returns the calls for this many images.
    pub(super) fn new(engine: &ForeignEngine, images: usize) -> Self {
        let program = |stage: Stage| stage.programs(&engine.submission).into_iter().find(|path| path.is_file());
        Self {
            root: engine.root.clone(),
            calls: images.div_ceil(engine.batch),
            batch: engine.batch,
            size: engine.size.name(),
            stage_limit_s: engine.stage_limit.as_secs_f64(),
            stages: Stage::ALL.map(|stage| StageProgram { stage: stage.name(), program: program(stage) }).to_vec(),
        }
    }

    /// Returns why the submission cannot run; `None` if it can.
    pub(super) fn obstacle(&self) -> Option<String> {
        let missing: Vec<&str> =
            self.stages.iter().filter(|stage| stage.program.is_none()).map(|stage| stage.stage).collect();
        (!missing.is_empty()).then(|| format!("found no program of {}; build the submission", missing.join(", ")))
    }

    /// Writes the calls as text.
    pub(super) fn write(&self, text: &mut String) -> std::fmt::Result {
        let number = Size::ALL.into_iter().find(|size| size.name() == self.size).map_or(0, Size::number);
        writeln!(text, "\nin {}, each stage at most {} s", self.root.display(), self.stage_limit_s)?;
        let (calls, images) = (counted(self.calls, "call"), counted(self.batch, "image"));
        writeln!(text, "{calls} of at most {images}, size {number} ({})", self.size)?;
        for (at, StageProgram { stage, program }) in self.stages.iter().enumerate() {
            let times = if at < Stage::ONCE.len() { "once" } else { "each call" };
            let program = match program {
                Some(path) => path.strip_prefix(&self.root).unwrap_or(path).display().to_string(),
                None => "missing".to_owned(),
            };
            writeln!(text, "{stage:<28} {times:<10} {program}")?;
        }
        writeln!(text, "seconds and memory of another program are not known before it runs")
    }
}
