//! The contract of the FHE Benchmarking Suite's CIFAR-10 workload: its stages, its sizes, its folders.
//!
//! A submission is a folder with one program for each [`Stage`]. The suite's harness starts the programs in the root of
//! the repository, and they hand files to one another in the folders of an [`Instance`]. The images are in the format of
//! [`pixels`], the answers in that of [`predictions`].

pub mod pixels;
pub mod predictions;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The folders that may hold the programs, below the root of the repository: the first that is there counts. The second
/// is that of the suite's first year.
pub const SUBMISSIONS: [&str; 2] = ["submissions/cifar10", "submission"];

/// A stage of a submission, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// The client makes its keys.
    ClientKeyGeneration,
    /// The server prepares the network.
    ServerPreprocessModel,
    /// The client prepares the images in the clear.
    ClientPreprocessInput,
    /// The client encrypts the images.
    ClientEncodeEncryptInput,
    /// The server evaluates the network on ciphertexts.
    ServerEncryptedCompute,
    /// The client decrypts the result.
    ClientDecryptDecode,
    /// The client turns the result into classes.
    ClientPostprocess,
}

impl Stage {
    /// Every stage in order.
    pub const ALL: [Self; 7] = [
        Self::ClientKeyGeneration,
        Self::ServerPreprocessModel,
        Self::ClientPreprocessInput,
        Self::ClientEncodeEncryptInput,
        Self::ServerEncryptedCompute,
        Self::ClientDecryptDecode,
        Self::ClientPostprocess,
    ];
    /// The stages that run once, whatever the number of images.
    pub const ONCE: &'static [Self] = Self::ALL.split_at(2).0;
    /// The stages that run for each file of images.
    pub const EACH: &'static [Self] = Self::ALL.split_at(2).1;

    /// Returns the name of its program, such as `client_key_generation`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientKeyGeneration => "client_key_generation",
            Self::ServerPreprocessModel => "server_preprocess_model",
            Self::ClientPreprocessInput => "client_preprocess_input",
            Self::ClientEncodeEncryptInput => "client_encode_encrypt_input",
            Self::ServerEncryptedCompute => "server_encrypted_compute",
            Self::ClientDecryptDecode => "client_decrypt_decode",
            Self::ClientPostprocess => "client_postprocess",
        }
    }

    /// Returns whether the program is told the size. The preparation of the network is not.
    pub fn takes_size(self) -> bool {
        self != Self::ServerPreprocessModel
    }

    /// Returns the files that may be its program, in the order of the harness's choice: a script of Python, or a program
    /// that was built.
    pub fn programs(self, submission: &Path) -> [PathBuf; 2] {
        [submission.join(format!("{}.py", self.name())), submission.join("build").join(self.name())]
    }

    /// Returns the command that runs the stage; `None` if it has no program. `submission` is an absolute path. The caller
    /// sets the working directory, which is the root of the repository.
    pub fn command(self, submission: &Path, size: Size) -> Option<Command> {
        let [script, built] = self.programs(submission);
        let mut command = if script.is_file() {
            let mut python = Command::new("python3");
            python.arg(script);
            python
        } else if built.is_file() {
            Command::new(built)
        } else {
            return None;
        };
        if self.takes_size() {
            command.arg(size.number().to_string());
        }
        Some(command)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The size of a run. It names the folders; the number of images is that of the lines in the file of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Size {
    /// One image.
    Single,
    /// Up to 100 images.
    Small,
    /// Up to 1,000 images.
    Medium,
    /// Up to 10,000 images.
    Large,
}

impl Size {
    /// Every size, smallest first.
    pub const ALL: [Self; 4] = [Self::Single, Self::Small, Self::Medium, Self::Large];

    /// Returns the name, which is that of its folders.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }

    /// Returns the number that stands for it on the command line.
    pub fn number(self) -> usize {
        self as usize
    }

    /// Returns the size of a number; `None` above 3.
    pub fn of_number(number: usize) -> Option<Self> {
        Self::ALL.get(number).copied()
    }

    /// Returns how many images the harness draws for it.
    pub fn images(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Small => 100,
            Self::Medium => 1_000,
            Self::Large => 10_000,
        }
    }

    /// Returns the smallest size for this many images; `None` for no image, and for more than the largest size holds.
    pub fn holding(images: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|size| images > 0 && images <= size.images())
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The folders and files of a run of one size, below the root of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    size: Size,
    io: PathBuf,
    datasets: PathBuf,
}

impl Instance {
    /// Returns the places of a run of this size. With an empty root they are relative to the working directory, as a stage
    /// sees them.
    pub fn new(root: &Path, size: Size) -> Self {
        Self { size, io: root.join("io").join(size.name()), datasets: root.join("datasets").join(size.name()) }
    }

    /// Returns the size.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Returns the file of images that the harness writes.
    pub fn pixels(&self) -> PathBuf {
        self.datasets.join("intermediate/test_pixels.txt")
    }

    /// Returns the folder of everything that the stages hand on. It is deleted before keys are made.
    pub fn io(&self) -> &Path {
        &self.io
    }

    /// Returns the folder of keys that the server may see. Its size is published.
    pub fn public_keys(&self) -> PathBuf {
        self.io.join("public_keys")
    }

    /// Returns the folder of the secret key.
    pub fn secret_key(&self) -> PathBuf {
        self.io.join("secret_key")
    }

    /// Returns the folder of the client's own files.
    pub fn intermediate(&self) -> PathBuf {
        self.io.join("intermediate")
    }

    /// Returns the folder of ciphertexts from the client. Its size is published.
    pub fn upload(&self) -> PathBuf {
        self.io.join("ciphertexts_upload")
    }

    /// Returns the folder of ciphertexts from the server. Its size is published.
    pub fn download(&self) -> PathBuf {
        self.io.join("ciphertexts_download")
    }

    /// Returns the file of the classes, in the format of [`predictions`].
    pub fn predictions(&self) -> PathBuf {
        self.io.join("encrypted_model_predictions.txt")
    }

    /// Returns the file in which the server may say what its seconds were spent on: a JSON object of name to seconds.
    pub fn reported_steps(&self) -> PathBuf {
        self.io.join("server_reported_steps.json")
    }

    /// Returns the folder whose bytes the harness counts after this stage; `None` for most stages.
    pub fn counted_after(&self, stage: Stage) -> Option<PathBuf> {
        match stage {
            Stage::ClientKeyGeneration => Some(self.public_keys()),
            Stage::ClientEncodeEncryptInput => Some(self.upload()),
            Stage::ServerEncryptedCompute => Some(self.download()),
            _ => None,
        }
    }
}

/// Returns the folder of programs in a repository; `None` if it has neither of [`SUBMISSIONS`].
pub fn submission(root: &Path) -> Option<PathBuf> {
    SUBMISSIONS.iter().map(|name| root.join(name)).find(|folder| folder.is_dir())
}

/// Returns the bytes in a folder as `du -sb` counts them: the lengths of its files, of links as links, and of the entries
/// of the folders themselves. A file with several names counts once for each.
///
/// # Errors
/// A folder that is not there or cannot be read.
pub fn bytes_in(folder: &Path) -> Result<u64> {
    let place = || folder.display().to_string();
    let mut bytes = folder.symlink_metadata().with_context(place)?.len();
    for entry in std::fs::read_dir(folder).with_context(place)? {
        let entry = entry.with_context(place)?;
        let kind = entry.file_type().with_context(place)?;
        bytes += if kind.is_dir() { bytes_in(&entry.path())? } else { entry.metadata().with_context(place)?.len() };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
