//! The loop: cases, and images in them.

use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use fhe_ring::buffer::trim_pool;

use super::progress::Progress;
use super::selection::Subject;
use super::store::Store;
use super::{engine, rows, summary};
use crate::bench::yardstick_us;
use crate::case::Model;
use crate::config::{Cell, Config, Kind};
use crate::output::in_one_line;
use crate::records::{CaseRow, ExactRow, ImageRow};
use crate::{machine, output, simulation};

/// A run that is ready to go on.
pub struct Sweep<'a> {
    pub config: &'a Config,
    pub model: &'a Model,
    /// The images of every case, with the plaintext model's answers.
    pub images: Vec<(Subject, ExactRow)>,
    pub store: Store,
    pub out: &'a Path,
}

impl Sweep<'_> {
    /// Runs what is not done yet. Returns how many images and cases failed, now or before.
    pub fn run(mut self) -> Result<usize> {
        let (config, count) = (self.config, self.config.cells.len());
        let case_done = |sweep: &Self, cell: &Cell| sweep.store.case(&cell.id(config.kind)).is_some();
        let complete = config.cells.iter().all(|cell| case_done(&self, cell));
        if !complete {
            self.store.ended(None)?;
        }
        output::note(&format!("{}: {}\n", config.name, config.question))?;
        let progress = Progress::new(count * self.images.len());
        let mut failed = 0;
        let mut images = 0;
        let mut first = true;
        for (number, cell) in config.cells.iter().enumerate() {
            let id = cell.id(config.kind);
            let place = format!("case {}/{count} {id}", number + 1);
            progress.at(place.clone());
            let row = match self.store.case(&id) {
                Some(row) => {
                    progress.skip(self.images.len());
                    row.clone()
                }
                None => {
                    let row = self.case(first, cell, &progress)?;
                    first = false;
                    progress.say(&format!("{place}: {}", in_words(&row)));
                    self.store.add_case(&row)?;
                    row
                }
            };
            let wrong = |images: &[ImageRow]| images.iter().filter(|image| image.error.is_some()).count();
            failed += wrong(self.store.images(&id)) + usize::from(row.error.is_some());
            images += row.images;
        }
        drop(progress);
        if !self.store.has_ended() {
            self.store.ended(Some(machine::now()))?;
        }
        let failures = if failed == 0 { String::new() } else { format!(", {failed} failures") };
        output::note(&format!("{}: {count} cases, {images} evaluations{failures}\n", self.out.display()))?;
        Ok(failed)
    }

    /// Runs what is not done yet of a case, the `first` of this process or a later one. What goes wrong with it is in its
    /// row.
    fn case(&mut self, first: bool, cell: &Cell, progress: &Progress) -> Result<CaseRow> {
        // What earlier cases left for reuse is none of this one's.
        trim_pool();
        // The kernel's high-water mark is the process's: without a fresh one only the first case's says anything.
        let marked = machine::reset_peak_rss() || first;
        let case = self.config.case(cell, self.model)?;
        let mut row = summary::blank(cell, self.config.kind, case.as_ref());
        if let (Kind::Simulated, Some(case)) = (self.config.kind, &case) {
            row.backend = simulation::label(self.config.noise()?, case);
        }
        let id = row.case.clone();
        let known: HashSet<usize> = self.store.images(&id).iter().map(|row| row.image).collect();
        if known.len() < self.images.len() {
            if !first {
                self.store.measured(yardstick_us())?;
            }
            let engine = match engine::start(self.config, self.model, cell, case, progress) {
                Ok(engine) => engine,
                Err(error) => {
                    progress.skip(self.images.len());
                    return Ok(CaseRow { error: Some(in_one_line(&error)), ..row });
                }
            };
            row = engine.measure(row);
            let mut clock = Instant::now();
            // In fixed places: an image has the same company in its ciphertext whenever a run is stopped and goes on.
            for batch in self.images.chunks(engine.batch()) {
                let new = |(subject, _): &&(Subject, ExactRow)| !known.contains(&subject.index);
                if !batch.iter().any(|image| new(&image)) {
                    progress.skip(batch.len());
                    continue;
                }
                let subjects: Vec<&Subject> = batch.iter().map(|(subject, _)| subject).collect();
                let evaluated = batch.iter().zip(engine.evaluate(&subjects, progress));
                let rows = evaluated.filter(|(image, _)| new(image));
                let rows: Vec<_> = rows
                    .map(|((_, exact), evaluated)| rows::of(&id, exact, self.model.logit_bound, evaluated))
                    .collect();
                // What writing rows takes counts for the next images, and what a ciphertext takes for all of its images.
                let elapsed = clock.elapsed().as_secs_f64();
                clock = Instant::now();
                for (mut image, layers) in rows {
                    image.overhead_s = spent(&image).map(|spent| (elapsed - spent) / batch.len() as f64);
                    self.store.add_image(image, &layers)?;
                }
            }
            row.peak_rss_bytes = machine::peak_rss_bytes().filter(|_| marked);
        } else {
            progress.skip(self.images.len());
        }
        Ok(summary::summarise(row, self.store.images(&id)))
    }
}

/// Seconds of the images of a ciphertext that are not the harness's.
fn spent(image: &ImageRow) -> Option<f64> {
    Some(image.encrypt_s? + image.latency_s? + image.decrypt_s? + image.trace_s.unwrap_or(0.0))
}

/// A case in a line.
fn in_words(row: &CaseRow) -> String {
    if let Some(error) = &row.error {
        return format!("failed: {error}");
    }
    let CaseRow { images, failed, correct, flips, latency_s, amortised_s, .. } = row;
    let percent = row.accuracy.map_or(String::new(), |accuracy| format!(" ({:.2} %)", 100.0 * accuracy));
    let failures = if *failed == 0 { String::new() } else { format!(", {failed} failed") };
    let latency = match (latency_s, amortised_s) {
        (Some(seconds), Some(share)) if share < seconds => {
            format!(", {seconds:.2} s a ciphertext, {share:.2} s an image")
        }
        (Some(seconds), _) => format!(", {seconds:.2} s an image"),
        (None, _) => String::new(),
    };
    format!("{correct} of {} right{percent}, {flips} otherwise than in plaintext{latency}{failures}", images - failed)
}
