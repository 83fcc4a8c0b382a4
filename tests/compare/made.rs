//! Made-up runs: no figure in them was measured.

use std::path::Path;

use cipherlab::records::{CaseRow, ImageRow, LayerRow, Row, RunProvenance};
use serde_json::{Value, json};

/// A made-up case.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) backend: &'static str,
    pub(super) packing: &'static str,
    pub(super) insecure: bool,
    /// Numbers of its images.
    pub(super) images: std::ops::Range<usize>,
    /// Images of a ciphertext.
    pub(super) batch: usize,
    /// Seconds of an evaluation, more or less.
    pub(super) seconds: f64,
    pub(super) megabytes: u64,
    /// Largest error of an image's logits, more or less.
    pub(super) error: f64,
    /// Every so many-th image has another class than its label.
    pub(super) wrong: usize,
}

impl Case {
    pub(super) const FUSED: Self = Self {
        backend: "encrypted",
        packing: "fused",
        insecure: false,
        images: 0..40,
        batch: 1,
        seconds: 10.0,
        megabytes: 1500,
        error: 1e-5,
        wrong: 20,
    };

    /// Returns its name.
    pub(super) fn id(&self) -> String {
        let end = if self.insecure { "-insecure" } else { "" };
        format!("{}-65536-chebyshev:59-{}{end}", self.backend, self.packing)
    }

    fn row(&self) -> CaseRow {
        let images = self.images.len();
        row(json!({
            "case": self.id(), "backend": self.backend, "ring_dim": 65536, "security": if self.insecure { 0 } else { 128 },
            "relu": "chebyshev:59", "packing": self.packing, "images": images, "failed": 0, "correct": images, "flips": 0,
            "polynomial_flips": 0, "latency_s": self.seconds, "peak_rss_bytes": self.megabytes * 1_000_000,
        }))
    }

    /// Returns the rows of its images. `salt` makes the noise that of another run.
    fn image_rows(&self, salt: usize) -> Vec<ImageRow> {
        let image = |number: usize| {
            let label = number % 10;
            let class = if number % self.wrong == self.wrong - 1 { (label + 1) % 10 } else { label };
            let seconds = self.seconds * (1.0 + 0.04 * noise(number / self.batch, salt));
            let encrypted = self.backend == "encrypted";
            row(json!({
                "case": self.id(), "image": number, "label": label, "exact_class": label, "plain_class": label,
                "class": class, "margin": 1.0 + noise(number, 0), "batch": encrypted.then_some(self.batch),
                "latency_s": encrypted.then_some(seconds), "overflow": 0,
                "max_abs_error": self.error * (1.0 + 0.5 * noise(number, salt + 1)),
            }))
        };
        self.images.clone().map(image).collect()
    }
}

/// A row of these fields; the others are empty.
fn row<R: Row>(fields: Value) -> R {
    serde_json::from_value(fields).unwrap()
}

/// Returns a number from -1 to 1 that looks random.
fn noise(number: usize, salt: usize) -> f64 {
    let mixed = ((number * 1_000 + salt + 1) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 32) as f64 / 2_f64.powi(31) - 1.0
}

/// Writes a run into the folder `name` of `place`, with these changes of its provenance.
pub(super) fn write(place: &Path, name: &str, salt: usize, cases: &[Case], changes: &Value) {
    let folder = place.join(name);
    std::fs::create_dir(&folder).unwrap();
    let mut provenance = json!({
        "name": name, "config_sha256": "c0ffee", "version": "0.1.0", "revision": "0123456789ab",
        "binary_sha256": "b1", "rustc": null, "cpu": "Example 9000", "reference_ntt_us": 60.0, "threads": 2,
        "kernels": "avx512ifma", "weights_sha256": "a1", "card_sha256": null, "noise_sha256": null, "data_sha256": "d1",
        "seed": 1, "shard": null, "planned_cases": cases.len(),
        "planned_images": cases.iter().map(|case| case.images.len()).sum::<usize>(),
        "started": "2026-01-01T00:00:00Z", "ended": "2026-01-01T01:00:00Z",
    });
    provenance.as_object_mut().unwrap().extend(changes.as_object().cloned().unwrap_or_default());
    let provenance: RunProvenance = serde_json::from_value(provenance).unwrap();
    std::fs::write(folder.join("run.json"), serde_json::to_string(&provenance).unwrap()).unwrap();
    std::fs::write(folder.join("config.toml"), format!("name = \"{name}\"\n")).unwrap();
    rows::<CaseRow>(&folder, cases.iter().map(Case::row));
    rows::<ImageRow>(&folder, cases.iter().flat_map(|case| case.image_rows(salt)));
    rows::<LayerRow>(&folder, std::iter::empty());
}

fn rows<R: Row>(folder: &Path, rows: impl Iterator<Item = R>) {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_path(folder.join(R::FILE)).unwrap();
    writer.write_record(R::COLUMNS).unwrap();
    rows.for_each(|row| writer.serialize(row).unwrap());
    writer.flush().unwrap();
}
