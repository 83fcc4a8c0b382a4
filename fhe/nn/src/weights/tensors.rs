//! The tensors of a file, each taken at most once and checked as it is taken.

use std::collections::{BTreeSet, HashMap};

use safetensors::{Dtype, SafeTensors};

use crate::Error;

pub(super) struct Tensors<'a> {
    file: SafeTensors<'a>,
    metadata: HashMap<String, String>,
    left: BTreeSet<String>,
}

impl<'a> Tensors<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let file = SafeTensors::deserialize(bytes)?;
        // a counter for training only
        let left =
            file.names().iter().filter(|n| !n.ends_with(".num_batches_tracked")).map(|n| n.to_string()).collect();
        Ok(Self { file, metadata, left })
    }

    /// Shape of a tensor, `None` where there is no such tensor.
    pub(super) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.file.tensor(name).ok().map(|view| view.shape().to_vec())
    }

    pub(super) fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// Values of a tensor, last index fastest; each is exactly the file's float32.
    pub(super) fn take(&mut self, name: &str, wanted: &[usize]) -> Result<Vec<f64>, Error> {
        let values = self.take_if_there(name, wanted)?;
        values.ok_or_else(|| Error::MissingTensor { wanted: format!("`{name}`") })
    }

    pub(super) fn take_if_there(&mut self, name: &str, wanted: &[usize]) -> Result<Option<Vec<f64>>, Error> {
        let Ok(view) = self.file.tensor(name) else {
            return Ok(None);
        };
        if view.dtype() != Dtype::F32 {
            return Err(Error::WrongType { name: name.to_owned(), found: format!("{:?}", view.dtype()) });
        }
        if view.shape() != wanted {
            let (found, wanted) = (view.shape().to_vec(), wanted.to_vec());
            return Err(Error::WrongShape { name: name.to_owned(), found, wanted });
        }
        let (words, _) = view.data().as_chunks::<4>();
        let values: Vec<f32> = words.iter().map(|&word| f32::from_le_bytes(word)).collect();
        if let Some(index) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::NotFinite { name: name.to_owned(), index, found: values[index] });
        }
        self.left.remove(name);
        Ok(Some(values.into_iter().map(f64::from).collect()))
    }

    /// A tensor that nobody has taken.
    pub(super) fn left_over(&self) -> Option<String> {
        self.left.first().cloned()
    }
}
