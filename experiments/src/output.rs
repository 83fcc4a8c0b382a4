//! Words for people: numbers with units, and standard output that may be closed.

use std::io::{ErrorKind, IsTerminal, Write};

use anyhow::{Context, Result};

/// Writes to standard output. If the reader has gone, such as `head`, the program ends with status 0.
///
/// # Errors
/// Standard output that cannot be written.
pub(crate) fn out(text: &str) -> Result<()> {
    match write(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        written => written.context("standard output"),
    }
}

/// Writes to standard output in the middle of work that goes on without a reader.
///
/// # Errors
/// Standard output that cannot be written.
pub(crate) fn note(text: &str) -> Result<()> {
    match write(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output"),
    }
}

fn write(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Returns whether standard output is a terminal with 24-bit colours that the user has not switched off (`NO_COLOR`).
pub(crate) fn colours() -> bool {
    let set = |name| std::env::var(name).unwrap_or_default();
    std::io::stdout().is_terminal() && wants_colours(&set("NO_COLOR"), &set("TERM"))
}

/// A terminal without a name, or called `dumb`, has no colours.
fn wants_colours(no_color: &str, term: &str) -> bool {
    no_color.is_empty() && !matches!(term, "" | "dumb")
}

/// Returns an error and its causes in one line. A cause that the message before it already contains is left out.
pub(crate) fn in_one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(|cause| cause.to_string().replace('\n', " ")) {
        if !line.ends_with(&cause) {
            line += if line.is_empty() { "" } else { ": " };
            line += &cause;
        }
    }
    line
}

/// Returns a count with its noun: `1 case`, `2 cases`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Returns the value rounded to so many decimals.
pub(crate) fn rounded(value: f64, digits: usize) -> f64 {
    // Through text, so that the result is the double nearest to the decimal number.
    format!("{value:.digits$}").parse().expect("a formatted number")
}

/// `3.52 GB`, `17.3 MB`, `140.4 kB`.
pub(crate) fn bytes(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        1e9.. => format!("{:.2} GB", bytes / 1e9),
        1e6.. => format!("{:.1} MB", bytes / 1e6),
        _ => format!("{:.1} kB", bytes / 1e3),
    }
}

/// Reads `4G`, `1.5GB`, `800MiB` or a number of bytes; powers of 1000, of 1024 with an `i`.
pub(crate) fn parse_bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let (letter, base) = unit.strip_suffix('i').map_or((unit, 1000.0_f64), |letter| (letter, 1024.0));
    let power = ["", "k", "m", "g", "t"].iter().position(|known| *known == letter)?;
    let bytes = number.parse::<f64>().ok()? * base.powi(power as i32);
    (bytes.is_finite() && bytes >= 1.0 && bytes < u64::MAX as f64).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        let read = [("4G", 4_000_000_000), ("1.5GB", 1_500_000_000), ("2 MiB", 2 << 20), ("17", 17), ("3k", 3000)];
        read.iter().for_each(|&(text, bytes)| assert_eq!(parse_bytes(text), Some(bytes), "{text}"));
        ["", "G", "4X", "-1G", "0", "1.2.3", "4Gi4"]
            .iter()
            .for_each(|text| assert_eq!(parse_bytes(text), None, "{text}"));
    }

    #[test]
    fn dumb_terminals_get_no_colours() {
        assert!(wants_colours("", "xterm-256color"));
        assert!(!wants_colours("", "dumb") && !wants_colours("", "") && !wants_colours("1", "xterm-256color"));
    }

    #[test]
    fn sizes_are_written_with_three_digits() {
        assert_eq!(bytes(3_519_000_000), "3.52 GB");
        assert_eq!(bytes(17_340_000), "17.3 MB");
        assert_eq!(bytes(140_388), "140.4 kB");
    }
}
