//! Weights from a safetensors file with PyTorch's names.
//!
//! Taken: `conv1`, `bn1`, `layerS.K.{conv1,bn1,conv2,bn2}`, a shortcut `layerS.K.downsample.{0,1}` or `.shortcut.{0,1}`, and
//! `fc` or `linear` with or without bias. Batch norm may be folded already, which leaves convolutions with a bias (and the
//! shortcut may then be called `downsample` alone). A file without shortcut tensors must say so in its metadata,
//! `shortcut = "identity-padded"`: He et al.'s option A, every second pixel and zeros for the new channels.

mod batch_norm;
mod tensors;

use std::path::Path;

use crate::Error;
use crate::network::{Block, Conv, INPUT_CHANNELS, Linear, ResNet, STAGES};
use batch_norm::BatchNorm;
use tensors::Tensors;

impl ResNet {
    /// Reads a file; see [`ResNet::from_safetensors`].
    ///
    /// # Errors
    /// [`Error::Io`] and those of [`ResNet::from_safetensors`].
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Self::from_safetensors(&bytes)
    }

    /// Reads a network of any depth 6n+2 and any width from the bytes of a safetensors file, with batch norm folded into the
    /// convolutions in double precision. The shapes of all tensors follow from `conv1.weight` and the number of blocks in
    /// `layer1`.
    ///
    /// # Errors
    /// A tensor that is missing, left over, of another shape or type, or holds a value that is not finite is named.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, Error> {
        let mut tensors = Tensors::parse(bytes)?;
        // of another rank: the stem is told to have the shape of the paper's
        let width = match tensors.shape("conv1.weight").as_deref() {
            Some(&[width, _, _, _]) => width,
            _ => 16,
        };
        let stem = conv(&mut tensors, "conv1", Some("bn1"), [width, INPUT_CHANNELS], 3, 1)?;
        let n = (0..).take_while(|k| tensors.shape(&format!("layer1.{k}.conv1.weight")).is_some()).count();
        if n == 0 {
            return Err(Error::MissingTensor { wanted: "`layer1.0.conv1.weight`".to_owned() });
        }
        let mut blocks = Vec::with_capacity(STAGES * n);
        let mut channels = width;
        for stage in 0..STAGES {
            for k in 0..n {
                let out = width << stage;
                blocks.push(block(&mut tensors, &format!("layer{}.{k}", stage + 1), channels, out)?);
                channels = out;
            }
        }
        let classifier = classifier(&mut tensors, channels)?;
        let network = Self { stem, blocks, classifier };
        match tensors.left_over() {
            Some(name) => Err(Error::UnusedTensor { name, depth: network.depth() }),
            None => Ok(network),
        }
    }
}

fn block(tensors: &mut Tensors, name: &str, inp: usize, out: usize) -> Result<Block, Error> {
    // only the first block of a later stage changes the shape
    let stride = if inp == out { 1 } else { 2 };
    let conv1 = conv(tensors, &format!("{name}.conv1"), Some(&format!("{name}.bn1")), [out, inp], 3, stride)?;
    let conv2 = conv(tensors, &format!("{name}.conv2"), Some(&format!("{name}.bn2")), [out, out], 3, 1)?;
    Ok(Block { conv1, conv2, shortcut: shortcut(tensors, name, inp, out, stride)?, stride })
}

fn shortcut(tensors: &mut Tensors, block: &str, inp: usize, out: usize, stride: usize) -> Result<Option<Conv>, Error> {
    for (prefix, norm) in
        [("downsample.0", Some("downsample.1")), ("downsample", None), ("shortcut.0", Some("shortcut.1"))]
    {
        let name = format!("{block}.{prefix}");
        if tensors.shape(&format!("{name}.weight")).is_some() {
            let norm = norm.map(|norm| format!("{block}.{norm}"));
            return conv(tensors, &name, norm.as_deref(), [out, inp], 1, stride).map(Some);
        }
    }
    if inp == out {
        return Ok(None);
    }
    if tensors.metadata("shortcut") == Some("identity-padded") {
        return Ok(Some(padded_identity(inp, out, stride)));
    }
    Err(Error::MissingTensor {
        wanted: format!("`{block}.downsample.0.weight` (or `shortcut` = `identity-padded` in the file's metadata)"),
    })
}

/// He et al.'s option A: the input's channels in the middle of the output's, zeros around them.
fn padded_identity(inp: usize, out: usize, stride: usize) -> Conv {
    let mut weight = vec![0.0; out * inp];
    let first = (out - inp) / 2;
    for channel in 0..inp {
        weight[(first + channel) * inp + channel] = 1.0;
    }
    Conv { out_channels: out, in_channels: inp, kernel: 1, stride, weight, bias: vec![0.0; out] }
}

/// Reads the convolution `name` and folds the batch norm `norm` into it, where the file has one.
fn conv(
    tensors: &mut Tensors,
    name: &str,
    norm: Option<&str>,
    [out, inp]: [usize; 2],
    kernel: usize,
    stride: usize,
) -> Result<Conv, Error> {
    let weight = tensors.take(&format!("{name}.weight"), &[out, inp, kernel, kernel])?;
    let bias = tensors.take_if_there(&format!("{name}.bias"), &[out])?;
    let norm = match norm.filter(|norm| tensors.shape(&format!("{norm}.weight")).is_some()) {
        Some(norm) => Some(BatchNorm::take(tensors, norm, out)?),
        None => None,
    };
    if bias.is_none() && norm.is_none() {
        // Without this a file that lost one layer's batch norm would load and be wrong.
        return Err(Error::MissingTensor { wanted: format!("`{name}.bias`, or batch norm after `{name}`,") });
    }
    let bias = bias.unwrap_or_else(|| vec![0.0; out]);
    let conv = Conv { out_channels: out, in_channels: inp, kernel, stride, weight, bias };
    Ok(match norm {
        Some(norm) => norm.fold(conv),
        None => conv,
    })
}

fn classifier(tensors: &mut Tensors, inp: usize) -> Result<Linear, Error> {
    let name = if tensors.shape("linear.weight").is_some() { "linear" } else { "fc" };
    let out = tensors.shape(&format!("{name}.weight")).and_then(|s| s.first().copied()).unwrap_or(10);
    let weight = tensors.take(&format!("{name}.weight"), &[out, inp])?;
    let bias = tensors.take_if_there(&format!("{name}.bias"), &[out])?.unwrap_or_else(|| vec![0.0; out]);
    Ok(Linear { out_features: out, in_features: inp, weight, bias })
}
