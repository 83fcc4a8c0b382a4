//! From a config to a run: a new one, one that an earlier process left, or one that is finished.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use fhe_ring::Kernels;

use super::answers;
use super::folder::Folder;
use super::rewrite::rewrite;
use super::selection::{self, Subject};
use super::shard::Shard;
use super::store::{Order, Store};
use super::sweep::Sweep;
use crate::bench::yardstick_us;
use crate::case::{self, Model};
use crate::config::{BackendKind, Config};
use crate::contract::Stage;
use crate::records::{ExactRow, Run, RunProvenance};
use crate::{machine, prediction};
use datasets::digest::{sha256, sha256_reader};

/// The work that is left in a run's folder.
pub(crate) enum Start<'a> {
    /// Nothing: every case is done.
    Finished(Box<Run>),
    /// Evaluations.
    Ready(Box<Sweep<'a>>),
}

/// Chooses the images, checks the model against its card, and makes or finds the folder. A finished run is only read.
/// `shared` is a folder with answers of the plaintext model, for runs that are parts of one.
pub(crate) fn start<'a>(
    config: &'a Config,
    model: &'a Model,
    shard: Option<Shard>,
    shared: Option<&Path>,
    out: &'a Path,
) -> Result<Start<'a>> {
    let pool = selection::pool(&config.data, model.network.classifier.out_features)?;
    let mut provenance = provenance(config, model, shard)?;
    let choose = || match shared.and_then(|folder| answers::shared(folder, model, &pool)) {
        Some(exact) => Ok(exact),
        None => answers::choose(config, model, &pool, shard),
    };
    let mut chosen = None;
    match RunProvenance::read(out)? {
        // An error here leaves no folder behind. The cells of an earlier run of this config and program were checked.
        None => {
            config.check(model)?;
            chosen = Some(choose()?);
        }
        Some(earlier) => {
            refuse_others(&provenance, &earlier, out)?;
            if let Some(run) = finished(config, shard, out, &pool, &earlier) {
                return Ok(Start::Finished(Box::new(run)));
            }
        }
    }
    provenance.reference_ntt_us = Some(yardstick_us());
    let mut folder = Folder::lock(out)?;
    let earlier = folder.provenance()?;
    if let Some(earlier) = &earlier {
        refuse_others(&provenance, earlier, out)?;
    }
    let known = earlier.as_ref().and_then(|earlier| answers::of_images(out, &pool, &earlier.data_sha256));
    let lost = earlier.is_some() && known.is_none();
    let exact = match known.or(chosen) {
        Some(exact) => exact,
        None => choose()?,
    };
    let subjects = answers::subjects(&pool, &exact).with_context(|| out.display().to_string())?;
    let positions: Vec<usize> = own(shard, subjects.len()).collect();
    provenance.data_sha256 = selection::digest(&subjects);
    provenance.planned_images = config.cells.len() * positions.len();
    match earlier {
        None => {
            folder.begin(&config.source.text, &exact)?;
            folder.write(&provenance)?;
        }
        Some(earlier) => {
            refuse_others(&provenance, &earlier, out)?;
            folder.keep(&config.source.text)?;
            if lost {
                replace_answers(out, &exact)?;
            }
            provenance = joined(earlier, provenance);
        }
    }
    let order = order(config, positions.iter().map(|&position| subjects[position].index).collect());
    let store = Store::open(folder, provenance, order, &mut |text| eprintln!("{text}"))?;
    let images = positions.into_iter().map(|position| (subjects[position].clone(), exact[position].clone())).collect();
    Ok(Start::Ready(Box::new(Sweep { config, model, images, store, out })))
}

/// Returns the rows that the run is to have over these images.
fn order(config: &Config, images: Vec<usize>) -> Order {
    let cases = config.cells.iter().map(|cell| cell.id(config.backend.kind)).collect();
    Order { cases, images, stages: config.backend.engine.is_some() }
}

/// Writes the answers of the plaintext model in place of damaged ones, and says so.
fn replace_answers(out: &Path, exact: &[ExactRow]) -> Result<()> {
    rewrite(out, exact, |_| None)?;
    eprintln!("{}: the answers of the plaintext model were damaged; they are computed anew", out.display());
    Ok(())
}

/// Returns the run in the folder if it is finished and as it was written.
fn finished(
    config: &Config,
    shard: Option<Shard>,
    out: &Path,
    pool: &[Subject],
    earlier: &RunProvenance,
) -> Option<Run> {
    earlier.ended.as_ref()?;
    let exact = answers::of_images(out, pool, &earlier.data_sha256)?;
    let images: Vec<usize> = own(shard, exact.len()).map(|position| exact[position].image).collect();
    let run = Run::read(out).ok().filter(Run::complete)?;
    // A case that could not run is tried again.
    let ran = run.cases.iter().all(|row| row.error.is_none());
    let cases = config.cells.iter().map(|cell| cell.id(config.backend.kind));
    let rows = cases.clone().flat_map(|case| images.iter().map(move |&image| (case.clone(), image)));
    let own = run.cases.iter().map(|row| row.case.clone()).eq(cases)
        && run.images.iter().map(|row| (row.case.clone(), row.image)).eq(rows);
    Some(run).filter(|_| ran && own)
}

/// The positions of a shard's images among `count`.
fn own(shard: Option<Shard>, count: usize) -> impl Iterator<Item = usize> {
    (0..count).filter(move |&position| shard.is_none_or(|shard| shard.owns(position)))
}

/// Returns the provenance of a run that goes on. It keeps the measurements behind earlier predictions, and the least
/// yardstick.
fn joined(earlier: RunProvenance, now: RunProvenance) -> RunProvenance {
    let reference_ntt_us = [earlier.reference_ntt_us, now.reference_ntt_us].into_iter().flatten().reduce(f64::min);
    let predicted_from = earlier.predicted_from.iter().chain(&now.predicted_from).cloned().collect::<BTreeSet<_>>();
    let predicted_from = predicted_from.into_iter().collect();
    RunProvenance { started: earlier.started, ended: earlier.ended, reference_ntt_us, predicted_from, ..now }
}

/// Fails if the folder has rows of another provenance. The images are compared once they are known.
fn refuse_others(provenance: &RunProvenance, earlier: &RunProvenance, out: &Path) -> Result<()> {
    let shard = |provenance: &RunProvenance| provenance.shard.clone().unwrap_or("none".to_owned());
    let other_shard = || {
        (provenance.shard != earlier.shard)
            .then(|| format!("shard: found {}, wanted {}", shard(earlier), shard(provenance)))
    };
    let earlier = &match &provenance.data_sha256[..] {
        "" => RunProvenance { data_sha256: String::new(), ..earlier.clone() },
        _ => earlier.clone(),
    };
    match earlier.clash(provenance).or_else(other_shard) {
        None => Ok(()),
        Some(clash) => {
            let place = out.display();
            bail!("{place}: holds rows of another run ({clash}); take another --out, or delete the folder")
        }
    }
}

/// The provenance of a run that starts now, without its images and its yardstick.
fn provenance(config: &Config, model: &Model, shard: Option<Shard>) -> Result<RunProvenance> {
    let noise = (config.backend.kind == BackendKind::Simulated)
        .then(|| anyhow::Ok(sha256(&serde_json::to_vec(config.backend.noise()?)?)));
    let program = std::env::current_exe().context("the program's own file")?;
    Ok(RunProvenance {
        name: config.name.clone(),
        config_sha256: sha256(config.source.text.as_bytes()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: machine::REVISION.map(str::to_owned),
        binary_sha256: std::fs::File::open(&program)
            .and_then(sha256_reader)
            .with_context(|| program.display().to_string())?,
        rustc: machine::RUSTC.map(str::to_owned),
        cpu: machine::cpu_model(),
        ntt_us: None,
        reference_ntt_us: None,
        predicted_from: predicted_from(config)?,
        threads: config.threads().unwrap_or_else(rayon::current_num_threads),
        kernels: config.all_kernels().to_owned(),
        weights_sha256: model.weights_sha256.clone(),
        card_sha256: model.card_sha256.clone(),
        noise_sha256: noise.transpose()?,
        engine_sha256: config
            .backend
            .engine
            .as_ref()
            .map(|engine| submission_sha256(&engine.submission))
            .transpose()?,
        profiles: config.profiles().to_vec(),
        data_sha256: String::new(),
        seed: config.backend.seed,
        shard: shard.map(|shard| shard.to_string()),
        planned_cases: config.cells.len(),
        planned_images: 0,
        started: machine::now(),
        ended: None,
    })
}

/// Returns the SHA-256 over the names and digests of a submission's files: programs, models and settings, and the stages
/// that were built. Other files of `build`, such as constants, are made by the engine as it runs.
fn submission_sha256(submission: &Path) -> Result<String> {
    let mut files = Vec::new();
    files_below(submission, &mut files)?;
    files.extend(Stage::ALL.map(|stage| stage.programs(submission)[1].clone()));
    files.retain(|path| path.is_file());
    files.sort();
    files.dedup();
    let mut text = String::new();
    for path in files {
        let digest = std::fs::File::open(&path).and_then(sha256_reader).with_context(|| path.display().to_string())?;
        text += &format!("{digest} {}\n", path.strip_prefix(submission).unwrap_or(&path).display());
    }
    Ok(sha256(text.as_bytes()))
}

/// Collects the files below a folder. It passes over what is built, cached or hidden.
fn files_below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let place = || folder.display().to_string();
    for entry in std::fs::read_dir(folder).with_context(place)? {
        let path = entry.with_context(place)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') || ["build", "__pycache__"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            files_below(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// The measurements that predictions are made from, ring by ring. Only encrypted cases have predictions.
fn predicted_from(config: &Config) -> Result<Vec<String>> {
    let encrypted = config.cells.iter().filter(|_| config.backend.kind == BackendKind::Encrypted);
    let mut seen = HashSet::new();
    let other = |(ring_dim, kernels, threads): &(usize, Kernels, Option<usize>)| {
        seen.insert((*ring_dim, kernels.name(), *threads))
    };
    let machines = encrypted.filter_map(|cell| Some((cell.ring?.0, config.kernels(cell), cell.resources.threads)));
    let machines: Vec<_> = machines.filter(other).collect();
    let source = |(ring_dim, kernels, threads)| case::on_threads(threads, || prediction::source(ring_dim, kernels));
    let sources = machines.into_iter().map(source).collect::<Result<BTreeSet<_>>>()?;
    Ok(sources.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submission_is_known_by_its_programs_and_models() {
        let folder = tempfile::tempdir().unwrap();
        let digest = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
            submission_sha256(folder.path()).unwrap()
        };
        let first = digest("stage.py", "one");
        let model = digest("model/weights", "one");
        let stage = digest("build/client_key_generation", "one");
        assert!(first != model && model != stage);
        for (name, text) in [("build/constants", "one"), ("__pycache__/stage.pyc", "one"), (".gitignore", "build")] {
            assert_eq!(digest(name, text), stage, "{name}");
        }
        for name in ["stage.py", "model/weights", "build/client_key_generation"] {
            assert_ne!(digest(name, "two"), stage, "{name}");
            assert_eq!(digest(name, "one"), stage, "{name}");
        }
    }
}
