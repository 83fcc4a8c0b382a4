//! A config's text, and the places of its values, for errors.

use std::ops::Range;
use std::path::Path;

use anyhow::{Error, Result, anyhow};
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Errors repeat a value of at most this many characters.
const LONGEST_VALUE: usize = 48;

/// A file and its content.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The file's name as the user gave it.
    pub name: String,
    /// Its content.
    pub text: String,
}

impl Source {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| anyhow!("{name}: {error}; wanted a config (TOML)"))?;
        Ok(Self { name, text })
    }

    /// Parses the text as a `T`.
    ///
    /// # Errors
    /// A text of another shape; the error names the line and the key.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        toml::from_str(&self.text).map_err(|error| self.describe(&error))
    }

    fn describe(&self, error: &toml::de::Error) -> Error {
        let span = error.span().unwrap_or(0..self.text.len());
        // A missing key has no place.
        let whole = span.start == 0 && error.message().starts_with("missing field");
        let key = if whole { None } else { self.key_at(span.start).or_else(|| self.key_on_line(span.start)) };
        let key = key.map_or(String::new(), |key| format!("{key}: "));
        anyhow!("{}:{}: {key}{}", self.name, self.line(span.start), in_plain_words(error.message()))
    }

    /// Returns `file:line: key`, and the value if it is short, for errors about the value.
    pub(crate) fn at<T>(&self, value: &Spanned<T>, key: &str) -> String {
        let text = &self.text[value.span()];
        let short = !text.starts_with('[') && text.len() <= LONGEST_VALUE && !text.contains('\n');
        let value_text = if short { format!(" = {text}") } else { String::new() };
        format!("{}:{}: {key}{value_text}", self.name, self.line(value.span().start))
    }

    fn line(&self, offset: usize) -> usize {
        1 + self.text.as_bytes()[..offset.min(self.text.len())].iter().filter(|&&byte| byte == b'\n').count()
    }

    /// Returns the text before the first `=` of the line, for text that is not valid TOML.
    fn key_on_line(&self, offset: usize) -> Option<String> {
        let line = self.text.lines().nth(self.line(offset) - 1)?;
        Some(line.split_once('=')?.0.trim().to_owned()).filter(|key| !key.is_empty())
    }

    /// Returns the key, dotted from the top, whose name or value is the shortest that contains `offset`.
    fn key_at(&self, offset: usize) -> Option<String> {
        let (table, _) = DeTable::parse_recoverable(&self.text);
        let mut found: Option<(usize, String)> = None;
        visit(table.get_ref(), "", &mut |path, span| {
            if span.contains(&offset) && found.as_ref().is_none_or(|(length, _)| span.len() <= *length) {
                found = Some((span.len(), path.to_owned()));
            }
        });
        found.map(|(_, path)| path)
    }
}

/// Returns the parser's message without the names of Rust types.
fn in_plain_words(message: &str) -> String {
    let number = "wanted a whole number from 0";
    let words = [
        ("duplicate key", "found it twice, wanted each key once"),
        ("expected usize", number),
        ("expected u64", number),
        ("expected f64", "wanted a number"),
        ("expected a sequence", "wanted a list"),
        ("expected", "wanted"),
    ];
    if message.starts_with("missing field") {
        return format!("{message}, wanted it: `run --help` explains every key");
    }
    match words.iter().find(|(theirs, _)| message.contains(theirs)) {
        Some((theirs, ours)) => message.replace(theirs, ours),
        None => message.to_owned(),
    }
}

/// Calls `see` with every key of a table and the places of its name and its value.
fn visit(table: &DeTable<'_>, above: &str, see: &mut dyn FnMut(&str, Range<usize>)) {
    for (key, value) in table {
        let path = if above.is_empty() { key.get_ref().to_string() } else { format!("{above}.{}", key.get_ref()) };
        see(&path, key.span());
        see(&path, value.span());
        visit_value(value.get_ref(), &path, see);
    }
}

fn visit_value(value: &DeValue<'_>, path: &str, see: &mut dyn FnMut(&str, Range<usize>)) {
    match value {
        DeValue::Table(table) => visit(table, path, see),
        DeValue::Array(array) => array.iter().for_each(|value| visit_value(value.get_ref(), path, see)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_by_their_place() {
        let text = "a = 1\n[t]\nb = [\n  2,\n  3]\n[[l]]\nc = { d = 4 }\n".to_owned();
        let source = Source { name: "f".to_owned(), text: text.clone() };
        let key = |part: &str| source.key_at(text.find(part).unwrap()).unwrap_or_default();
        assert_eq!([key("1"), key("b"), key("3"), key("c"), key("4")], ["a", "t.b", "t.b", "l.c", "l.c.d"]);
        assert_eq!(source.line(text.find('3').unwrap()), 5);
    }
}
