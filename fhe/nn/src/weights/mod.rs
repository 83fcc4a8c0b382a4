//! Weights from a safetensors file with PyTorch's names, or from a checkpoint of PyTorch.
//!
//! Read are `conv1`, `bn1`, `layerS.K.{conv1,bn1,conv2,bn2}`, a shortcut `layerS.K.downsample.{0,1}`, and `fc` with or
//! without bias. `shortcut` is read as `downsample`, `linear` and `classifier` as `fc`, and a prefix such as `module.`
//! that all names share is left out. Elements are float32, float16, bfloat16 or float64.
//!
//! Batch norm may be folded already; then each convolution has a bias, and a shortcut may be called `downsample`
//! without a number. Batch norm without weight and bias counts as weight 1 and bias 0. Its epsilon is the value
//! `bn_eps` of the file's metadata or of the model card, or else PyTorch's default.
//!
//! A file without shortcut tensors must say how its shortcuts add channels: `shortcut` in its metadata or in the model
//! card is one of the names of [`PaddedShortcut`].
//!
//! A checkpoint is what `torch.save` writes of a network, of its `state_dict()`, or of a dictionary with one of these
//! among other entries. No code in it is run.

mod batch_norm;
mod checkpoint;
mod elements;
mod family;
mod format;
mod names;
mod reader;
mod tensors;

use std::path::Path;

use crate::Error;
use crate::network::ResNet;
use crate::ranges::ModelCard;
pub use crate::shortcut::PaddedShortcut;

/// Largest file of weights that is read, in bytes.
pub const MAX_BYTES: u64 = 2 << 30;

/// A network, and the assumptions and changes that were made to read it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The network, with batch norm folded into its convolutions.
    pub network: ResNet,
    /// One sentence for each assumption or change, for the user to read.
    pub notes: Vec<String>,
}

/// Returns the bytes of a file of weights of at most [`MAX_BYTES`]. Those of a checkpoint of PyTorch are the same tensors as
/// a safetensors file.
///
/// # Errors
/// [`Error::NotAFile`] for a folder, pipe or device, [`Error::TooLarge`] for a longer file, [`Error::Io`];
/// [`Error::Checkpoint`], [`Error::OtherFormat`] and [`Error::TwoNetworks`] for a checkpoint from which no tensors can be taken.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let bytes = crate::file::read(path, MAX_BYTES)?;
    if format::is_checkpoint(&bytes) { checkpoint::to_safetensors(path) } else { Ok(bytes) }
}

/// Reads a network of basic blocks from the bytes of a safetensors file, with batch norm folded into the convolutions in
/// double precision: ResNet-(6n+2), and networks of other numbers of stages, blocks and channels. It takes one to three
/// channels, and has 2 to 1,000 classes. The first block of each stage but the first has a stride of 2. The model card may state conventions that tensors do not show: see the [module](self).
///
/// # Errors
/// * [`Error::OtherFormat`], [`Error::WrongLength`] and [`Error::Format`] for bytes that are not a whole safetensors
///   file.
/// * [`Error::MissingTensor`], [`Error::UnusedTensor`], [`Error::TwoNames`], [`Error::WrongShape`],
///   [`Error::EmptyTensor`],
///   [`Error::WrongType`], [`Error::NotFinite`] and [`Error::NegativeVariance`] name a tensor that does not fit.
/// * [`Error::WrongStages`] and [`Error::OtherNetwork`] for a network of another family.
/// * [`Error::BadConvention`] for a convention that is unknown, or that file and card state differently.
pub fn load(bytes: &[u8], card: Option<&ModelCard>) -> Result<Loaded, Error> {
    reader::read(bytes, card)
}

impl ResNet {
    /// Reads a file; see [`load`].
    ///
    /// # Errors
    /// Those of [`read`] and [`load`].
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        Self::from_safetensors(&read(path)?)
    }

    /// Reads a network without a card, and drops the notes; see [`load`].
    ///
    /// # Errors
    /// Those of [`load`].
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, Error> {
        Ok(load(bytes, None)?.network)
    }
}
