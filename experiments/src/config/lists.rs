//! Values and lists of values in a config, each with its place.

use anyhow::{Context, Result, ensure};
use toml::Spanned;

use super::Source;

/// Reads a list of values, none of them twice.
pub(super) fn values<W, V: PartialEq>(
    source: &Source,
    list: &Spanned<Vec<Spanned<W>>>,
    key: &str,
    read: impl Fn(&W) -> Result<V>,
) -> Result<Vec<V>> {
    ensure!(!list.get_ref().is_empty(), "{}: found an empty list, wanted at least one value", source.at(list, key));
    let mut values = Vec::new();
    for value in list.get_ref() {
        let at = || source.at(value, key);
        let read = read(value.get_ref()).with_context(at)?;
        ensure!(!values.contains(&read), "{}: found it twice, wanted each value once", at());
        values.push(read);
    }
    Ok(values)
}

/// Reads a value that may be missing.
pub(super) fn value<W, V>(
    source: &Source,
    value: &Option<Spanned<W>>,
    key: &str,
    read: impl Fn(&W) -> Result<V>,
) -> Result<Option<V>> {
    value.as_ref().map(|value| read(value.get_ref()).with_context(|| source.at(value, key))).transpose()
}
