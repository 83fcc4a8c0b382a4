//! `[backend]` of the kind `suite`: where the submission is, and how it is called.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::BackendKeys;
use crate::config::Source;
use crate::contract::{SUBMISSIONS, Size, submission};

/// Seconds that a stage may take if the config does not say: four times those that the suite's reference needs to evaluate
/// an image.
const STAGE_LIMIT_S: f64 = 7200.0;
/// The longest label, in characters.
const LONGEST_LABEL: usize = 40;

/// A submission to the FHE Benchmarking Suite.
#[derive(Clone, Debug)]
pub(crate) struct ForeignEngine {
    /// The root of the repository, an absolute path.
    pub root: PathBuf,
    /// The folder of its programs, an absolute path.
    pub submission: PathBuf,
    /// The name of the engine in rows and tables.
    pub label: String,
    /// Images in a call.
    pub batch: usize,
    /// The size that holds so many images.
    pub size: Size,
    /// The time after which a stage is killed.
    pub stage_limit: Duration,
    /// The number of threads that the engine is told; `None` to tell it nothing.
    pub threads: Option<usize>,
}

impl ForeignEngine {
    /// Reads the keys of the backend. Paths are relative to `folder`.
    pub(super) fn new(source: &Source, keys: &BackendKeys, folder: &Path) -> Result<Self> {
        let Some(dir) = &keys.dir else {
            let wanted = "wanted the folder of a submission to the FHE Benchmarking Suite";
            bail!("{}: found no backend.dir, {wanted}", source.at(&keys.kind, "backend.kind"));
        };
        let place = || source.at(dir, "backend.dir");
        let given = folder.join(dir.get_ref());
        let root = given.canonicalize().with_context(|| format!("{}: {}", place(), given.display()))?;
        let Some(submission) = submission(&root) else {
            bail!(
                "{}: found neither {} in {}, wanted one of them",
                place(),
                SUBMISSIONS.join("/ nor "),
                root.display()
            );
        };
        let batch = keys.batch.as_ref().map_or(1, |batch| *batch.get_ref());
        let Some(size) = Size::holding(batch) else {
            let batch = keys.batch.as_ref().expect("one image has a size");
            bail!("{}: wanted 1 to {}, the images in a call", source.at(batch, "backend.batch"), Size::Large.images());
        };
        let stage_limit = Duration::from_secs_f64(stage_limit_s(source, keys)?);
        let threads = keys.threads.as_ref().map(|threads| *threads.get_ref());
        let label = label(source, keys, &root)?;
        Ok(Self { root, submission, label, batch, size, stage_limit, threads })
    }
}

fn stage_limit_s(source: &Source, keys: &BackendKeys) -> Result<f64> {
    let Some(limit) = &keys.stage_limit_s else { return Ok(STAGE_LIMIT_S) };
    let seconds = *limit.get_ref();
    let place = || source.at(limit, "backend.stage_limit_s");
    ensure!((0.01..=1e7).contains(&seconds), "{}: wanted seconds, from 0.01 to 10000000", place());
    Ok(seconds)
}

/// The label, or the name of the folder. It is part of the case's name.
fn label(source: &Source, keys: &BackendKeys, root: &Path) -> Result<String> {
    let fits = |text: &str| {
        let length = text.chars().count();
        let plain = |c: char| c.is_alphanumeric() || " -_.:+".contains(c);
        (1..=LONGEST_LABEL).contains(&length) && text.trim() == text && text.chars().all(plain)
    };
    let wanted = format!("wanted 1 to {LONGEST_LABEL} letters, digits, spaces and - _ . : +");
    match &keys.label {
        Some(label) => {
            ensure!(fits(label.get_ref()), "{}: {wanted}", source.at(label, "backend.label"));
            Ok(label.get_ref().clone())
        }
        None => {
            let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let place = || source.at(&keys.kind, "backend.kind");
            ensure!(
                fits(&name),
                "{}: the folder's name {name:?} is no label; name one as backend.label, {wanted}",
                place()
            );
            Ok(name)
        }
    }
}
