//! The file of answers: one class a line, in the order of the images.

use anyhow::{Context, Result, ensure};
use datasets::cifar::CLASS_NAMES;

/// Returns the text of these classes.
pub fn write(classes: &[usize]) -> String {
    classes.iter().map(|class| format!("{class}\n")).collect()
}

/// Reads the classes of this many images. Lines may end in CRLF, and empty lines may follow the last class.
///
/// # Errors
/// Another number of lines, or a line that is not a class from 0 to 9. The error names the line.
pub fn read(text: &str, images: usize) -> Result<Vec<usize>> {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim).collect();
    ensure!(lines.len() == images, "found {} lines, wanted {images}: a class for each image", lines.len());
    lines.iter().enumerate().map(|(at, line)| class(line).with_context(|| format!("line {}", at + 1))).collect()
}

fn class(line: &str) -> Result<usize> {
    let class = line.parse().ok().filter(|class| *class < CLASS_NAMES.len());
    class.with_context(|| format!("found {:?}, wanted a class from 0 to 9", line.chars().take(24).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_read_as_they_are_written() {
        assert_eq!(read(&write(&[3, 0, 9]), 3).unwrap(), [3, 0, 9]);
        assert_eq!(read("7", 1).unwrap(), [7]);
        assert_eq!(read("7\r\n1 \r\n\r\n", 2).unwrap(), [7, 1]);
    }

    #[test]
    fn what_is_no_class_is_refused_by_line() {
        let error = |text: &str, images| format!("{:#}", read(text, images).unwrap_err());
        assert_eq!(error("", 1), "found 0 lines, wanted 1: a class for each image");
        assert_eq!(error("1\n2\n3\n", 2), "found 3 lines, wanted 2: a class for each image");
        for line in ["10", "-1", "3.0", "cat", "", "99999999999999999999999"] {
            assert_eq!(
                error(&format!("1\n{line}\n2"), 3),
                format!("line 2: found {line:?}, wanted a class from 0 to 9")
            );
        }
    }
}
