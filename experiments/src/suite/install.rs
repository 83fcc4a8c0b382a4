//! Writes the folder of a submission into a copy of the suite.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::submission::Settings;
use crate::case::{Case, HEADROOM, SHIPPED};
use crate::contract::Stage;
use crate::files;
use crate::output::bytes;

const README: &str = include_str!("templates/README.md");
const BUILD: &str = include_str!("templates/build_task.sh");
const NO_DEPENDENCIES: &str = include_str!("templates/get_openfhe.sh");
const MODEL_CARD: &str = include_str!("../../../datasets/MODEL_CARD.md");

/// The model of a submission.
pub(crate) struct Model {
    /// Safetensors.
    pub weights: Vec<u8>,
    /// JSON.
    pub card: String,
}

impl Model {
    /// Returns the shipped network of this name.
    pub(crate) fn shipped(name: &Path) -> Option<Self> {
        let shipped = SHIPPED.iter().find(|shipped| Path::new(shipped.name) == name)?;
        Some(Self { weights: shipped.weights().to_vec(), card: shipped.card().to_owned() })
    }
}

/// The cases of a submission: one ring and one model.
pub(crate) struct Cases {
    /// For one image.
    pub single: Case,
    /// For several.
    pub batch: Case,
}

/// Writes the submission of these cases to `suite`, a copy of the suite: everything in the folder `place` below it, and the two
/// scripts that the harness runs first. Returns the folder.
///
/// # Errors
/// A folder that is no copy of the suite, a submission that is there already, and a file system that refuses.
pub(crate) fn install(suite: &Path, place: &Path, cases: &Cases, model: &Model, overwrite: bool) -> Result<PathBuf> {
    let harness = suite.join("harness/run_submission.py");
    ensure!(
        harness.is_file(),
        "{}: found no harness/run_submission.py, wanted a copy of the suite's workload ml-inference",
        suite.display()
    );
    ensure!(
        place.is_relative() && place.components().all(|part| matches!(part, std::path::Component::Normal(_))),
        "--as {}: wanted a folder below the suite, such as submissions/cifar10",
        place.display()
    );
    let (folder, scripts) = (suite.join(place), suite.join("scripts"));
    ensure!(
        overwrite || !folder.exists(),
        "{}: found a submission, wanted none; --overwrite writes this program's files over those that are there",
        folder.display()
    );
    for folder in [folder.join("bin"), folder.join("model"), scripts.clone()] {
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    let own = std::env::current_exe().context("the path of this program")?;
    let program = std::fs::read(&own).with_context(|| own.display().to_string())?;
    executable(&folder.join("bin/cipherlab"), &program)?;
    let write = |name: &str, content: &[u8]| files::replace(&folder.join(name), content);
    write("model/weights.safetensors", &model.weights)?;
    write("model/card.json", model.card.as_bytes())?;
    write("model/MODEL_CARD.md", MODEL_CARD.as_bytes())?;
    write("README.md", readme(cases, place).as_bytes())?;
    write(".gitignore", b"build/\n")?;
    settings(cases).write(&folder)?;
    let stages: Vec<_> = Stage::ALL.iter().map(|stage| stage.name()).collect();
    executable(&scripts.join("build_task.sh"), BUILD.replace("@STAGES@", &stages.join(" ")).as_bytes())?;
    executable(&scripts.join("get_openfhe.sh"), NO_DEPENDENCIES.as_bytes())?;
    Ok(folder)
}

fn settings(Cases { single, batch }: &Cases) -> Settings {
    let described = &single.described;
    Settings {
        ring_dim: described.ring_dim,
        relu: described.relu.clone(),
        packing: described.packing.clone(),
        batch_packing: batch.described.packing.clone(),
        headroom: HEADROOM,
        weights: "model/weights.safetensors".into(),
        card: "model/card.json".into(),
    }
}

/// Writes a file that may be run.
fn executable(path: &Path, content: &[u8]) -> Result<()> {
    files::replace(path, content)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let all = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(path, all).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// Returns the README with the numbers of the case.
fn readme(Cases { single: case, batch }: &Cases, place: &Path) -> String {
    let (params, described) = (&case.params, &case.described);
    let client = case.program.client_ring(params).expect("planned before");
    let table = |report: Option<fhe_ckks::security::SecurityReport>| {
        report.map_or("no table".to_owned(), |report| format!("{:.0} bits by {}", report.limit, report.table))
    };
    let values = [
        ("@PLACE@", place.display().to_string()),
        ("@RING@", described.ring_dim.to_string()),
        ("@RELU@", described.relu.clone()),
        ("@PACKING@", described.packing.clone()),
        ("@BATCH_PACKING@", batch.described.packing.clone()),
        ("@IMAGES@", batch.program.images().to_string()),
        ("@LOGQP@", format!("{:.0}", described.log_qp)),
        ("@LIMIT@", table(params.security())),
        ("@EPHEMERAL@", table(params.ephemeral_security())),
        ("@CLIENT_RING@", client.n().to_string()),
        ("@CLIENT_LOGQP@", format!("{:.0}", client.log_qp())),
        ("@CLIENT_LIMIT@", table(client.security())),
        ("@SECURITY@", described.security.to_string()),
        ("@KEYS@", bytes(case.plan.memory.keys as u64)),
        ("@MEMORY@", bytes(case.plan.memory.total() as u64)),
        ("@VERSION@", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    values.iter().fold(README.to_owned(), |text, (name, value)| text.replace(name, value))
}
