//! Describes the columns of a run's files, from the documentation of the rows.

use std::fmt::Write;

use crate::records::{CaseRow, ExactRow, ImageRow, LayerRow, Row, StageRow};

/// Returns every file with its columns, as Markdown.
pub(crate) fn describe() -> String {
    [of::<CaseRow>(), of::<ImageRow>(), of::<LayerRow>(), of::<StageRow>(), of::<ExactRow>()].join("\n")
}

fn of<R: Row>() -> String {
    let mut text = format!("## {}\n\n{}\n\n| column | holds |\n|---|---|\n", R::FILE, R::MEANING.trim());
    for (column, meaning) in R::COLUMNS.iter().zip(R::MEANINGS) {
        writeln!(text, "| {column} | {} |", meaning.trim().replace('|', "\\|")).expect("strings take all");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_every_file_is_described_in_a_line() {
        let text = describe();
        let files = [CaseRow::COLUMNS, ImageRow::COLUMNS, LayerRow::COLUMNS, StageRow::COLUMNS, ExactRow::COLUMNS];
        let columns = files.concat();
        assert_eq!(text.lines().filter(|line| line.starts_with("| ")).count(), columns.len() + files.len());
        assert!(columns.iter().all(|column| text.contains(&format!("\n| {column} | "))));
        assert!(!text.contains("[`"), "a link that only rustdoc understands");
    }
}
