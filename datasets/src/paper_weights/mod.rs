//! The published implementation's weights (Rovida and Leporati, ePrint 2024/460), from the `weights/` folder of its
//! repository to plain tensors.
//!
//! The folder holds 6,314 text files, one number a line: each is a vector that the published circuit multiplies a rotated
//! ciphertext by. A vector is made of blocks of one pixel grid each; a block repeats one weight (batch norm folded in)
//! wherever the kernel position sees a pixel, and is zero where it sees the border, or where a stride passes over.
//! `packed` says which weight stands in which block, `vector` reads a file and checks every number of it.

mod packed;
#[cfg(test)]
mod tests;
mod vector;

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::Error;
use packed::Geometry;

/// A tensor, the last index fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: Vec<f32>,
}

/// The tensors of a network, by PyTorch's names.
pub type Tensors = BTreeMap<String, Tensor>;

/// Reads the folder of a published ResNet-20.
///
/// # Errors
/// A file that is missing or has another number of lines; a line that is no finite number, not zero where the mask is, or
/// not the weight that the rest of its block is. File and line are named.
pub fn import(folder: &Path) -> Result<Tensors, Error> {
    import_as(folder, Geometry::PUBLISHED)
}

fn import_as(folder: &Path, geometry: Geometry) -> Result<Tensors, Error> {
    let mut tensors = Tensors::new();
    for layer in geometry.convolutions() {
        let (weight, bias) = layer.read(folder)?;
        tensors.insert(format!("{}.weight", layer.name), weight);
        tensors.insert(format!("{}.bias", layer.name), bias);
    }
    tensors.insert("fc.weight".to_owned(), packed::classifier(folder, geometry)?);
    Ok(tensors)
}

/// The tensors as a safetensors file.
///
/// # Errors
/// [`Error::Safetensors`] for a tensor whose values do not fill its shape.
pub fn to_safetensors(tensors: &Tensors) -> Result<Vec<u8>, Error> {
    let bytes = |tensor: &Tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let data: BTreeMap<_, _> = tensors.iter().map(|(name, tensor)| (name, (&tensor.shape, bytes(tensor)))).collect();
    let mut views = Vec::with_capacity(data.len());
    for (name, (shape, data)) in &data {
        views.push((name, TensorView::new(Dtype::F32, (*shape).clone(), data).map_err(Error::Safetensors)?));
    }
    let source = "weights/ of the repository of ePrint 2024/460, batch norm folded in".to_owned();
    safetensors::serialize(views, Some([("source".to_owned(), source)].into())).map_err(Error::Safetensors)
}
