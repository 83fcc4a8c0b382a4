//! The weight of each block of each file.
//!
//! A layer of C output channels has C files for each kernel position. A file has one block for each input channel. In
//! file i, block b holds the weight from input channel b to the output channel that is i blocks back, because the
//! circuit multiplies and then rotates by i blocks. A layer that doubles the channels has two halves: the files from
//! C/2 on are for the second half of the outputs. In the first layer, file i holds the weights to output channel i.

use std::path::Path;

use super::Tensor;
use super::vector::{Mask, numbers, weights};
use crate::Error;

/// Sizes of a published network: a ResNet-20 of some width on images of some side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    /// Channels of the first stage.
    pub(super) width: usize,
    /// Height and width of the images.
    pub(super) side: usize,
}

/// Channels of an image.
pub(super) const IMAGE_CHANNELS: usize = 3;
const STAGES: usize = 3;
const BLOCKS: usize = 3;
/// Classes.
pub(super) const CLASSES: usize = 10;

/// The kinds of convolutions: each has its files packed in another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConvolutionKind {
    /// The first layer: no rotations.
    Stem,
    /// The convolution returns as many channels as it takes.
    Same,
    /// Twice the channels of the input, at half its side.
    Halving,
}

/// A convolution as it is packed.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    /// PyTorch's name.
    pub(super) name: String,
    /// The beginning of its files' names.
    pub(super) file: String,
    /// How they are packed.
    pub(super) kind: ConvolutionKind,
    /// Channels out.
    pub(super) out: usize,
    /// Channels in.
    pub(super) inp: usize,
    /// Width and height of the kernel.
    pub(super) kernel: usize,
    /// Side of the input.
    pub(super) side: usize,
}

impl Geometry {
    /// That of the published weights.
    pub(super) const PUBLISHED: Self = Self { width: 16, side: 32 };

    /// Every convolution.
    pub(super) fn convolutions(self) -> Vec<Packed> {
        let Self { width, side } = self;
        let (kind, kernel) = (ConvolutionKind::Stem, 3);
        let (name, file) = ("conv1".to_owned(), "conv1bn1".to_owned());
        let mut all = vec![Packed { name, file, kind, out: width, inp: IMAGE_CHANNELS, kernel, side }];
        for (stage, block) in (0..STAGES).flat_map(|stage| (0..BLOCKS).map(move |block| (stage, block))) {
            let (out, side) = (width << stage, side >> stage);
            let (name, file) = (format!("layer{}.{block}", stage + 1), format!("layer{}", BLOCKS * stage + block + 1));
            let packed = |part: &str, file: String, kind: ConvolutionKind, kernel: usize| {
                let (inp, side) = if kind == ConvolutionKind::Halving { (out / 2, 2 * side) } else { (out, side) };
                Packed { name: format!("{name}.{part}"), file, kind, out, inp, kernel, side }
            };
            let halving = stage > 0 && block == 0;
            let first = if halving { ConvolutionKind::Halving } else { ConvolutionKind::Same };
            all.push(packed("conv1", format!("{file}-conv1bn1"), first, 3));
            if halving {
                all.push(packed("downsample", format!("{file}dx-conv1bn1"), ConvolutionKind::Halving, 1));
            }
            all.push(packed("conv2", format!("{file}-conv2bn2"), ConvolutionKind::Same, 3));
        }
        all
    }
}

impl Packed {
    /// Blocks of a vector.
    pub(super) fn blocks(&self) -> usize {
        if self.kind == ConvolutionKind::Stem { self.out } else { self.inp }
    }

    /// The output channel that block `block` of file `index` leads to.
    pub(super) fn output(&self, index: usize, block: usize) -> usize {
        let back = |channels: usize| (block + channels - index % channels) % channels;
        match self.kind {
            ConvolutionKind::Stem => index,
            ConvolutionKind::Same => back(self.out),
            ConvolutionKind::Halving => index / self.inp * self.inp + back(self.inp),
        }
    }

    /// The mask of kernel position `position`, counted row by row.
    pub(super) fn mask(&self, position: usize) -> Mask {
        let reach = (self.kernel / 2) as i64;
        let look = [position / self.kernel, position % self.kernel].map(|at| at as i64 - reach);
        let stride = if self.kind == ConvolutionKind::Halving { 2 } else { 1 };
        Mask { side: self.side, stride, look }
    }

    /// The files of the bias, with how many outputs each is for.
    pub(super) fn bias_files(&self) -> Vec<(String, usize)> {
        match self.kind {
            ConvolutionKind::Halving => [1, 2].map(|half| (format!("{}-bias{half}.bin", self.file), self.inp)).into(),
            ConvolutionKind::Stem | ConvolutionKind::Same => vec![(format!("{}-bias.bin", self.file), self.out)],
        }
    }

    /// The file of output index `index` and kernel position `position`.
    pub(super) fn weight_file(&self, index: usize, position: usize) -> String {
        format!("{}-ch{index}-k{}.bin", self.file, position + 1)
    }

    /// Reads weight and bias.
    ///
    /// # Errors
    /// Those of [`weights`].
    pub(super) fn read(&self, folder: &Path) -> Result<(Tensor, Tensor), Error> {
        let positions = self.kernel * self.kernel;
        let mut values = vec![0.0; self.out * self.inp * positions];
        for index in 0..self.out {
            for position in 0..positions {
                let (file, mask) = (self.weight_file(index, position), self.mask(position));
                for (block, weight) in weights(folder, &file, mask, self.blocks(), self.inp)?.into_iter().enumerate() {
                    values[(self.output(index, block) * self.inp + block) * positions + position] = weight;
                }
            }
        }
        let weight = Tensor { shape: vec![self.out, self.inp, self.kernel, self.kernel], values };
        let mut bias = Vec::with_capacity(self.out);
        let centre = self.mask(positions / 2);
        for (file, outputs) in self.bias_files() {
            bias.extend(weights(folder, &file, centre, outputs, outputs)?);
        }
        Ok((weight, Tensor { shape: vec![self.out], values: bias }))
    }
}

/// Reads the classifier, which the file holds as a row of classes for each channel.
///
/// # Errors
/// Those of [`numbers`].
pub(super) fn classifier(folder: &Path, geometry: Geometry) -> Result<Tensor, Error> {
    let features = geometry.width << (STAGES - 1);
    let (_, rows) = numbers(folder, "fc.bin", features * CLASSES)?;
    let values =
        (0..CLASSES).flat_map(|class| rows.iter().skip(class).step_by(CLASSES).map(|&(value, _)| value as f32));
    Ok(Tensor { shape: vec![CLASSES, features], values: values.collect() })
}
