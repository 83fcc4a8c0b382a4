//! The loop over cases and over the images of each.

use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

use anyhow::{Error, Result};
use fhe_ring::buffer::trim_pool;

use super::engine::{Batch, Engine};
use super::progress::Progress;
use super::rows::ImageRows;
use super::selection::Subject;
use super::store::Store;
use super::{engine, rows, summary};
use crate::bench::yardstick_us;
use crate::case::{self, Model};
use crate::config::{BackendKind, Cell, Config};
use crate::output::in_one_line;
use crate::records::{CaseRow, ExactRow, ImageRow};
use crate::report::outcome::{Tally, case_in_words};
use crate::{machine, output, simulation};

/// A run that is ready to go on.
pub(crate) struct Sweep<'a> {
    pub config: &'a Config,
    pub model: &'a Model,
    /// The images of every case, with the plaintext model's answers.
    pub images: Vec<(Subject, ExactRow)>,
    pub store: Store,
    pub out: &'a Path,
}

impl Sweep<'_> {
    /// Evaluates the rest of the run. Returns the counts of the whole run.
    pub(crate) fn run(mut self) -> Result<Tally> {
        let (config, count) = (self.config, self.config.cells.len());
        let case_done = |sweep: &Self, cell: &Cell| sweep.store.case(&cell.id(config.backend.kind)).is_some();
        if !config.cells.iter().all(|cell| case_done(&self, cell)) {
            self.store.reopen()?;
        }
        output::note(&format!("{}: {}\n", config.name, config.question))?;
        let progress = Progress::new(count * self.images.len());
        let mut tally = Tally::default();
        let mut first = true;
        for (number, cell) in config.cells.iter().enumerate() {
            let id = cell.id(config.backend.kind);
            let place = format!("case {}/{count} {id}", number + 1);
            progress.at(place.clone());
            let row = match self.store.case(&id) {
                Some(row) => {
                    progress.skip(self.images.len());
                    row.clone()
                }
                None => {
                    let threads = cell.resources.threads;
                    let row = case::on_threads(threads, || self.case(first, cell, &progress))?;
                    first = false;
                    progress.say(&format!("{place}: {}", case_in_words(&row)));
                    self.store.add_case(&row)?;
                    row
                }
            };
            tally.add(&row, self.store.images(&id));
        }
        drop(progress);
        self.store.end(machine::now())?;
        output::note(&format!("{}: {}\n", self.out.display(), tally.in_words()))?;
        Ok(tally)
    }

    /// Evaluates the rest of a case, the `first` of this process or a later one. If it cannot run, its row says why.
    fn case(&mut self, first: bool, cell: &Cell, progress: &Progress) -> Result<CaseRow> {
        // Memory that earlier cases left for reuse would count as this one's.
        trim_pool();
        // The kernel's high-water mark is the process's. If it cannot be reset, only that of the first case means
        // anything.
        let marked = machine::reset_peak_rss() || first;
        let refused = |row: CaseRow, error: &Error| {
            progress.skip(self.images.len());
            CaseRow { error: Some(in_one_line(error)), ..row }
        };
        let kind = self.config.backend.kind;
        let case = match self.config.case(cell, self.model) {
            Ok(case) => case,
            Err(error) => return Ok(refused(summary::blank(cell, kind, None), &error)),
        };
        let mut row = summary::blank(cell, kind, case.as_ref());
        if let (BackendKind::Simulated, Some(case)) = (kind, &case) {
            row.backend = simulation::label(self.config.backend.noise()?, case);
        }
        let id = row.case.clone();
        let known: HashSet<usize> = self.store.images(&id).iter().map(|row| row.image).collect();
        if known.len() < self.images.len() {
            if !first {
                self.store.measured(yardstick_us())?;
            }
            let engine = match engine::start(self.config, self.model, cell, case, progress) {
                Ok(engine) => engine,
                Err(error) => return Ok(refused(row, &error)),
            };
            row = engine.measure(row);
            self.store.add_stages(engine.once().iter().map(|stage| rows::stage(&id, None, stage)).collect())?;
            let mut clock = Instant::now();
            // Batches start at fixed places, so an image shares its ciphertext with the same images in a resumed run.
            for batch in self.images.chunks(engine.batch()) {
                let new = |subject: &Subject| !known.contains(&subject.index);
                if !batch.iter().any(|(subject, _)| new(subject)) {
                    progress.skip(batch.len());
                    continue;
                }
                let mut rows = self.batch(&engine, &id, batch, new, progress);
                // The time that writing rows takes counts for the next images; that of a ciphertext is shared by its
                // images.
                let elapsed = clock.elapsed().as_secs_f64();
                clock = Instant::now();
                for ImageRows { image, .. } in &mut rows {
                    image.overhead_s = spent(image).map(|spent| (elapsed - spent) / batch.len() as f64);
                }
                self.store.add_images(rows)?;
            }
            // The memory of a simulation says nothing about encryption.
            let encrypted = kind == BackendKind::Encrypted;
            row.peak_rss_bytes = machine::peak_rss_bytes().filter(|_| marked && encrypted);
        } else {
            progress.skip(self.images.len());
        }
        let row = summary::of_stages(row, self.store.stages(&id));
        Ok(summary::summarise(row, self.store.images(&id)))
    }

    /// Evaluates a batch of a case. Returns the rows of its new images.
    fn batch(
        &self,
        engine: &Engine,
        case: &str,
        batch: &[(Subject, ExactRow)],
        new: impl Fn(&Subject) -> bool,
        progress: &Progress,
    ) -> Vec<ImageRows> {
        let subjects: Vec<&Subject> = batch.iter().map(|(subject, _)| subject).collect();
        let Batch { images, stages } = engine.evaluate(&subjects, progress);
        let evaluated = batch.iter().zip(images).filter(|((subject, _), _)| new(subject));
        let mut rows: Vec<ImageRows> =
            evaluated.map(|((_, exact), evaluated)| rows::of(case, exact, self.model.logit_bound, evaluated)).collect();
        // The stages belong to one image, so that a resumed run has them with it or not at all.
        if let Some(first) = rows.first_mut() {
            let image = Some(first.image.image);
            first.stages = stages.iter().map(|stage| rows::stage(case, image, stage)).collect();
        }
        rows
    }
}

/// Seconds of an image's ciphertext that the harness did not spend.
fn spent(image: &ImageRow) -> Option<f64> {
    Some(image.encrypt_s? + image.latency_s? + image.decrypt_s? + image.trace_s.unwrap_or(0.0))
}
