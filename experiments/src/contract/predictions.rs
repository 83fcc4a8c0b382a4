//! The file of answers: one class a line, in the order of the images.

use anyhow::{Context, Result, ensure};
use datasets::cifar::CLASS_NAMES;

/// The line of an image without a class. The suite's harness counts it as wrong.
const NONE: &str = "-1";

/// Returns the text of these classes.
pub fn write(classes: &[Option<usize>]) -> String {
    let line = |class: &Option<usize>| class.map_or(format!("{NONE}\n"), |class| format!("{class}\n"));
    classes.iter().map(line).collect()
}

/// Reads the classes of this many images; `None` for an image whose line is -1, which has none. Lines may end in CRLF,
/// and empty lines may follow the last class.
///
/// # Errors
/// Another number of lines, or a line that is neither a class from 0 to 9 nor -1. The error names the line.
pub fn read(text: &str, images: usize) -> Result<Vec<Option<usize>>> {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim).collect();
    ensure!(lines.len() == images, "found {} lines, wanted {images}: a class for each image", lines.len());
    lines.iter().enumerate().map(|(at, line)| class(line).with_context(|| format!("line {}", at + 1))).collect()
}

fn class(line: &str) -> Result<Option<usize>> {
    if line == NONE {
        return Ok(None);
    }
    let class = line.parse().ok().filter(|class| *class < CLASS_NAMES.len());
    let found = || format!("found {:?}, wanted a class from 0 to 9", line.chars().take(24).collect::<String>());
    class.map(Some).with_context(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_read_as_they_are_written() {
        assert_eq!(read(&write(&[3, 0, 9].map(Some)), 3).unwrap(), [3, 0, 9].map(Some));
        assert_eq!(read("7", 1).unwrap(), [Some(7)]);
        assert_eq!(read("7\r\n1 \r\n\r\n", 2).unwrap(), [7, 1].map(Some));
    }

    #[test]
    fn an_image_may_have_no_class() {
        assert_eq!(write(&[Some(3), None]), "3\n-1\n");
        assert_eq!(read("3\n-1\n", 2).unwrap(), [Some(3), None]);
    }

    #[test]
    fn what_is_no_class_is_refused_by_line() {
        let error = |text: &str, images| format!("{:#}", read(text, images).unwrap_err());
        assert_eq!(error("", 1), "found 0 lines, wanted 1: a class for each image");
        assert_eq!(error("1\n2\n3\n", 2), "found 3 lines, wanted 2: a class for each image");
        for line in ["10", "-2", "-1.0", "3.0", "cat", "", "99999999999999999999999"] {
            assert_eq!(
                error(&format!("1\n{line}\n2"), 3),
                format!("line 2: found {line:?}, wanted a class from 0 to 9")
            );
        }
    }
}
