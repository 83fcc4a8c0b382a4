//! From a config to a folder that is ready for rows: a new one, or one that an earlier process left.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use fhe_ring::Kernels;

use super::selection::{self, Subject};
use super::shard::Shard;
use super::store::Folder;
use super::sweep::Sweep;
use super::{preflight, progress::Progress};
use crate::bench::yardstick_us;
use crate::case::Model;
use crate::config::{Config, Kind};
use crate::records::{ExactRow, Provenance, file};
use crate::{machine, prediction};
use datasets::digest::{sha256, sha256_reader};

/// Chooses the images, holds the model against its card, and makes or finds the folder.
pub fn start<'a>(config: &'a Config, model: &'a Model, shard: Option<Shard>, out: &'a Path) -> Result<Sweep<'a>> {
    let pool = selection::pool(&config.data)?;
    let chosen = match out.join(file::RUN).exists() {
        // Rows of this config and program are of cells that were checked; any other will be refused.
        true => None,
        // What fails here leaves no folder behind.
        false => {
            config.check(model)?;
            Some(choose(config, model, &pool, shard)?)
        }
    };
    let mut folder = Folder::lock(out)?;
    let mut provenance = provenance(config, model, shard)?;
    let earlier = folder.provenance()?;
    if let Some(earlier) = &earlier {
        provenance.data_sha256 = earlier.data_sha256.clone();
        refuse_others(&provenance, earlier, out)?;
    }
    let exact = match (&earlier, chosen) {
        (Some(_), _) => folder.exact()?,
        (None, Some(exact)) => exact,
        (None, None) => choose(config, model, &pool, shard)?,
    };
    let subjects = subjects(&pool, &exact).with_context(|| out.display().to_string())?;
    let own = |position: &usize| shard.is_none_or(|shard| shard.owns(*position));
    let positions: Vec<usize> = (0..subjects.len()).filter(own).collect();
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
            // What its cases were measured beside and predicted from stays said.
            let yardsticks = [earlier.reference_ntt_us, provenance.reference_ntt_us];
            let reference_ntt_us = yardsticks.into_iter().flatten().reduce(f64::min);
            let now = std::mem::take(&mut provenance.predicted_from);
            let predicted_from = earlier.predicted_from.into_iter().chain(now).collect::<BTreeSet<_>>();
            let predicted_from = predicted_from.into_iter().collect();
            let Provenance { started, ended, .. } = earlier;
            provenance = Provenance { started, ended, reference_ntt_us, predicted_from, ..provenance };
        }
    }
    let wanted: HashSet<usize> = positions.iter().map(|&position| subjects[position].index).collect();
    let cases = config.cells.iter().map(|cell| cell.id(config.kind)).collect();
    let store = folder.open(provenance, &wanted, &cases)?;
    let images = positions.into_iter().map(|position| (subjects[position].clone(), exact[position].clone())).collect();
    Ok(Sweep { config, model, images, store, out })
}

/// Rows of one provenance alone share a folder.
fn refuse_others(provenance: &Provenance, earlier: &Provenance, out: &Path) -> Result<()> {
    let shard = |provenance: &Provenance| provenance.shard.clone().unwrap_or("none".to_owned());
    let other_shard = || {
        (provenance.shard != earlier.shard)
            .then(|| format!("shard: found {}, wanted {}", shard(earlier), shard(provenance)))
    };
    match earlier.clash(provenance).or_else(other_shard) {
        None => Ok(()),
        Some(clash) => {
            let place = out.display();
            bail!("{place}: holds rows of another run ({clash}); take another --out, or delete the folder")
        }
    }
}

/// The plaintext model's answers on the images of the run, after the preflight check.
fn choose(config: &Config, model: &Model, pool: &[Subject], shard: Option<Shard>) -> Result<Vec<ExactRow>> {
    let answers = |subjects: &[Subject]| {
        let progress = Progress::new(subjects.len());
        progress.at("plaintext model".to_owned());
        let answers = preflight::exact(model, subjects, &|| progress.image_done())?;
        preflight::check(model, &answers)?;
        Ok(answers)
    };
    // Only a choice by margin needs the whole pool's; then the check, too, is on the pool, which nobody chose.
    let mut whole: Option<Vec<ExactRow>> = None;
    let chosen = selection::choose(&config.data, pool, || Ok(whole.insert(answers(pool)?).clone()))?;
    if let Some(Shard { count, .. }) = shard {
        let found = chosen.len();
        ensure!(count <= found, "--shard: found {found} images for {count} shards, wanted at least one image for each");
    }
    match whole {
        Some(whole) => Ok(chosen.iter().map(|&at| whole[at].clone()).collect()),
        None => answers(&chosen.iter().map(|&at| pool[at].clone()).collect::<Vec<_>>()),
    }
}

/// The images that the answers are for.
fn subjects(pool: &[Subject], exact: &[ExactRow]) -> Result<Vec<Subject>> {
    let known: HashMap<usize, &Subject> = pool.iter().map(|subject| (subject.index, subject)).collect();
    let find = |row: &ExactRow| {
        let subject = known.get(&row.image).map(|&subject| subject.clone());
        subject.with_context(|| format!("holds image {}, which the config does not choose from", row.image))
    };
    exact.iter().map(find).collect()
}

/// That of a run that starts now; the images are still to come.
fn provenance(config: &Config, model: &Model, shard: Option<Shard>) -> Result<Provenance> {
    let noise = (config.kind == Kind::Simulated).then(|| anyhow::Ok(sha256(&serde_json::to_vec(config.noise()?)?)));
    let program = std::env::current_exe().context("the program's own file")?;
    Ok(Provenance {
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
        reference_ntt_us: Some(yardstick_us()),
        predicted_from: predicted_from(config)?,
        threads: rayon::current_num_threads(),
        kernels: config.kernels.unwrap_or_else(Kernels::detect).name().to_owned(),
        weights_sha256: model.weights_sha256.clone(),
        card_sha256: model.card_sha256.clone(),
        noise_sha256: noise.transpose()?,
        data_sha256: String::new(),
        seed: config.seed,
        shard: shard.map(|shard| shard.to_string()),
        planned_cases: config.cells.len(),
        planned_images: 0,
        started: machine::now(),
        ended: None,
    })
}

/// What predictions are made of, ring by ring: encrypted cases alone have any.
fn predicted_from(config: &Config) -> Result<Vec<String>> {
    let encrypted = config.cells.iter().filter(|_| config.kind == Kind::Encrypted);
    let rings: BTreeSet<usize> = encrypted.filter_map(|cell| Some(cell.ring?.0)).collect();
    let kernels = config.kernels.unwrap_or_else(Kernels::detect);
    rings.into_iter().map(|ring_dim| prediction::source(ring_dim, kernels)).collect()
}
