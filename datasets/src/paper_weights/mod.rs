//! Reads the published implementation's weights (Rovida and Leporati, ePrint 2024/460) from the `weights/` folder of
//! its repository into plain tensors.
//!
//! The folder has 6,314 text files with one number a line. Each file is a vector by which the published circuit
//! multiplies a rotated ciphertext. A vector consists of blocks, each of one pixel grid. A block repeats one weight,
//! with batch norm folded in. It is zero at pixels whose kernel position is beyond the border, and at pixels that a
//! stride leaves out. `packed` knows the weight of each block of each file; `vector` reads a file and checks every
//! number.

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
/// A file that is missing or has another number of lines; a line that is not a finite number, is not zero under the
/// mask, or differs from the weight of its block. The error names file and line.
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
