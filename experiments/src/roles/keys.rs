//! The folders of keys: makes them, and reads what each role needs of them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use fhe_ckks::{EvaluationKeys, PublicKey, SecretKey};
use fhe_nn::encrypted::{Client, KeyPlace};
use fhe_ring::MappedFile;
use rand::CryptoRng;

use super::frames;
use super::manifest::{self, Manifest};
use crate::case::{Case, Shelved};
use crate::files::{self, Durability};

const SECRET: &str = "secret.key";
const PUBLIC: &str = "public.key";
const EVALUATION: &str = "evaluation.keys";

/// Where keys lie: the secret one in a folder of its own.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The folder of the secret key.
    pub secret: PathBuf,
    /// The folder that a server gets.
    pub public: PathBuf,
}

impl Places {
    /// Returns the places in a folder of keys: the public ones in a folder in it.
    pub(crate) fn within(keys: &Path) -> Self {
        Self { secret: keys.to_owned(), public: keys.join("public") }
    }

    /// Returns the folder of public keys that a user named, itself or the folder around it.
    pub(crate) fn public_of(keys: &Path) -> PathBuf {
        let inner = Self::within(keys).public;
        if !keys.join(manifest::NAME).exists() && inner.join(manifest::NAME).exists() { inner } else { keys.to_owned() }
    }

    fn secret_key(&self) -> PathBuf {
        self.secret.join(SECRET)
    }
}

/// Makes the keys of a case and writes them. The manifest comes last: keys without it are unfinished.
///
/// # Errors
/// Keys that are there already, and a file system that refuses.
pub(crate) fn make(case: &Case, places: &Places, rng: &mut impl CryptoRng) -> Result<Manifest> {
    for path in [places.secret_key(), places.public.join(manifest::NAME)] {
        ensure!(!path.exists(), "{}: found keys, wanted a new folder: keys are never overwritten", path.display());
    }
    for folder in [&places.secret, &places.public] {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let shelf = case.shelf(Shelved::KEYS)?;
    let (client, _, keys) =
        Client::generate_observed(&case.program, &case.params, &case.plan.request, rng, shelf.as_ref())?;
    let [public, evaluation] = [PUBLIC, EVALUATION].map(|name| places.public.join(name));
    let ring = client.secret().params();
    frames::write(&public, ring, &client.public_key(rng), Durability::Whole)?;
    // To wait until some hundred megabytes are on the disk would take longer than to make them.
    frames::write(&evaluation, &case.params, &keys, Durability::Checked)?;
    let manifest = Manifest::new(case, frames::stated(&public)?, frames::stated(&evaluation)?)?;
    frames::write_secret(&places.secret_key(), client.secret())?;
    let text = serde_json::to_string_pretty(&manifest)? + "\n";
    if let Err(error) = files::replace(&places.public.join(manifest::NAME), text.as_bytes()) {
        // A secret without its manifest would keep the folder from being used again.
        let _ = std::fs::remove_file(places.secret_key());
        return Err(error);
    }
    Ok(manifest)
}

/// Reads the secret key, and checks that it belongs to the public one.
///
/// # Errors
/// A key that is missing, is open to others, or belongs to another client.
pub(super) fn secret(places: &Places, manifest: &Manifest) -> Result<SecretKey> {
    let path = places.secret_key();
    let secret = frames::read_secret(&path, &manifest.client_ring()?)?;
    let public = public(&places.public, manifest)?;
    ensure!(
        public.belongs_to(&secret),
        "{}: found the secret of another client than {}; wanted keys of one `cipherlab keygen`",
        path.display(),
        places.public.display()
    );
    Ok(secret)
}

/// Whether there is a secret key at its place.
pub(super) fn has_secret(places: &Places) -> bool {
    places.secret_key().exists()
}

/// Reads the public key.
///
/// # Errors
/// A file that is missing, or another than the manifest states.
pub(super) fn public(folder: &Path, manifest: &Manifest) -> Result<PublicKey> {
    let path = folder.join(PUBLIC);
    frames::check_stated(&path, &manifest.public_key)?;
    frames::read(&path, &manifest.client_ring()?)
}

/// Maps the evaluation keys.
///
/// # Errors
/// A file that is missing, is another than the manifest states, or holds no evaluation keys of the case.
pub(super) fn evaluation(folder: &Path, manifest: &Manifest, case: &Case) -> Result<EvaluationKeys> {
    let path = folder.join(EVALUATION);
    let place = || path.display().to_string();
    frames::check_stated(&path, &manifest.evaluation_keys)?;
    let file = MappedFile::open(&path).with_context(place)?;
    let file = if case.holding().keys == KeyPlace::File { file.transient() } else { file };
    EvaluationKeys::from_mapped(&case.params, &file).with_context(place)
}
