//! The tensors of a file by PyTorch's names, each taken at most once and checked as it is taken.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use safetensors::{Dtype, SafeTensors};

use super::{elements, format, names};
use crate::Error;

pub(super) struct Tensors<'a> {
    file: SafeTensors<'a>,
    metadata: HashMap<String, String>,
    /// Names in the file, by PyTorch's names.
    names: BTreeMap<String, String>,
    left: BTreeSet<String>,
    converted: BTreeMap<&'static str, usize>,
}

impl<'a> Tensors<'a> {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// Those of [`format::refusal`] if the bytes are not a safetensors file, [`Error::EmptyTensor`] for a tensor
    /// without elements, and those of [`names::distinct`] and [`names::canonical`].
    pub(super) fn parse(bytes: &'a [u8], notes: &mut Vec<String>) -> Result<Self, Error> {
        let read = || {
            let (_, header) = SafeTensors::read_metadata(bytes)?;
            Ok((header.metadata().clone().unwrap_or_default(), SafeTensors::deserialize(bytes)?))
        };
        let (metadata, file) = read().map_err(|reason| format::refusal(bytes, reason))?;
        names::distinct(bytes)?;
        let names = names::canonical(&file.names(), notes)?;
        for name in names.values() {
            let found = file.tensor(name).map_or_else(|_| Vec::new(), |view| view.shape().to_vec());
            if found.contains(&0) {
                return Err(Error::EmptyTensor { name: name.clone(), found });
            }
        }
        let left = names.keys().cloned().collect();
        Ok(Self { file, metadata, names, left, converted: BTreeMap::new() })
    }

    /// Returns the shape of a tensor; `None` if the file lacks it.
    pub(super) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.file.tensor(self.names.get(name)?).ok().map(|view| view.shape().to_vec())
    }

    /// Returns whether a tensor's name begins with `start`.
    pub(super) fn any(&self, start: &str) -> bool {
        self.names.range(start.to_owned()..).next().is_some_and(|(name, _)| name.starts_with(start))
    }

    /// Returns a value of the file's metadata.
    pub(super) fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// Returns the values of a tensor, last index fastest, without rounding.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], and those of [`Self::take_if_there`].
    pub(super) fn take(&mut self, name: &str, wanted: &[usize]) -> Result<Vec<f64>, Error> {
        let values = self.take_if_there(name, wanted)?;
        values.ok_or_else(|| Error::MissingTensor { wanted: format!("`{name}`") })
    }

    /// Returns the values of a tensor, last index fastest, without rounding; `None` if the file lacks it.
    ///
    /// # Errors
    /// [`Error::WrongType`], [`Error::WrongShape`], or [`Error::NotFinite`], with the name in the file.
    pub(super) fn take_if_there(&mut self, name: &str, wanted: &[usize]) -> Result<Option<Vec<f64>>, Error> {
        let Some(in_file) = self.names.get(name) else {
            return Ok(None);
        };
        let Ok(view) = self.file.tensor(in_file) else {
            return Ok(None);
        };
        if view.shape() != wanted {
            let (found, wanted) = (view.shape().to_vec(), wanted.to_vec());
            return Err(Error::WrongShape { name: in_file.clone(), found, wanted });
        }
        let Some(values) = elements::read(view.dtype(), view.data()) else {
            return Err(Error::WrongType { name: in_file.clone(), found: format!("{:?}", view.dtype()) });
        };
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite { name: in_file.clone(), index, found: values[index] });
        }
        let converted = match view.dtype() {
            Dtype::F16 => Some("float16"),
            Dtype::BF16 => Some("bfloat16"),
            Dtype::F64 => Some("float64"),
            _ => None,
        };
        if let Some(from) = converted {
            *self.converted.entry(from).or_default() += 1;
        }
        self.left.remove(name);
        Ok(Some(values))
    }

    /// Returns the name in the file of a tensor that was not taken.
    pub(super) fn left_over(&self) -> Option<String> {
        self.left.first().map(|name| self.names[name].clone())
    }

    /// Notes the element types other than float32 that were converted.
    pub(super) fn note_conversions(&self, notes: &mut Vec<String>) {
        let converted = self.converted.iter();
        notes.extend(
            converted.map(|(from, count)| format!("{count} tensors of {from} were converted without rounding")),
        );
    }
}
