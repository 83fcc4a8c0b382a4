//! Renews tables in a file, between markers that name the command.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Parser;

use super::planner::ThisProgram;
use super::{Args, Name, format};
use crate::files::replace;
use crate::report::source;

/// The kinds of lines of a file.
enum Line<'a> {
    /// `<!-- tables:NAME begin (command) -->`; the command may be left out.
    Begin(&'a str, Option<&'a str>),
    /// `<!-- tables:NAME end -->`.
    End(&'a str),
    /// Anything else.
    Other,
}

/// The command in a marker.
#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

/// Renews all tables of a file, or one of them. Without folders, each is made from the folders of its own command.
///
/// # Errors
/// A file without markers, markers that do not match, or runs that cannot be read.
pub(super) fn run(file: &Path, only: Option<Name>, folders: &[PathBuf]) -> Result<()> {
    let shown = file.display();
    let old = std::fs::read_to_string(file).with_context(|| format!("--splice {shown}"))?;
    let (new, count) = renew(&old, only, folders).map_err(|(line, error)| error.context(format!("{shown}:{line}")))?;
    if count == 0 {
        let name = only.map_or("NAME".to_owned(), Name::word);
        bail!(
            "--splice {shown}: found no markers of {}; wanted the lines {} and {} where it belongs",
            only.map_or("any table".to_owned(), |name| format!("the table {}", name.word())),
            begin(&name, &command(&name, folders)),
            end(&name)
        );
    }
    if new != old {
        replace(file, new.as_bytes()).with_context(|| format!("--splice {shown}"))?;
    }
    Ok(())
}

/// Returns the renewed text and the number of tables in it. An error comes with its line.
fn renew(old: &str, only: Option<Name>, folders: &[PathBuf]) -> Result<(String, usize), (usize, anyhow::Error)> {
    let (mut new, mut count) = (String::new(), 0);
    let mut lines = old.split_inclusive('\n').enumerate();
    while let Some((at, line)) = lines.next() {
        let fail = |error| (at + 1, error);
        let (word, command) = match parse(line) {
            Line::Other => {
                new += line;
                continue;
            }
            Line::End(word) => {
                return Err(fail(anyhow!("found the end of the table {word}, wanted its begin first")));
            }
            Line::Begin(word, command) => (word, command),
        };
        let mut body = String::new();
        let last = loop {
            let Some((_, inner)) = lines.next() else {
                return Err(fail(anyhow!("found the end of the file, wanted the line {}", end(word))));
            };
            match parse(inner) {
                Line::End(other) if other == word => break inner,
                Line::Other => body += inner,
                Line::End(other) | Line::Begin(other, _) => {
                    return Err(fail(anyhow!("found a marker of the table {other}, wanted the line {}", end(word))));
                }
            }
        };
        match table(word, command, only, folders).map_err(fail)? {
            Some(text) => {
                new += &text;
                new += last;
                count += 1;
            }
            None => new.extend([line, &body, last]),
        }
    }
    Ok((new, count))
}

/// Returns the first marker and the table; `None` if the table is not wanted.
fn table(word: &str, old: Option<&str>, only: Option<Name>, folders: &[PathBuf]) -> Result<Option<String>> {
    let name = <Name as clap::ValueEnum>::from_str(word, false).map_err(|_| {
        let known: Vec<_> = <Name as clap::ValueEnum>::value_variants().iter().map(|name| name.word()).collect();
        anyhow!("found a marker of the table {word}, wanted {}", known.join(", "))
    })?;
    if only.is_some_and(|only| only != name) {
        return Ok(None);
    }
    let own = old.filter(|_| folders.is_empty()).map(folders_of).transpose()?;
    let folders = own.unwrap_or(folders.to_vec());
    if let Some(spaced) = folders.iter().find(|folder| folder.to_string_lossy().contains(char::is_whitespace)) {
        bail!("found the folder '{}', wanted one without spaces, for the marker's command", spaced.display());
    }
    let table = name.table(&source::read(&folders)?, &ThisProgram);
    Ok(Some(format!("{}\n\n{}\n", begin(word, &command(word, &folders)), format::markdown(&table))))
}

/// Returns the folders in a marker's command.
fn folders_of(command: &str) -> Result<Vec<PathBuf>> {
    let words: Vec<_> = command.split_whitespace().collect();
    let Some(arguments) = words.iter().position(|&word| word == "tables") else {
        bail!(
            "found the command '{command}', wanted one such as '{}'",
            self::command("NAME", &["results/NAME".into()])
        );
    };
    let parsed = Command::try_parse_from(&words[arguments..]);
    Ok(parsed.with_context(|| format!("the command '{command}'"))?.args.folders)
}

fn command(word: &str, folders: &[PathBuf]) -> String {
    let mut text = format!("cipherlab tables --table {word}");
    folders.iter().for_each(|folder| text += &format!(" {}", folder.display()));
    text
}

fn begin(word: &str, command: &str) -> String {
    format!("<!-- tables:{word} begin ({command}) -->")
}

fn end(word: &str) -> String {
    format!("<!-- tables:{word} end -->")
}

fn parse(line: &str) -> Line<'_> {
    let inner = line.trim().strip_prefix("<!-- tables:").and_then(|rest| rest.strip_suffix("-->"));
    let Some((word, rest)) = inner.and_then(|inner| inner.trim().split_once(' ')) else { return Line::Other };
    match rest.trim() {
        "end" => Line::End(word),
        rest => match rest.strip_prefix("begin").map(str::trim) {
            Some("") => Line::Begin(word, None),
            Some(command) => match command.strip_prefix('(').and_then(|command| command.strip_suffix(')')) {
                Some(command) => Line::Begin(word, Some(command)),
                None => Line::Other,
            },
            None => Line::Other,
        },
    }
}
