//! The kind of a file by its first bytes, for errors that say which file was given.

/// First bytes, their offset, and the kind of file that has them there.
const KINDS: &[(usize, &[u8], &str)] = &[
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (0, b"\xFF\xD8\xFF", "a JPEG image"),
    (0, b"GIF8", "a GIF image"),
    (8, b"WEBP", "a WebP image"),
    (4, b"ftypheic", "a HEIC image"),
    (4, b"ftypheix", "a HEIC image"),
    (4, b"ftypmif1", "a HEIF image"),
    (4, b"ftypavif", "an AVIF image"),
    (4, b"ftyp", "a video, or an image in a video container"),
    (0, b"II*\0", "a TIFF image, or a camera's raw image"),
    (0, b"MM\0*", "a TIFF image, or a camera's raw image"),
    (0, b"\xFF\x0A", "a JPEG XL image"),
    (0, b"\0\0\0\x0CJXL ", "a JPEG XL image"),
    (0, b"\0\0\0\x0CjP  ", "a JPEG 2000 image"),
    (0, b"qoif", "a QOI image"),
    (0, b"P5\n", "a PGM image"),
    (0, b"P6\n", "a PPM image"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"\0\0\x01\0", "an icon"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x1F\x8B", "a gzip file"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"BZh", "a bzip2 file"),
    (0, b"\xFD7zXZ\0", "an xz file"),
    (0, b"\x28\xB5\x2F\xFD", "a zstd file"),
    (0, b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (0, b"Rar!", "a RAR archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"version https://git-lfs", "a Git LFS pointer (run `git lfs pull` for the file itself)"),
];

/// Names the kind of file whose first bytes are `bytes`; the first 512 are enough.
pub(crate) fn of(bytes: &[u8]) -> &'static str {
    let starts = |&&(at, magic, _): &&(usize, &[u8], &str)| bytes.get(at..).is_some_and(|rest| rest.starts_with(magic));
    if bytes.is_empty() {
        return "an empty file";
    }
    if let Some((_, _, kind)) = KINDS.iter().find(starts) {
        return kind;
    }
    let text = bytes.trim_ascii_start();
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let begins = |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
    if begins("<svg") {
        "an SVG image"
    } else if begins("<!doctype html") || begins("<html") {
        "an HTML page, as servers send in place of a file that they lack"
    } else if begins("<?xml") || begins("<!doctype") {
        "an XML file"
    } else if bytes.iter().take(512).all(|&byte| byte == 0) {
        "zeros"
    } else if is_text(bytes) {
        "text"
    } else if bytes.starts_with(b"BM") {
        "a BMP image"
    } else {
        "data of an unknown kind"
    }
}

/// Returns whether the first 512 bytes are UTF-8 text without control characters.
fn is_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(512)];
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // The last character may be cut.
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
            return is_text(&start[..error.valid_up_to()]);
        }
        Err(_) => return false,
    };
    text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\r' | '\n'))
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn files_are_named_by_their_first_bytes() {
        assert_eq!(of(b""), "an empty file");
        assert_eq!(of(b"RIFF\x10\0\0\0WEBPVP8 "), "a WebP image");
        assert_eq!(of(b"\0\0\0\x18ftypheic\0\0"), "a HEIC image");
        assert!(of(b"\r\n <!DOCTYPE HTML PUBLIC").starts_with("an HTML page"));
        assert_eq!(of(b"<svg xmlns="), "an SVG image");
        assert_eq!(of(&[0; 600]), "zeros");
        assert_eq!(of(b"BMW and other cars"), "text");
        assert_eq!(of(b"BM\x46\0\0\0\0\0\0\0"), "a BMP image");
        assert_eq!(of("日本語 ".repeat(60).as_bytes()), "text");
        assert_eq!(of(&[0x80]), "data of an unknown kind");
        assert_eq!(of(&[1, 2, 3]), "data of an unknown kind");
    }
}
