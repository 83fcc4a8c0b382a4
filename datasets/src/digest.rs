//! SHA-256 as lower-case hexadecimal.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// Digest of `bytes`.
pub fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Digest of pieces one after another.
pub fn sha256_of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    pieces.into_iter().for_each(|piece| hasher.update(piece));
    format!("{:x}", hasher.finalize())
}

/// Digest of everything `reader` still holds.
///
/// # Errors
/// Those of reading.
pub fn sha256_reader(mut reader: impl Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut reader, &mut hasher)?;
    Ok(format!("{:x}", hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard() {
        // FIPS 180-2, appendix B.1
        let wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), wanted);
        assert_eq!(sha256_of([&b"a"[..], b"bc"]), wanted);
        assert_eq!(sha256_reader(&b"abc"[..]).unwrap(), wanted);
    }
}
