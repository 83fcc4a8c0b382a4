//! `run --merge`: joins shards to one run.

pub(crate) mod groups;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::folder::Folder;
use super::rewrite::rewrite;
use super::shard::Shard;
use super::summary::{of_stages, summarise};
use super::tally;
use crate::files::replace;
use crate::output;
use crate::records::{
    CaseRow, Digests, ExactRow, ImageRow, LayerRow, Row, Run, RunProvenance, StageRow, file, parts, rows,
};
use crate::report::outcome::Tally;
use crate::report::statistics::median;

/// The name of a file that is there while a merge writes rows.
const UNFINISHED: &str = "merge-unfinished";

/// Joins the shards in `folders` to a run in `out`, and returns its counts. Its rows equal those of a run without shards, unless
/// ciphertexts hold several images: other images share one then.
pub(crate) fn merge(folders: &[PathBuf], out: &Path) -> Result<Tally> {
    let shards = read(&expand(folders)?)?;
    check(&shards)?;
    let merged = join(shards)?;
    write(&merged, out, false)?;
    Ok(tally::of(&merged.run))
}

/// Reads shards, in their order.
fn read(folders: &[PathBuf]) -> Result<Vec<Part>> {
    let mut shards = Vec::new();
    for folder in folders {
        let run = Run::read(folder)?;
        let place = || folder.display();
        let text = run.provenance.shard.as_deref();
        let text = text.with_context(|| format!("{}: found a run without shards, wanted a shard", place()))?;
        let shard: Shard = text.parse().with_context(|| format!("{}: {}", place(), file::RUN))?;
        shards.push((shard, run, rows::<ExactRow>(folder)?));
    }
    shards.sort_by_key(|(shard, ..)| *shard);
    Ok(shards)
}

/// Writes a run. With `again`, it takes the place of a run that was joined before.
fn write(merged: &Merged, out: &Path, again: bool) -> Result<()> {
    let mut folder = Folder::lock(out)?;
    if again {
        take_apart(out)?;
    }
    ensure!(
        folder.provenance()?.is_none(),
        "{}: found a run, wanted a folder without; take another --out",
        out.display()
    );
    // A process that was stopped here has left the mark and rows without a `run.json`. They are made again.
    let mark = out.join(UNFINISHED);
    if mark.exists() {
        remove_rows(out)?;
    }
    folder.begin(&merged.run.config, &merged.exact)?;
    replace(&mark, b"")?;
    let parts = parts(&merged.run.layers, &merged.run.stages);
    rewrite(out, &merged.run.layers, |_| None)?;
    if !merged.run.stages.is_empty() {
        rewrite(out, &merged.run.stages, |_| None)?;
    }
    rewrite(out, &merged.run.images, |row| Some(parts.get(&(&row.case[..], row.image)).copied().unwrap_or(0)))?;
    rewrite(out, &merged.run.cases, |_| None)?;
    // Last: a folder with this file has all rows, even if the process is stopped on the way.
    folder.write(&merged.run.provenance)?;
    std::fs::remove_file(&mark).with_context(|| mark.display().to_string())?;
    let (cases, images) = (merged.run.cases.len(), merged.run.images.len());
    output::note(&format!("{}: {cases} cases, {images} evaluations\n", out.display()))
}

/// Makes a folder of joined rows one where the next merge joins them again.
fn take_apart(folder: &Path) -> Result<()> {
    replace(&folder.join(UNFINISHED), b"")?;
    let run = folder.join(file::RUN);
    std::fs::remove_file(&run).with_context(|| run.display().to_string())
}

/// Removes the rows that a merge may have left.
fn remove_rows(folder: &Path) -> Result<()> {
    let files = [
        [folder.join(CaseRow::FILE), Digests::path::<CaseRow>(folder)],
        [folder.join(ImageRow::FILE), Digests::path::<ImageRow>(folder)],
        [folder.join(LayerRow::FILE), Digests::path::<LayerRow>(folder)],
        [folder.join(StageRow::FILE), Digests::path::<StageRow>(folder)],
    ];
    files
        .iter()
        .flatten()
        .filter(|path| path.exists())
        .try_for_each(|path| std::fs::remove_file(path).with_context(|| path.display().to_string()))
}

struct Merged {
    run: Run,
    exact: Vec<ExactRow>,
}

type Part = (Shard, Run, Vec<ExactRow>);

/// The folders of shards among these and inside of these.
fn expand(folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in folders {
        if folder.join(file::RUN).exists() {
            found.push(folder.clone());
            continue;
        }
        let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
        let before = found.len();
        for entry in entries {
            let path = entry.with_context(|| folder.display().to_string())?.path();
            let named = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("shard-"));
            if named && path.join(file::RUN).exists() {
                found.push(path);
            }
        }
        ensure!(found.len() > before, "{}: found no shard, wanted folders such as shard-1-of-2", folder.display());
    }
    Ok(found)
}

/// Refuses overlaps, gaps and mixed provenance.
fn check(shards: &[Part]) -> Result<()> {
    let (Shard { count, .. }, first, exact) = &shards[0];
    for (shard, run, answers) in shards {
        let place = run.folder.display();
        ensure!(
            shard.count == *count,
            "{place}: found shard {shard}, wanted one of {count}, as in {}",
            first.folder.display()
        );
        if let Some(clash) = run.provenance.clash(&first.provenance) {
            bail!("{place}: does not go with {}: {clash}", first.folder.display());
        }
        ensure!(
            answers == exact,
            "{place}: found other answers of the plaintext model than in {}",
            first.folder.display()
        );
        let RunProvenance { planned_cases, planned_images, .. } = run.provenance;
        ensure!(
            run.complete(),
            "{place}: partial, found {} of {planned_images} evaluations and {} of {planned_cases} cases; run the shard \
             to its end",
            run.images.len(),
            run.cases.len()
        );
        check_rows(*shard, run, exact).with_context(|| place.to_string())?;
    }
    for index in 1..=*count {
        let found: Vec<String> = shards
            .iter()
            .filter(|(shard, ..)| shard.index == index)
            .map(|(_, run, _)| run.folder.display().to_string())
            .collect();
        match &found[..] {
            [] => bail!("shard {index}/{count} is missing; wanted all {count}"),
            [_] => {}
            [one, other, ..] => bail!("{one} and {other}: both are shard {index}/{count}, wanted one of each"),
        }
    }
    Ok(())
}

/// Fails unless each case has each image of the shard once, or could not run, and no image of another shard.
fn check_rows(shard: Shard, run: &Run, exact: &[ExactRow]) -> Result<()> {
    let own: HashSet<usize> =
        exact.iter().enumerate().filter(|(position, _)| shard.owns(*position)).map(|(_, row)| row.image).collect();
    let mut seen = HashSet::new();
    for ImageRow { case, image, .. } in &run.images {
        ensure!(own.contains(image), "case {case}, image {image} belongs to another shard than {shard}");
        ensure!(seen.insert((case, image)), "found case {case}, image {image} twice");
    }
    let mut cases = HashSet::new();
    for CaseRow { case, error, .. } in &run.cases {
        ensure!(cases.insert(case), "found case {case} twice");
        let found = run.images.iter().filter(|row| row.case == *case).count();
        ensure!(
            error.is_some() || found == own.len(),
            "case {case}: found {found} images, wanted {} or why it could not be run",
            own.len()
        );
    }
    let stray = run.images.iter().find(|row| !cases.contains(&row.case));
    if let Some(ImageRow { case, .. }) = stray {
        bail!("found images of case {case}, but no row of the case");
    }
    Ok(())
}

fn join(shards: Vec<Part>) -> Result<Merged> {
    let (_, first, exact) = &shards[0];
    let mut images: HashMap<(&str, usize), &ImageRow> = HashMap::new();
    let mut layers: HashMap<(&str, usize), Vec<&LayerRow>> = HashMap::new();
    let mut stages: HashMap<(&str, Option<usize>), Vec<&StageRow>> = HashMap::new();
    for (_, run, _) in &shards {
        images.extend(run.images.iter().map(|row| ((row.case.as_str(), row.image), row)));
        for row in &run.layers {
            layers.entry((row.case.as_str(), row.image)).or_default().push(row);
        }
        for row in &run.stages {
            stages.entry((row.case.as_str(), row.image)).or_default().push(row);
        }
    }
    let mut merged = Run {
        folder: PathBuf::new(),
        config: first.config.clone(),
        provenance: joined(shards.iter().map(|(_, run, _)| &run.provenance)),
        cases: Vec::new(),
        images: Vec::new(),
        layers: Vec::new(),
        stages: Vec::new(),
        unchecked: Vec::new(),
    };
    for case in &first.cases {
        let (start, first_stage) = (merged.images.len(), merged.stages.len());
        merged.stages.extend(stages.remove(&(case.case.as_str(), None)).into_iter().flatten().cloned());
        let of_shards: Vec<&CaseRow> =
            shards.iter().flat_map(|(_, run, _)| run.cases.iter().filter(|row| row.case == case.case)).collect();
        let failed = of_shards.iter().find(|row| row.error.is_some());
        for ExactRow { image, .. } in exact {
            let key = (case.case.as_str(), *image);
            match images.get(&key) {
                Some(row) => merged.images.push((*row).clone()),
                None => ensure!(failed.is_some(), "case {}, image {image}: in no shard", case.case),
            }
            merged.layers.extend(layers.remove(&key).into_iter().flatten().cloned());
            let of_image = stages.remove(&(case.case.as_str(), Some(*image)));
            merged.stages.extend(of_image.into_iter().flatten().cloned());
        }
        // A case that could not run in one shard has no figures over all its images.
        if let Some(&failed) = failed {
            merged.cases.push(failed.clone());
            continue;
        }
        let keygen: Vec<f64> = of_shards.iter().filter_map(|row| row.keygen_s).collect();
        let fixed = CaseRow {
            keygen_s: median(&keygen),
            key_bytes: of_shards.iter().find_map(|row| row.key_bytes),
            constant_bytes: of_shards.iter().find_map(|row| row.constant_bytes),
            peak_rss_bytes: of_shards.iter().filter_map(|row| row.peak_rss_bytes).max(),
            kernels: named(of_shards.iter().filter_map(|row| row.kernels.as_deref()), ", "),
            holding: named(of_shards.iter().filter_map(|row| row.holding.as_deref()), " | "),
            ..case.clone()
        };
        let fixed = of_stages(fixed, &merged.stages[first_stage..]);
        merged.cases.push(summarise(fixed, &merged.images[start..]));
    }
    Ok(Merged { run: merged, exact: exact.clone() })
}

/// Returns the different names among these, with `between` them; `None` without names.
fn named<'a>(names: impl Iterator<Item = &'a str>, between: &str) -> Option<String> {
    let names: BTreeSet<&str> = names.collect();
    (!names.is_empty()).then(|| names.into_iter().collect::<Vec<_>>().join(between))
}

/// The provenance of the joined run, which lasts from the first start to the last end.
fn joined<'a>(parts: impl Iterator<Item = &'a RunProvenance> + Clone) -> RunProvenance {
    let all = || parts.clone();
    let predicted_from: BTreeSet<String> = all().flat_map(|part| part.predicted_from.clone()).collect();
    RunProvenance {
        shard: None,
        planned_images: all().map(|part| part.planned_images).sum(),
        ntt_us: all().filter_map(|part| part.ntt_us).reduce(f64::min),
        reference_ntt_us: all().filter_map(|part| part.reference_ntt_us).reduce(f64::min),
        predicted_from: predicted_from.into_iter().collect(),
        started: all().map(|part| part.started.clone()).min().expect("there is a part"),
        ended: all().filter_map(|part| part.ended.clone()).max(),
        ..all().next().expect("there is a part").clone()
    }
}
