//! The walk over the layers of a ResNet, which takes their tensors one by one.

use super::batch_norm::{BatchNorm, EPSILON};
use super::checkpoint::LEFT_OUT;
use super::family;
use super::tensors::Tensors;
use super::{Loaded, ModelCard};
use crate::Error;
use crate::network::{Block, Conv, INPUT_CHANNELS, Linear, MOST_CLASSES, MOST_STAGES, ResNet};
use crate::shortcut::{self, PaddedShortcut};

/// Reads a network; see [`super::load`].
///
/// # Errors
/// Those of [`super::load`].
pub(super) fn read(bytes: &[u8], card: Option<&ModelCard>) -> Result<Loaded, Error> {
    let mut notes = Vec::new();
    let tensors = Tensors::parse(bytes, &mut notes)?;
    notes.extend(tensors.metadata(LEFT_OUT).map(|tensors| format!("{tensors} were left out")));
    let padded = shortcut::stated(tensors.metadata("shortcut"), card.and_then(|card| card.shortcut), &mut notes)?;
    let stated = epsilon(tensors.metadata("bn_eps"), card.and_then(|card| card.bn_eps))?;
    let epsilon = stated.unwrap_or(EPSILON);
    let mut reader = Reader { tensors, padded, epsilon, norms: 0, plain_norms: 0 };
    let network = reader.network()?;
    reader.tensors.note_conversions(&mut notes);
    if reader.norms > 0 && stated.is_none() && card.is_none() {
        notes.push(format!("no `bn_eps` is stated; {EPSILON:e}, PyTorch's default, was assumed for batch norm"));
    }
    if reader.plain_norms > 0 {
        notes.push(format!("{} batch norms have no weight and bias; 1 and 0 were taken", reader.plain_norms));
    }
    Ok(Loaded { network, notes })
}

/// Returns the epsilon of batch norm that a file's metadata and the model card state.
///
/// # Errors
/// [`Error::BadConvention`] if the file states anything but a number above 0 and at most 1, or if file and card state
/// different numbers.
fn epsilon(file: Option<&str>, card: Option<f64>) -> Result<Option<f64>, Error> {
    let bad = |found, wanted: &str| Error::BadConvention { key: "bn_eps", found, wanted: wanted.to_owned() };
    let Some(text) = file else {
        return Ok(card);
    };
    let value = text.trim().parse().ok().filter(|&value| value > 0.0 && value <= 1.0);
    let value = value.ok_or_else(|| bad(format!("`{text}`"), "a number above 0 and up to 1, such as 1e-5"))?;
    match card {
        Some(card) if card != value => {
            Err(bad(format!("{value:e} in the weights and {card:e} in the card"), "the same in both"))
        }
        _ => Ok(Some(value)),
    }
}

struct Reader<'a> {
    tensors: Tensors<'a>,
    padded: Option<PaddedShortcut>,
    epsilon: f64,
    norms: usize,
    plain_norms: usize,
}

impl Reader<'_> {
    fn network(&mut self) -> Result<ResNet, Error> {
        family::check(&self.tensors)?;
        // If `conv1.weight` has another rank, the shape wanted is that of the paper's network.
        let (mut channels, input) = match self.tensors.shape("conv1.weight").as_deref() {
            Some(&[width, input, _, _]) => (width, input.clamp(1, INPUT_CHANNELS)),
            _ => (16, INPUT_CHANNELS),
        };
        let stem = self.conv("conv1", Some("bn1"), [channels, input], 3, 1)?;
        let stages = (1..).take_while(|stage| self.tensors.any(&format!("layer{stage}."))).count();
        if stages > MOST_STAGES {
            return Err(Error::WrongStages { found: stages, wanted: MOST_STAGES });
        }
        let mut blocks = Vec::new();
        for stage in 1..=stages.max(1) {
            let count = (0..).take_while(|k| self.tensors.any(&format!("layer{stage}.{k}."))).count();
            // The first convolution of a stage tells its width.
            let out = match self.tensors.shape(&format!("layer{stage}.0.conv1.weight")).as_deref() {
                Some(&[out, ..]) => out,
                _ => channels,
            };
            for k in 0..count.max(1) {
                let stride = if k == 0 && stage > 1 { 2 } else { 1 };
                blocks.push(self.block(&format!("layer{stage}.{k}"), channels, out, stride)?);
                channels = out;
            }
        }
        let classifier = self.classifier(channels)?;
        let network = ResNet { stem, blocks, classifier };
        match self.tensors.left_over() {
            Some(name) => Err(Error::UnusedTensor { name, depth: network.depth() }),
            None => Ok(network),
        }
    }

    fn block(&mut self, name: &str, inp: usize, out: usize, stride: usize) -> Result<Block, Error> {
        let conv1 = self.conv(&format!("{name}.conv1"), Some(&format!("{name}.bn1")), [out, inp], 3, stride)?;
        let conv2 = self.conv(&format!("{name}.conv2"), Some(&format!("{name}.bn2")), [out, out], 3, 1)?;
        Ok(Block { conv1, conv2, shortcut: self.shortcut(name, inp, out, stride)?, stride })
    }

    fn shortcut(&mut self, block: &str, inp: usize, out: usize, stride: usize) -> Result<Option<Conv>, Error> {
        for (part, norm) in [("downsample.0", Some("downsample.1")), ("downsample", None)] {
            let name = format!("{block}.{part}");
            if self.tensors.shape(&format!("{name}.weight")).is_some() {
                if let Some(convention) = self.padded {
                    let found = format!("`{convention}`, and the tensor `{name}.weight`");
                    let wanted = "one of the two".to_owned();
                    return Err(Error::BadConvention { key: "shortcut", found, wanted });
                }
                let norm = norm.map(|norm| format!("{block}.{norm}"));
                return self.conv(&name, norm.as_deref(), [out, inp], 1, stride).map(Some);
            }
        }
        if inp == out && stride == 1 {
            return Ok(None);
        }
        match self.padded.filter(|_| inp <= out) {
            Some(convention) => Ok(Some(convention.conv(inp, out, stride))),
            None => Err(Error::MissingShortcut {
                name: format!("{block}.downsample.0.weight"),
                conventions: PaddedShortcut::names(),
            }),
        }
    }

    /// Reads the convolution `name` and folds the batch norm `norm` into it, if the file has one.
    fn conv(
        &mut self,
        name: &str,
        norm: Option<&str>,
        [out, inp]: [usize; 2],
        kernel: usize,
        stride: usize,
    ) -> Result<Conv, Error> {
        let weight = self.tensors.take(&format!("{name}.weight"), &[out, inp, kernel, kernel])?;
        let bias = self.tensors.take_if_there(&format!("{name}.bias"), &[out])?;
        let norm = match norm.filter(|norm| self.tensors.any(&format!("{norm}."))) {
            Some(norm) => {
                let (norm, affine) = BatchNorm::take(&mut self.tensors, norm, out, self.epsilon)?;
                self.norms += 1;
                self.plain_norms += usize::from(!affine);
                Some(norm)
            }
            None => None,
        };
        if bias.is_none() && norm.is_none() {
            // A file that lost the batch norm of a layer would load and be wrong.
            return Err(Error::MissingTensor { wanted: format!("`{name}.bias`, or batch norm after `{name}`,") });
        }
        let bias = bias.unwrap_or_else(|| vec![0.0; out]);
        let conv = Conv { out_channels: out, in_channels: inp, kernel, stride, weight, bias };
        Ok(match norm {
            Some(norm) => norm.fold(conv),
            None => conv,
        })
    }

    fn classifier(&mut self, inp: usize) -> Result<Linear, Error> {
        let out = self.tensors.shape("fc.weight").and_then(|shape| shape.first().copied()).unwrap_or(10);
        if !(2..=MOST_CLASSES).contains(&out) {
            let (found, wanted) = (format!("{out} classes (`fc.weight`)"), format!("2 to {MOST_CLASSES}"));
            return Err(Error::OtherNetwork { found, wanted });
        }
        let weight = self.tensors.take("fc.weight", &[out, inp])?;
        let bias = self.tensors.take_if_there("fc.bias", &[out])?.unwrap_or_else(|| vec![0.0; out]);
        Ok(Linear { out_features: out, in_features: inp, weight, bias })
    }
}
