use std::path::{Path, PathBuf};

/// Everything that can go wrong between a source of images and verified images.
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
    /// A label beyond the ten classes.
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
        /// Digest of what was found.
        found: String,
        /// Digest of the official content.
        wanted: String,
    },
    /// A file that the cache, archive or folder lacks.
    #[error("{}: `{file}` not found; {advice}", place.display())]
    Missing {
        /// The archive or folder that was searched.
        place: PathBuf,
        /// The file wanted.
        file: String,
        /// What to do.
        advice: &'static str,
    },
    /// The npm package's labels are not the list of numbers they should be.
    #[error("{file}: {reason}")]
    BadLabels {
        /// The label file.
        file: String,
        /// Found and wanted.
        reason: String,
    },
    /// An image that cannot be decoded.
    #[error("{}: cannot be read as an image ({source}); wanted a PNG or JPEG", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// The decoder's reason.
        source: image::ImageError,
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
    #[error("{url}: {source}; check the network, or give a local archive or folder instead")]
    Request {
        /// Address asked for.
        url: String,
        /// Reason, from the HTTP client.
        source: Box<ureq::Error>,
    },
    /// The server answered, but with something else than the file.
    #[error("{url}: found HTTP status {found}, wanted 200 or 206")]
    Status {
        /// Address asked for.
        url: String,
        /// Status found.
        found: u16,
    },
    /// The transfer stopped before its end; what arrived is kept.
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
    /// Another process holds the `.part` file.
    #[error("{}: another process is downloading it; wait for that one to end", path.display())]
    Busy {
        /// The file both want.
        path: PathBuf,
    },
    /// Neither `CIPHERLAB_DATA` nor a home folder says where the cache is.
    #[error("no cache folder: found no home folder, wanted one or the variable CIPHERLAB_DATA")]
    NoCacheDir,
    /// A line of the published weights that cannot be.
    #[error("{}:{line}: found {found}, wanted {wanted}", path.display())]
    PaperWeights {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What stands there.
        found: String,
        /// What the packing asks for.
        wanted: String,
    },
    /// Tensors that no safetensors file can hold.
    #[error("safetensors: {0}")]
    Safetensors(#[from] safetensors::SafeTensorError),
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl Error {
    /// For `map_err`: an I/O error together with the path it is about.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}
