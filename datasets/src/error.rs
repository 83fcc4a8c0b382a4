use std::path::{Path, PathBuf};

/// Everything that can go wrong between a source of images and verified images.
///
/// Each message holds its cause, so no error has a [source](std::error::Error::source): a chain would tell the cause
/// twice.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes end inside a record.
    #[error(
        "truncated CIFAR-10 data: found {found} bytes, which is {records} whole records and {rest} bytes; wanted a multiple of {wanted}"
    )]
    Truncated {
        /// Bytes found.
        found: usize,
        /// Whole records among them.
        records: usize,
        /// Bytes left over.
        rest: usize,
        /// Bytes in a record.
        wanted: usize,
    },
    /// A label above 9.
    #[error("record {record}: found label {found}, wanted 0 to 9")]
    BadLabel {
        /// Index of the record, from 0.
        record: usize,
        /// The label byte found.
        found: u8,
    },
    /// A file whose content is not the official one.
    #[error(
        "{}: found SHA-256 {found}, wanted {wanted}; the content is not the official one, so nothing was kept: fetch again, or try another source",
        path.display()
    )]
    WrongDigest {
        /// The file, or its name inside the source.
        path: PathBuf,
        /// Digest of the file found.
        found: String,
        /// Digest of the official content.
        wanted: String,
    },
    /// A file that is missing from the cache, archive or folder.
    #[error("{}: `{file}` not found; {advice}", place.display())]
    Missing {
        /// The archive or folder that was searched.
        place: PathBuf,
        /// The file wanted.
        file: String,
        /// What to do.
        advice: &'static str,
    },
    /// Labels of the npm package that are not a list of numbers, or too few.
    #[error("{file}: {reason}")]
    BadLabels {
        /// The label file.
        file: String,
        /// Found and wanted.
        reason: String,
    },
    /// An image that the decoder refuses.
    #[error("{}: cannot be read as an image ({reason}); wanted a whole PNG or JPEG", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// The decoder's reason.
        reason: image::ImageError,
    },
    /// A JPEG that ends early or is damaged.
    #[error("{}: the JPEG is not whole: found {found}, wanted {wanted}; copy or download the picture again", path.display())]
    CutPicture {
        /// The file.
        path: PathBuf,
        /// The part that is there.
        found: String,
        /// The part that is wanted.
        wanted: String,
    },
    /// A picture whose pixels take more memory than is granted.
    #[error(
        "{}: found {width} x {height} pixels, which take {found} bytes, wanted at most {wanted}; make the picture smaller",
        path.display()
    )]
    PictureTooLarge {
        /// The file.
        path: PathBuf,
        /// Width that the header states, in pixels.
        width: u32,
        /// Height that the header states, in pixels.
        height: u32,
        /// Bytes of the decoded pixels.
        found: u64,
        /// Largest number of bytes granted.
        wanted: u64,
    },
    /// A file of another kind, by its first bytes.
    #[error("{}: found {found}, wanted {wanted}", path.display())]
    WrongKind {
        /// The file.
        path: PathBuf,
        /// Its kind.
        found: String,
        /// The kind wanted.
        wanted: &'static str,
    },
    /// A set of pictures, or its labels, that cannot be used.
    #[error("{}: found {found}, wanted {wanted}", path.display())]
    PictureSet {
        /// The file or folder.
        path: PathBuf,
        /// What it has.
        found: String,
        /// What is wanted, and what to do.
        wanted: String,
    },
    /// An archive that ends early or is damaged.
    #[error(
        "{}: the archive is damaged or ends early ({reason}); found {found} bytes, wanted a whole archive: download it again",
        path.display()
    )]
    CutArchive {
        /// The archive.
        path: PathBuf,
        /// Bytes of the archive.
        found: u64,
        /// The unpacker's reason.
        reason: std::io::Error,
    },
    /// A folder, pipe, socket or device in place of a file.
    #[error("{}: found {found}, wanted a file", path.display())]
    NotAFile {
        /// Its path.
        path: PathBuf,
        /// Its kind.
        found: &'static str,
    },
    /// A file, or a member of an archive, with more bytes than are read.
    #[error("{}: found {found} bytes, wanted at most {wanted}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes found.
        found: u64,
        /// Largest number of bytes read.
        wanted: u64,
    },
    /// A strip of images of another size than 1024 x 10000 pixels.
    #[error("{file}: found {found_width} x {found_height} pixels, wanted {wanted_width} x {wanted_height}")]
    StripSize {
        /// The strip's name inside the source.
        file: String,
        /// Width found, in pixels.
        found_width: u32,
        /// Height found, in pixels.
        found_height: u32,
        /// Width wanted, in pixels.
        wanted_width: u32,
        /// Height wanted, in pixels.
        wanted_height: u32,
    },
    /// The server could not be reached, or the connection failed before an answer.
    #[error("{url}: {reason}; check the network, or give a local archive or folder instead")]
    Request {
        /// Address asked for.
        url: String,
        /// Reason, from the HTTP client.
        reason: Box<ureq::Error>,
    },
    /// The server answered with a status of failure.
    #[error("{url}: found HTTP status {found}, wanted 200 or 206")]
    Status {
        /// Address asked for.
        url: String,
        /// Status found.
        found: u16,
    },
    /// The transfer stopped before its end. The bytes that arrived are kept.
    #[error(
        "{url}: found {found} of {wanted} bytes before the connection ended; they are kept, run the same command again to resume"
    )]
    Incomplete {
        /// Address asked for.
        url: String,
        /// Bytes received so far, those of earlier attempts included.
        found: u64,
        /// Bytes in the whole file.
        wanted: u64,
    },
    /// Another process writes the `.part` file.
    #[error("{}: another process is downloading it; wait for that one to end", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// No cache folder is known: `CIPHERLAB_DATA` is not set, and there is no home folder.
    #[error("no cache folder: found no home folder, wanted one or the variable CIPHERLAB_DATA")]
    NoCacheDir,
    /// A line of the published weights that does not fit their format.
    #[error("{}:{line}: found {found}, wanted {wanted}", path.display())]
    PaperWeights {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Text or value found.
        found: String,
        /// Text or value wanted.
        wanted: String,
    },
    /// Tensors that no safetensors file can hold.
    #[error("safetensors: {0}")]
    Safetensors(safetensors::SafeTensorError),
    /// The operating system refused.
    #[error("{}: {reason}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        reason: std::io::Error,
    },
}

impl Error {
    /// Returns a function for `map_err` that adds `path` to an I/O error.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |reason| Self::Io { path: path.to_owned(), reason }
    }
}
