//! A submission to the FHE Benchmarking Suite: another program, stage by stage.

mod workspace;

use anyhow::Result;

use super::{Answer, Cost, Evaluated};
use crate::config::ForeignEngine;
use crate::contract::Stage;
use crate::run::progress::Progress;
use crate::run::selection::Subject;
use crate::supervise::Report;
use workspace::Workspace;

/// A submission whose keys are made.
pub(crate) struct Engine {
    workspace: Workspace,
    batch: usize,
    once: Vec<StageMeasured>,
}

/// A stage that ended well.
pub(crate) struct StageMeasured {
    /// The stage.
    pub stage: Stage,
    /// Images in the call; `None` for the stages before all images.
    pub images: Option<usize>,
    /// What it took.
    pub report: Report,
    /// Bytes in the folder that is counted after it.
    pub bytes: Option<u64>,
}

impl Engine {
    /// Takes the repository, makes keys, and lets the server prepare its network.
    ///
    /// # Errors
    /// A repository that another run has, or a stage that is missing or fails.
    pub(crate) fn start(engine: &ForeignEngine, progress: &Progress) -> Result<Self> {
        let workspace = Workspace::enter(engine)?;
        let mut once = Vec::new();
        for &stage in Stage::ONCE {
            progress.step(stage.name());
            once.push(workspace.run(stage, None)?);
        }
        Ok(Self { workspace, batch: engine.batch, once })
    }

    /// The number of images in a call.
    pub(crate) fn images(&self) -> usize {
        self.batch
    }

    /// The stages before all images.
    pub(crate) fn once(&self) -> &[StageMeasured] {
        &self.once
    }

    /// Sends images through the other stages. Returns the class of each, and the stages.
    ///
    /// # Errors
    /// A stage that fails, or answers that are no classes of these images.
    pub(crate) fn evaluate(
        &self,
        batch: &[&Subject],
        progress: &Progress,
    ) -> Result<(Vec<Evaluated>, Vec<StageMeasured>)> {
        self.workspace.put(batch)?;
        let mut stages = Vec::new();
        for &stage in Stage::EACH {
            progress.step(stage.name());
            stages.push(self.workspace.run(stage, Some(batch.len()))?);
        }
        let classes = self.workspace.answers(batch.len(), stages.last().map(|stage| &stage.report))?;
        batch.iter().for_each(|_| progress.image_done());
        let cost = cost(&stages, batch.len());
        let answer = |class| Evaluated { answer: Answer::Class(class), cost: Some(cost), steps: Vec::new() };
        Ok((classes.into_iter().map(answer).collect(), stages))
    }
}

/// What the client and the server took for a call.
fn cost(stages: &[StageMeasured], images: usize) -> Cost {
    use Stage::{
        ClientDecryptDecode, ClientEncodeEncryptInput, ClientPostprocess, ClientPreprocessInput, ServerEncryptedCompute,
    };
    let seconds = |wanted: &[Stage]| -> f64 {
        stages.iter().filter(|row| wanted.contains(&row.stage)).map(|row| row.report.wall_s).sum()
    };
    let bytes = |wanted: Stage| stages.iter().find(|row| row.stage == wanted).and_then(|row| row.bytes);
    Cost {
        images,
        encrypt: seconds(&[ClientPreprocessInput, ClientEncodeEncryptInput]),
        evaluate: seconds(&[ServerEncryptedCompute]),
        decrypt: seconds(&[ClientDecryptDecode, ClientPostprocess]),
        look: None,
        upload_bytes: bytes(ClientEncodeEncryptInput),
        download_bytes: bytes(ServerEncryptedCompute),
        energy_j: stages.iter().map(|row| row.report.energy_j).sum(),
    }
}
