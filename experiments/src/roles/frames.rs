//! Keys and ciphertexts as files.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use fhe_ckks::serial::Kind;
use fhe_ckks::{Ciphertext, Parameters, SecretKey, SeededCiphertext, Serial};

use super::codes::hex;
use super::manifest;
use crate::files::{self, Access, Durability};

/// Bytes of the checksum at the end of a file.
const CHECKSUM: usize = 16;

/// Writes an object to a new file.
///
/// # Errors
/// If the file system refuses; nothing is left behind.
pub(super) fn write<T: Serial>(path: &Path, params: &Parameters, object: &T, durability: Durability) -> Result<()> {
    files::create(path, Access::All, durability, |file| Ok(object.write_to(params, file)?))
}

/// Reads the object that a file is.
///
/// # Errors
/// A file that is missing or is not such an object of these parameters.
pub(super) fn read<T: Serial>(path: &Path, params: &Parameters) -> Result<T> {
    let place = || path.display().to_string();
    let file = datasets::files::open(path)?;
    T::read_whole(params, file).with_context(place)
}

/// Reads a ciphertext of either form.
///
/// # Errors
/// A file that is missing or is no ciphertext of these parameters.
pub(super) fn read_ciphertext(path: &Path, params: &Parameters) -> Result<Ciphertext> {
    let mut head = [0; 12];
    let count = datasets::files::open(path)?.read(&mut head).with_context(|| path.display().to_string())?;
    let seeded = head[..count].get(10..).is_some_and(|kind| kind == (Kind::SeededCiphertext as u16).to_le_bytes());
    if seeded { read::<SeededCiphertext>(path, params).map(SeededCiphertext::expand) } else { read(path, params) }
}

/// Writes a secret key to a new file that its owner alone can read.
///
/// # Errors
/// If the file system refuses; nothing is left behind.
pub(super) fn write_secret(path: &Path, secret: &SecretKey) -> Result<()> {
    let bytes = secret.to_bytes_secret()?;
    files::create(path, Access::Owner, Durability::Whole, |file| Ok(file.write_all(&bytes)?))
}

/// Reads a secret key.
///
/// # Errors
/// A file that others can read, that is missing, or that is no secret key of these parameters.
pub(super) fn read_secret(path: &Path, params: &Parameters) -> Result<SecretKey> {
    let place = || path.display().to_string();
    let mut file = datasets::files::open(path)?;
    files::check_private(&file).with_context(place)?;
    // One byte more than a key has, so that a longer file is refused.
    let mut bytes = zeroize::Zeroizing::new(vec![0; params.n() / 4 + 128]);
    let mut filled = 0;
    while let count @ 1.. = file.read(&mut bytes[filled..]).with_context(place)? {
        filled += count;
    }
    SecretKey::from_bytes_secret(params, &bytes[..filled]).with_context(place)
}

/// Returns the length and the checksum of a file of keys.
///
/// # Errors
/// A file that is missing or too short to be one.
pub(super) fn stated(path: &Path) -> Result<manifest::File> {
    let place = || path.display().to_string();
    let mut file = datasets::files::open(path)?;
    let bytes = file.metadata().with_context(place)?.len();
    ensure!(bytes >= CHECKSUM as u64, "{}: found {bytes} bytes, wanted a file of keys", path.display());
    let mut checksum = [0; CHECKSUM];
    seek_and_read(&mut file, &mut checksum).with_context(place)?;
    Ok(manifest::File { bytes, checksum: hex(&checksum) })
}

fn seek_and_read(file: &mut File, checksum: &mut [u8; CHECKSUM]) -> std::io::Result<()> {
    file.seek(SeekFrom::End(-(CHECKSUM as i64)))?;
    file.read_exact(checksum)
}

/// Fails unless a file of keys is the one that a manifest states.
///
/// # Errors
/// Length or checksum on both sides.
pub(super) fn check_stated(path: &Path, wanted: &manifest::File) -> Result<()> {
    let found = stated(path)?;
    ensure!(
        found == *wanted,
        "{}: found {} bytes with checksum {}, the manifest beside it states {} bytes with checksum {}; take both from one `cipherlab keygen`",
        path.display(),
        found.bytes,
        found.checksum,
        wanted.bytes,
        wanted.checksum
    );
    Ok(())
}
