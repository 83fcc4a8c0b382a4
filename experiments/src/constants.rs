//! The encoded constants of a case in a file, so that a server that starts again need not encode them.

use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use crc32fast::Hasher;
use datasets::digest::sha256;
use fhe_circuits::Stored;
use fhe_nn::encrypted::{ConstantPlace, write_constants};
use fhe_ring::{MappedFile, READ_AROUND, Shelf};

use crate::case::Case;
use crate::files::{self, Access, Durability};
use crate::machine::disk;
use crate::output::bytes;

/// The first bytes of every such file. A file without them is never replaced.
const MAGIC: &[u8] = b"cipherlab constants\n";
/// The end of the identity after them, and of the length and the checksum.
const IDENTITY: usize = MAGIC.len() + 64;
const HEADER: usize = IDENTITY + 8 + 4;

/// Returns a digest of all that the constants depend on: parameters, circuits, and the program, which encodes them.
fn identity(case: &Case) -> String {
    let (counts, circuit) = (case.program.slot_counts(), case.program.circuit());
    let circuits: Vec<_> = counts.into_iter().map(|slots| circuit.bootstrap(slots)).collect();
    let text = format!("{} {:?} {circuits:?} {:?}", env!("CARGO_PKG_VERSION"), case.params.digest(), build());
    sha256(text.as_bytes())
}

/// Returns the length of this program and the time of its build, which another build of the same release does not share; `None`
/// if the system does not say.
fn build() -> Option<(u64, SystemTime)> {
    let program = std::env::current_exe().ok()?.metadata().ok()?;
    Some((program.len(), program.modified().ok()?))
}

/// A stream that is counted and summed up on the way.
struct Summed<W> {
    out: W,
    sum: Hasher,
    bytes: u64,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.sum.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// Encodes the constants of a case and writes them to a file. A case that does not hold its constants in memory encodes them by way
/// of another file beside it, which has no name.
///
/// # Errors
/// A case without a circuit, too little room, and a file system that refuses.
pub(crate) fn write(path: &Path, case: &Case) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shelved = !in_memory(case);
    check_room(folder, case.constant_file_bytes() * if shelved { 2 } else { 1 })?;
    let shelf = shelved.then(|| Shelf::create(folder)).transpose().with_context(|| folder.display().to_string())?;
    files::create(path, Access::All, Durability::Checked, |file| {
        file.write_all(&[0; HEADER])?;
        let (sum, bytes) = {
            let out = BufWriter::with_capacity(READ_AROUND, &mut *file);
            let mut out = Summed { out, sum: Hasher::new(), bytes: 0 };
            write_constants(&case.program, &case.params, shelf.as_ref(), &mut out)?;
            out.flush()?;
            (out.sum, out.bytes)
        };
        file.seek(SeekFrom::Start(0))?;
        file.write_all(MAGIC)?;
        file.write_all(identity(case).as_bytes())?;
        file.write_all(&bytes.to_le_bytes())?;
        Ok(file.write_all(&sum.finalize().to_le_bytes())?)
    })
}

/// Whether a case holds its constants in memory, and so lets no page of their file go.
fn in_memory(case: &Case) -> bool {
    case.holding().constants == ConstantPlace::Memory
}

/// Fails if a folder has no room for so many bytes.
fn check_room(folder: &Path, wanted: u64) -> Result<()> {
    let found = disk::free_bytes(folder).unwrap_or(u64::MAX);
    ensure!(
        found >= wanted,
        "{}: found room for {}, wanted {} for constants; free some, or name a file in another folder",
        folder.display(),
        bytes(found),
        bytes(wanted)
    );
    Ok(())
}

/// Maps the constants of a case. `None` if there is no such file, or it is of another case, another build of the program, or
/// damaged: the constants have to be encoded then.
///
/// # Errors
/// A file that cannot be read, or holds something else than constants.
pub(crate) fn read(path: &Path, case: &Case) -> Result<Option<Stored>> {
    if !path.exists() {
        return Ok(None);
    }
    let file = MappedFile::open(path).with_context(|| path.display().to_string())?;
    ensure!(
        file.bytes().iter().zip(MAGIC).all(|(found, wanted)| found == wanted),
        "{}: found a file of something else, wanted one of constants, or the name of a new one: it would be replaced",
        path.display()
    );
    // Before the sum is computed, so that a lean case holds no more than a piece of the file.
    let file = if in_memory(case) { file } else { file.transient() };
    let whole = |header: &[u8], length: usize| {
        let (known, sums) = header[MAGIC.len()..].split_at(IDENTITY - MAGIC.len());
        let sum = || {
            let mut sum = Hasher::new();
            file.read_through(HEADER, |piece| sum.update(piece));
            sum.finalize().to_le_bytes()
        };
        known == identity(case).as_bytes() && sums[..8] == (length as u64).to_le_bytes() && sums[8..] == sum()
    };
    let fits = file.bytes().split_at_checked(HEADER).is_some_and(|(header, rest)| whole(header, rest.len()));
    Ok(fits.then(|| Stored::new(&file, HEADER)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{CaseSpec, HEADROOM, Model};
    use fhe_nn::encrypted::{Client, Packing, Server};
    use fhe_ring::SecretRng;

    #[test]
    fn constants_that_were_stored_compute_what_encoded_ones_do() {
        let spec = CaseSpec {
            ring_dim: 1 << 15,
            relu: "chebyshev:7".parse().unwrap(),
            packing: Packing::Fused,
            profile: None,
        };
        let case = Case::new(&spec, Model::embedded(HEADROOM).unwrap(), None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("constants");
        assert!(read(&path, &case).unwrap().is_none(), "no file");
        write(&path, &case).unwrap();
        let stored = || read(&path, &case).unwrap();

        let mut rng = SecretRng::seeded(3);
        let (client, keys) = Client::generate(&case.program, &case.params, &mut rng).unwrap();
        let encoded = Server::new(case.program.clone(), &case.params, keys.clone()).unwrap();
        let read_back = Server::with_constants(case.program.clone(), &case.params, keys, stored().unwrap()).unwrap();
        assert_eq!(encoded.constant_bytes(), read_back.constant_bytes());
        let image = client.encrypt(&[&vec![0.1; 3072]], &mut rng).unwrap();
        let logits = |server: &Server| server.evaluate(&image, &mut |_, _| {}).unwrap();
        assert!(logits(&encoded) == logits(&read_back));

        let own = std::fs::read(&path).unwrap();
        let other = CaseSpec { relu: "chebyshev:15".parse().unwrap(), ..spec };
        let other = Case::new(&other, Model::embedded(HEADROOM).unwrap(), None).unwrap();
        assert!(read(&path, &other).unwrap().is_none(), "another circuit");
        // Nobody may change a file that is mapped.
        drop(read_back);
        for at in [MAGIC.len(), IDENTITY, IDENTITY + 9, HEADER, own.len() / 2, own.len() - 1] {
            let mut damaged = own.clone();
            damaged[at] ^= 1;
            std::fs::write(&path, &damaged).unwrap();
            assert!(stored().is_none(), "byte {at}");
        }
        for length in [0, MAGIC.len() - 1, HEADER - 1, HEADER, own.len() - 1] {
            std::fs::write(&path, &own[..length]).unwrap();
            assert!(stored().is_none(), "{length} bytes");
        }
        for other in ["keys", "cipherlab keys"] {
            std::fs::write(&path, other).unwrap();
            let error = read(&path, &case).expect_err("a file of something else").to_string();
            assert!(error.contains("constants: found a file of something else, wanted "), "{error}");
        }
        assert!(read(folder.path(), &case).is_err(), "a folder");
    }
}
