//! The client: encrypts images and decrypts logits, by its keys and the manifest.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use fhe_ckks::Ciphertext;
use fhe_nn::encrypted::Client;
use rand::CryptoRng;

use super::frames;
use super::keys::{self, Places};
use super::manifest::Manifest;
use super::parcel::{self, Direction, Parcel};
use crate::files::Durability;
use crate::verdict::{self, NoClass};

/// How images are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// Under the secret key: half the bytes, less noise.
    Secret,
    /// Under the public key, by somebody who does not hold the secret.
    Public,
}

/// Encrypts normalised images to a new folder. `done` is called after each ciphertext.
///
/// # Errors
/// Keys that do not go together, a folder that holds an upload, values that cannot be encrypted, and a file system that
/// refuses.
pub(crate) fn encrypt(
    places: &Places,
    images: &[Vec<f64>],
    out: &Path,
    rng: &mut impl CryptoRng,
    mut done: impl FnMut(),
) -> Result<(Encryption, Parcel)> {
    let manifest = Manifest::read(&places.public)?;
    if Parcel::read(out)?.is_some() {
        bail!("{}: found an upload, wanted a new folder: uploads are never overwritten", out.display());
    }
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let (ring, interface) = (manifest.client_ring()?, manifest.interface());
    let parcel = Parcel::new(&manifest.key, images.len(), manifest.input.images);
    let encryption = if keys::has_secret(places) { Encryption::Secret } else { Encryption::Public };
    let client = match encryption {
        Encryption::Secret => Ok(Client::new(keys::secret(places, &manifest)?, interface.clone())),
        Encryption::Public => Err(keys::public(&places.public, &manifest)?),
    };
    for (k, together) in images.chunks(parcel.batch).enumerate() {
        let together: Vec<&[f64]> = together.iter().map(Vec::as_slice).collect();
        let path = parcel::path(out, Direction::Up, k);
        match &client {
            Ok(client) => frames::write(&path, &ring, &client.encrypt_seeded(&together, rng)?, Durability::Whole)?,
            Err(public) => {
                let image = public.encrypt(&ring, &interface.encode(&ring, &together)?, rng);
                frames::write(&path, &ring, &image, Durability::Whole)?
            }
        }
        done();
    }
    parcel.write(out)?;
    Ok((encryption, parcel))
}

/// The result of an image.
pub(crate) struct Decrypted {
    /// The logits, with their noise.
    pub logits: Vec<f64>,
    /// The class, or the reason why there is none.
    pub class: Result<usize, NoClass>,
}

/// Decrypts the logits of every image of a download, in the order in which the images were encrypted.
///
/// # Errors
/// Keys that do not go together, logits under other keys, and a download that is not complete.
pub(crate) fn decrypt(places: &Places, from: &Path) -> Result<(Manifest, Vec<Decrypted>)> {
    let manifest = Manifest::read(&places.public)?;
    let parcel = Parcel::expect(from, Direction::Down)?;
    parcel.check_keys(from, &manifest)?;
    let client = Client::new(keys::secret(places, &manifest)?, manifest.interface());
    let ring = manifest.client_ring()?;
    let paths: Vec<_> = (0..parcel.ciphertexts()).map(|k| parcel::path(from, Direction::Down, k)).collect();
    let there = paths.iter().filter(|path| path.exists()).count();
    ensure!(
        there == paths.len(),
        "{}: found {there} of {} ciphertexts of logits; run `cipherlab evaluate` again, which computes those that are missing",
        from.display(),
        paths.len()
    );
    let mut images = Vec::new();
    for (k, path) in paths.iter().enumerate() {
        let logits: Ciphertext = frames::read(path, &ring)?;
        check_logits(&logits, &manifest).with_context(|| path.display().to_string())?;
        let class =
            |logits: Vec<f64>| Decrypted { class: verdict::class(&logits, manifest.output.logit_bound), logits };
        images.extend(client.decrypt(&logits).into_iter().take(parcel.images_of(k)).map(class));
    }
    Ok((manifest, images))
}

/// Fails for a ciphertext whose slots cannot be logits.
fn check_logits(logits: &Ciphertext, manifest: &Manifest) -> Result<()> {
    let wanted = manifest.interface().interleave.slots(manifest.output.classes.len());
    ensure!(
        logits.slots() >= wanted,
        "found {} slots, wanted the logits of {} images",
        logits.slots(),
        manifest.input.images
    );
    Ok(())
}
