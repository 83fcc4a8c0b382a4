//! The server: evaluates the network on uploads, with public files only.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use fhe_ckks::{Parameters, Serial};
use indicatif::ProgressBar;

use super::frames;
use super::keys;
use super::manifest::Manifest;
use super::parcel::{self, Direction, Parcel};
use crate::case::Case;
use crate::serving::Serving;

/// A server that is ready for uploads of one client.
pub(crate) struct Server {
    /// Seconds of reading the keys.
    pub load: f64,
    /// Seconds of encoding constants.
    pub prepare: f64,
    manifest: Manifest,
    client_ring: Parameters,
    serving: Serving,
}

/// A parcel that was evaluated.
pub(crate) struct Evaluated {
    /// Seconds of each ciphertext that was evaluated now.
    pub seconds: Vec<f64>,
    /// Ciphertexts whose logits were there already.
    pub kept: usize,
    /// The parcel.
    pub parcel: Parcel,
    /// Bytes of the ciphertexts that were read now.
    pub upload_bytes: u64,
    /// Bytes of the ciphertexts that were written now.
    pub download_bytes: u64,
}

impl Server {
    /// Reads the public keys of a client for a case.
    ///
    /// # Errors
    /// Keys and weights that do not go together, and files that are no keys.
    pub(crate) fn start(keys: &Path, manifest: Manifest, case: Case) -> Result<Self> {
        manifest.check_case(&case).with_context(|| keys.display().to_string())?;
        let started = Instant::now();
        let client_ring = case.program.client_ring(&case.params)?;
        let keys = keys::evaluation(keys, &manifest, &case)?;
        let load = started.elapsed().as_secs_f64();
        let started = Instant::now();
        let serving = Serving::start(case, keys)?;
        Ok(Self { load, prepare: started.elapsed().as_secs_f64(), manifest, client_ring, serving })
    }

    /// The case.
    pub(crate) fn case(&self) -> &Case {
        &self.serving.case
    }

    /// Evaluates every ciphertext of an upload whose logits are not in `out` yet.
    ///
    /// # Errors
    /// An upload under other keys, a folder with the results of another upload, ciphertexts that cannot be read, and a
    /// file system that refuses.
    pub(crate) fn evaluate(
        &self,
        from: &Path,
        out: &Path,
        bar: impl Fn(usize, usize) -> ProgressBar,
    ) -> Result<Evaluated> {
        let parcel = Parcel::expect(from, Direction::Up)?;
        parcel.check_key(from, &self.manifest.key)?;
        match Parcel::read(out)? {
            Some(found) if found != parcel => bail!(
                "{}: found results of the upload {}, wanted a new folder, or one with results of {}, that of {}",
                out.display(),
                found.upload,
                parcel.upload,
                from.display()
            ),
            Some(_) => {}
            None => {
                std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
                parcel.write(out)?;
            }
        }
        let count = parcel.ciphertexts();
        let mut result = Evaluated { seconds: Vec::new(), kept: 0, upload_bytes: 0, download_bytes: 0, parcel };
        for k in 0..count {
            let [source, target] =
                [(from, Direction::Up), (out, Direction::Down)].map(|(folder, way)| parcel::path(folder, way, k));
            if target.exists() {
                result.kept += 1;
                continue;
            }
            let image = frames::read_ciphertext(&source, &self.client_ring)?;
            result.upload_bytes += std::fs::metadata(&source).map_or(0, |metadata| metadata.len());
            let started = Instant::now();
            let logits = self.serving.evaluate(&image, bar(k, count), &mut |_, _| {});
            let logits = logits.with_context(|| source.display().to_string())?;
            result.seconds.push(started.elapsed().as_secs_f64());
            frames::write(&target, &self.client_ring, &logits)?;
            result.download_bytes += logits.serialized_len();
        }
        Ok(result)
    }
}
