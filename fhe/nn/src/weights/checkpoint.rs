//! Checkpoints of PyTorch, as the tensors of a safetensors file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use pytorch_reader::{DType, PytorchReader, Tensor};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::{MAX_BYTES, format, names};
use crate::Error;

/// The metadata's key for what a checkpoint has beside its network.
pub(super) const LEFT_OUT: &str = "left_out";

/// Returns the bytes of a safetensors file with the network of the checkpoint `path`, by the names that the tensors have
/// there. If a dictionary around the network has other tensors too, such as an optimiser's, these are left out and counted in
/// the metadata.
///
/// # Errors
/// [`Error::Checkpoint`] for a file that is no whole checkpoint, [`Error::OtherFormat`] for one without tensors,
/// [`Error::TwoNetworks`], and [`Error::TooLarge`] for tensors
/// of more than [`MAX_BYTES`].
pub(super) fn to_safetensors(path: &Path) -> Result<Vec<u8>, Error> {
    let refused = |reason: String| Error::Checkpoint { path: path.to_owned(), reason: in_one_line(&reason) };
    let reader = PytorchReader::new(path).map_err(|error| refused(error.to_string()))?;
    let mut tensors: BTreeMap<String, Tensor> = reader.into_tensors().into_iter().collect();
    if tensors.is_empty() {
        return Err(Error::OtherFormat { found: "a checkpoint of PyTorch without tensors", remedy: format::OTHER });
    }
    let (all, wrapper) = (tensors.len(), wrapper(path, &tensors)?);
    tensors.retain(|name, _| name.starts_with(&wrapper));
    // A tensor may repeat few stored elements many times, so the file's length bounds nothing.
    let bytes = tensors.values().fold(0, |sum: u64, tensor| sum.saturating_add(tensor.byte_len() as u64));
    if bytes > MAX_BYTES {
        return Err(Error::TooLarge { path: path.to_owned(), found: bytes, wanted: MAX_BYTES });
    }
    let left_out = all - tensors.len();
    let metadata = (left_out > 0)
        .then(|| HashMap::from([(LEFT_OUT.to_owned(), format!("{left_out} tensors outside of `{wrapper}…`"))]));
    let read = |(name, tensor): (String, Tensor)| Ok((name, tensor.read()?, tensor));
    let read: Result<Vec<_>, std::io::Error> = tensors.into_iter().map(read).collect();
    let read = read.map_err(|error| refused(error.to_string()))?;
    let view = |(name, data, tensor)| {
        let (name, data, tensor): (&String, &Vec<u8>, &Tensor) = (name, data, tensor);
        Ok((name, TensorView::new(element(tensor.dtype()), tensor.shape().to_vec(), data)?))
    };
    let views: Result<Vec<_>, _> = read.iter().map(|(name, data, tensor)| view((name, data, tensor))).collect();
    views.and_then(|views| safetensors::serialize(views, metadata)).map_err(Error::Format)
}

/// Returns what the names of the network's tensors begin with, and no others: `state_dict.` or the like, or nothing.
///
/// # Errors
/// [`Error::TwoNetworks`] for two networks of which neither lies in the other.
fn wrapper(path: &Path, tensors: &BTreeMap<String, Tensor>) -> Result<String, Error> {
    let stems: BTreeSet<&str> = tensors.keys().filter_map(|name| names::before_stem(name)).collect();
    let mut outer: Vec<&str> = Vec::new();
    // Shorter names of the same beginning come first.
    for stem in stems {
        if !outer.iter().any(|wrapper| stem.starts_with(wrapper)) {
            outer.push(stem);
        }
    }
    match outer[..] {
        [first, second, ..] => Err(Error::TwoNetworks {
            path: path.to_owned(),
            first: first.trim_end_matches('.').to_owned(),
            second: second.trim_end_matches('.').to_owned(),
        }),
        [wrapper] => Ok(wrapper.to_owned()),
        [] => Ok(String::new()),
    }
}

/// Returns the beginning of a reader's reason, without line breaks.
fn in_one_line(reason: &str) -> String {
    let line = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn element(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}
