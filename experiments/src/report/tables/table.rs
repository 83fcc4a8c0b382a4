//! A table, before a format turns it into text.

use crate::report::source::{Source, Standing};

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    /// Its title.
    pub title: &'static str,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// Notes that a reader needs.
    pub notes: Vec<String>,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Its head.
    pub head: &'static str,
    /// Whether it holds numbers, which are aligned to the right.
    pub number: bool,
}

/// A row.
#[derive(Debug)]
pub(crate) struct Row {
    /// A cell for each column; `None` if nothing is known.
    pub cells: Vec<Cell>,
    /// Whether a group of rows begins with this one.
    pub group: bool,
}

/// The text of a cell, with an ASCII minus before negative numbers.
pub(crate) type Cell = Option<String>;

/// Returns a column of words.
pub(crate) const fn words(head: &'static str) -> Column {
    Column { head, number: false }
}

/// Returns a column of numbers.
pub(crate) const fn number(head: &'static str) -> Column {
    Column { head, number: true }
}

impl Table {
    /// Returns a table without rows.
    pub(crate) fn new(title: &'static str, columns: &[Column]) -> Self {
        Self { title, columns: columns.to_vec(), rows: Vec::new(), notes: Vec::new() }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If the row has not one cell for each column.
    pub(crate) fn push(&mut self, group: bool, cells: Vec<Cell>) {
        assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        self.rows.push(Row { cells, group });
    }

    /// Adds the row of a run that may not be cited: its name and its standing.
    pub(crate) fn push_withheld(&mut self, source: &Source) {
        let mut cells = vec![text(source.name()), text(&source.standing.to_string())];
        cells.resize(self.columns.len(), None);
        self.push(true, cells);
    }

    /// Adds notes: the provenance of each run, and its cases that could not run.
    pub(crate) fn note_sources<'a>(&mut self, sources: impl IntoIterator<Item = &'a Source>) {
        for source in sources {
            self.notes.push(source.provenance());
            if source.standing == Standing::Complete {
                let failed = source.run.cases.iter().filter_map(|case| Some((case, case.error.as_ref()?)));
                self.notes.extend(
                    failed.map(|(case, error)| format!("{}: {} did not run: {error}", source.name(), case.case)),
                );
            }
        }
    }
}

/// Returns a cell of words.
pub(crate) fn text(text: &str) -> Cell {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// Returns a cell of a number with `decimals` decimals.
pub(super) fn fixed(value: Option<f64>, decimals: usize) -> Cell {
    value.filter(|value| value.is_finite()).map(|value| format!("{value:.decimals$}"))
}

/// Returns a cell of a whole number.
pub(super) fn whole(value: Option<usize>) -> Cell {
    value.map(|value| value.to_string())
}

/// Returns a cell of a share in percent.
pub(super) fn percent(share: Option<f64>) -> Cell {
    fixed(share.map(|share| 100.0 * share), 2)
}

/// Returns a cell of bytes in units of 10⁹.
pub(super) fn gigabytes(bytes: Option<u64>) -> Cell {
    fixed(bytes.map(|bytes| bytes as f64 / 1e9), 2)
}

/// Returns a cell of a difference, with its sign unless it is 0.
pub(super) fn difference(ours: Option<f64>, theirs: Option<f64>, decimals: usize) -> Cell {
    let text = format!("{:+.decimals$}", ours? - theirs?);
    let none = text.chars().all(|c| !c.is_ascii_digit() || c == '0');
    Some(if none { text[1..].to_owned() } else { text })
}

/// Returns a cell of the ratio of our value to theirs.
pub(super) fn ratio(ours: Option<f64>, theirs: Option<f64>) -> Cell {
    let ratio = ours? / theirs?;
    ratio.is_finite().then(|| if ratio < 0.1 { format!("×{ratio:.3}") } else { format!("×{ratio:.2}") })
}
