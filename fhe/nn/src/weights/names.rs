//! The names of tensors: prefixes that wrappers put before them, and other names of the same layers.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::Error;

/// Returns, for each tensor by PyTorch's name, its name in the file; notes what was left out or renamed. Counters that
/// only training uses are left out.
///
/// # Errors
/// [`Error::TwoNames`] for two tensors with the same name of PyTorch.
pub(super) fn canonical(names: &[&str], notes: &mut Vec<String>) -> Result<BTreeMap<String, String>, Error> {
    let is_counter = |name: &str| name.ends_with("num_batches_tracked") || name == "n_averaged";
    let mut names: Vec<&str> = names.iter().copied().filter(|name| !is_counter(name)).collect();
    // The parser lists them in no fixed order.
    names.sort_unstable();
    let prefix = shared_prefix(&names);
    if !prefix.is_empty() {
        notes.push(format!("the names of all tensors begin with `{prefix}`, which was left out"));
    }
    let mut all = BTreeMap::new();
    for (theirs, ours) in [("linear", "fc"), ("classifier", "fc"), ("shortcut", "downsample")] {
        let part = |name: &&str| name[prefix.len()..].split('.').any(|part| part == theirs);
        if names.iter().any(part) {
            notes.push(format!("`{theirs}` was read as `{ours}`"));
        }
    }
    for name in names {
        let pytorch = renamed(&name[prefix.len()..]);
        if let Some(first) = all.insert(pytorch.clone(), name.to_owned()) {
            return Err(Error::TwoNames { first, second: name.to_owned(), name: pytorch });
        }
    }
    Ok(all)
}

/// Checks that the header of a safetensors file lists no tensor twice; the parser would drop all but the last.
///
/// # Errors
/// [`Error::TwoNames`] for a name that is there twice.
pub(super) fn distinct(file: &[u8]) -> Result<(), Error> {
    let header = file.split_first_chunk::<8>().and_then(|(length, rest)| {
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        serde_json::from_slice::<Keys>(rest.get(..length)?).ok()
    });
    let mut names = header.map(|Keys(names)| names).unwrap_or_default();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some([name, _]) => Err(Error::TwoNames { first: name.clone(), second: name.clone(), name: name.clone() }),
        _ => Ok(()),
    }
}

/// The keys of a JSON object, repeated ones included.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Keys(Vec::new()))
    }
}

impl<'de> Visitor<'de> for Keys {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some((key, IgnoredAny)) = map.next_entry()? {
            self.0.push(key);
        }
        Ok(self)
    }
}

/// Returns the longest prefix that ends with a dot, is shared by all names and contains no layer: `module.`, `model.`,
/// `_orig_mod.`, or a chain of such.
fn shared_prefix<'a>(names: &[&'a str]) -> &'a str {
    let Some(&first) = names.first() else {
        return "";
    };
    let mut length = 0;
    for part in first.split('.') {
        let next = length + part.len() + 1;
        let shared = |name: &&str| name.len() > next && name.get(..next) == first.get(..next);
        if is_layer(part) || !names.iter().all(shared) {
            break;
        }
        length = next;
    }
    &first[..length]
}

/// Whether a part of a name is that of a layer.
fn is_layer(part: &str) -> bool {
    let numbered = |stem: &str| part.strip_prefix(stem).is_some_and(|rest| rest.parse::<u32>().is_ok());
    ["conv", "bn", "layer"].into_iter().any(numbered) || ["fc", "linear", "classifier"].contains(&part)
}

/// Returns what stands before the name of a network's first convolution; `None` for any other tensor.
pub(super) fn before_stem(name: &str) -> Option<&str> {
    name.strip_suffix("conv1.weight")
        .filter(|before| before.is_empty() || before.ends_with('.') && !before.split('.').any(is_layer))
}

/// Returns PyTorch's name of a tensor: `fc` for `linear` and `classifier`, `downsample` for `shortcut`.
fn renamed(name: &str) -> String {
    let rest = ["linear.", "classifier."].iter().find_map(|other| name.strip_prefix(other));
    match rest {
        Some(rest) => format!("fc.{rest}"),
        None => name.replacen(".shortcut.", ".downsample.", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_prefix_shared_by_all_is_left_out() {
        let prefix = |names: &[&'static str]| shared_prefix(names);
        assert_eq!(prefix(&["module._orig_mod.conv1.weight", "module._orig_mod.fc.bias"]), "module._orig_mod.");
        assert_eq!(prefix(&["module.conv1.weight", "fc.bias"]), "");
        assert_eq!(prefix(&["module.model.conv1.weight", "module.fc.bias"]), "module.");
        assert_eq!(prefix(&["conv1.weight", "conv1.bias"]), "");
        assert_eq!(prefix(&["layer1.0.conv1.weight", "layer1.0.conv2.weight"]), "");
        assert_eq!(prefix(&["module.", "module.a"]), "");
        assert_eq!(prefix(&[]), "");
    }

    #[test]
    fn other_names_of_layers_become_pytorchs() {
        assert_eq!(renamed("linear.weight"), "fc.weight");
        assert_eq!(renamed("layer2.0.shortcut.1.bias"), "layer2.0.downsample.1.bias");
        assert_eq!(renamed("layer2.0.conv1.weight"), "layer2.0.conv1.weight");
    }
}
