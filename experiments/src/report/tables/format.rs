//! Tables as text: Markdown, LaTeX, CSV.

use super::table::{Cell, Column, Table};

/// Returns the table as Markdown: rows between pipes, then the notes.
pub(crate) fn markdown(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let escape = |text: &str| minus(text, "−").replace('|', "\\|").replace('\n', " ");
    let cell = |cell: &Cell| cell.as_deref().map_or("–".to_owned(), escape);
    let mut text = line(table.columns.iter().map(|column| escape(column.head)).collect());
    let rule = |column: &Column| if column.number { "---:" } else { "---" };
    text += &format!("|{}|\n", table.columns.iter().map(rule).collect::<Vec<_>>().join("|"));
    table.rows.iter().for_each(|row| text += &line(row.cells.iter().map(cell).collect()));
    if !table.notes.is_empty() {
        text.push('\n');
        table.notes.iter().for_each(|note| text += &format!("- {}\n", escape(note)));
    }
    text
}

/// Returns the table as LaTeX: a float over both columns of a page, for the package booktabs.
pub(crate) fn latex(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
    let cell = |cell: &Cell| cell.as_deref().map_or("--".to_owned(), tex);
    let alignment: String = table.columns.iter().map(|column| if column.number { 'r' } else { 'l' }).collect();
    let mut text = format!("\\begin{{table*}}\n\\centering\\footnotesize\n\\caption{{{}}}\n", tex(table.title));
    text += &format!("\\begin{{tabular}}{{{alignment}}}\n\\toprule\n");
    text += &line(table.columns.iter().map(|column| tex(column.head)).collect());
    text += "\\midrule\n";
    for (index, row) in table.rows.iter().enumerate() {
        if row.group && index > 0 {
            text += "\\midrule\n";
        }
        text += &line(row.cells.iter().map(cell).collect());
    }
    text += "\\bottomrule\n\\end{tabular}\n";
    let notes: Vec<_> = table.notes.iter().map(|note| format!("\\item {}\n", tex(note))).collect();
    if !notes.is_empty() {
        text += &format!("\\begin{{itemize}}\n{}\\end{{itemize}}\n", notes.concat());
    }
    text + "\\end{table*}\n"
}

/// Returns the table as CSV: the heads, then a line a row. A cell that was not measured is empty. Notes are left out.
pub(crate) fn csv(table: &Table) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let heads = table.columns.iter().map(|column| column.head);
    writer.write_record(heads).expect("memory takes all bytes");
    for row in &table.rows {
        let cells = row.cells.iter().map(|cell| cell.as_deref().unwrap_or(""));
        writer.write_record(cells).expect("rows are as wide as their heads");
    }
    let bytes = writer.into_inner().expect("memory takes all bytes");
    String::from_utf8(bytes).expect("made of strings")
}

/// Returns the text with a typographic minus, if it begins with a negative number.
fn minus(text: &str, sign: &str) -> String {
    let number = text.strip_prefix('-').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    number.map_or_else(|| text.to_owned(), |rest| format!("{sign}{rest}"))
}

/// Returns the text with LaTeX's special characters escaped.
fn tex(text: &str) -> String {
    let spell = |c: char| match c {
        '&' | '%' | '$' | '#' | '_' | '{' | '}' => format!("\\{c}"),
        '\\' => "\\textbackslash{}".to_owned(),
        '~' => "\\textasciitilde{}".to_owned(),
        '^' => "\\textasciicircum{}".to_owned(),
        '\n' => " ".to_owned(),
        '–' => "--".to_owned(),
        '−' => "$-$".to_owned(),
        '×' => "$\\times$".to_owned(),
        '±' => "$\\pm$".to_owned(),
        'Σ' => "$\\Sigma$".to_owned(),
        c => c.to_string(),
    };
    minus(text, "−").chars().map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::super::table::{fixed, number, text, words};
    use super::*;

    fn table() -> Table {
        let mut table = Table::new("50 % of A & B", &[words("name"), number("log_2")]);
        table.push(true, vec![text("a|b"), fixed(Some(-1.25), 1)]);
        table.push(true, vec![text("c, \"d\""), fixed(None, 1)]);
        table.notes.push("x ^ y".to_owned());
        table
    }

    #[test]
    fn what_is_special_is_spelled_out() {
        assert_eq!(markdown(&table()), "| name | log_2 |\n|---|---:|\n| a\\|b | −1.2 |\n| c, \"d\" | – |\n\n- x ^ y\n");
        assert_eq!(csv(&table()), "name,log_2\na|b,-1.2\n\"c, \"\"d\"\"\",\n");
        let latex = latex(&table());
        for part in ["{50 \\% of A \\& B}", "name & log\\_2 \\\\", "$-$1.2", "d\" & -- \\\\", "x \\textasciicircum{} y"]
        {
            assert!(latex.contains(part), "no {part} in {latex}");
        }
        assert_eq!(latex.matches("\\midrule").count(), 2, "one below the heads, one between the groups");
    }
}
