//! A comparison for people: text with aligned columns, or Markdown.

use super::quantity::{Finding, Kind, Quantity};
use super::{Compared, Comparison};
use crate::report::tables::format;
use crate::report::tables::table::{Cell, Table, number, text, words};

/// Returns the comparison as text with aligned columns.
pub(crate) fn plain(comparison: &Comparison) -> String {
    let [a, b] = &comparison.provenance;
    let mut shown = format!("A  {}: {a}\nB  {}: {b}\n", comparison.folders[0], comparison.folders[1]);
    for pair in &comparison.pairs {
        shown += &format!("\n{}, {} images\n{}", cases(pair), pair.images, aligned(&table(pair)));
    }
    if !comparison.notes.is_empty() {
        shown.push('\n');
    }
    comparison.notes.iter().for_each(|note| shown += &format!("note: {note}\n"));
    shown
}

/// Returns the comparison as Markdown.
pub(crate) fn markdown(comparison: &Comparison) -> String {
    let [a, b] = &comparison.provenance;
    let mut shown = format!("- A: `{}`: {a}\n- B: `{}`: {b}\n", comparison.folders[0], comparison.folders[1]);
    comparison.notes.iter().for_each(|note| shown += &format!("- {note}\n"));
    for pair in &comparison.pairs {
        shown += &format!("\n## {}, {} images\n\n{}", cases(pair), pair.images, format::markdown(&table(pair)));
    }
    shown
}

/// Returns the names of the cases, or the name if it is the same.
pub(super) fn cases(pair: &Compared) -> String {
    let [a, b] = &pair.cases;
    if a == b { a.clone() } else { format!("{a} against {b}") }
}

/// Returns the table of a pair, with the reasons and notes below it.
fn table(pair: &Compared) -> Table {
    let columns = [
        words("quantity"),
        number("A"),
        number("B"),
        number("difference"),
        number("ratio"),
        number("95 % interval"),
        number("p"),
        words("verdict"),
    ];
    let mut table = Table::new("Two cases", &columns);
    for quantity in &pair.quantities {
        let [a, b] = quantity.values.map(|value| value.map(|value| show(quantity, value)));
        let found = quantity.finding.as_ref().ok();
        let cells = vec![
            text(quantity.kind.name()),
            a,
            b,
            found.and_then(|finding| difference(quantity, finding)),
            found.and_then(|finding| finding.ratio).map(times),
            found.and_then(|finding| interval(quantity.kind, finding)),
            found.and_then(|finding| finding.test).map(|(_, p)| show_p(p)),
            text(quantity.verdict()),
        ];
        table.push(false, cells);
    }
    table.notes = reasons(pair);
    table.notes.extend(pair.notes.iter().cloned());
    table
}

/// Returns why quantities are not comparable, each reason once.
fn reasons(pair: &Compared) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for quantity in &pair.quantities {
        let (Err(reason), name) = (&quantity.finding, quantity.kind.name()) else { continue };
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, names)) => names.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    reasons.into_iter().map(|(reason, names)| format!("{}: {reason}", names.join(", "))).collect()
}

/// Returns a table as lines with aligned columns, then its notes.
fn aligned(table: &Table) -> String {
    let heads = table.columns.iter().map(|column| column.head.to_owned()).collect();
    let cell = |cell: &Cell| cell.clone().unwrap_or_else(|| "–".to_owned());
    let rows = table.rows.iter().map(|row| row.cells.iter().map(cell).collect());
    let lines: Vec<Vec<String>> = std::iter::once(heads).chain(rows).collect();
    let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..table.columns.len()).map(width).collect();
    let mut shown = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).zip(&table.columns).map(|((cell, width), column)| {
            if column.number { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        shown += &format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    table.notes.iter().for_each(|note| shown += &format!("  - {note}\n"));
    shown
}

/// Returns a value with its unit.
fn show(quantity: &Quantity, value: f64) -> String {
    match quantity.kind {
        Kind::Latency | Kind::Amortised if quantity.in_yardsticks => format!("{} transforms", digits(value, 4)),
        Kind::Latency | Kind::Amortised => format!("{} s", digits(value, 4)),
        Kind::Memory => format!("{:.3} GB", value / 1e9),
        Kind::LogitError => format!("{value:.2e}"),
        Kind::Accuracy | Kind::Flips => format!("{:.2} %", 100.0 * value),
    }
}

/// Returns a difference with its sign and unit; that of logit errors in bits.
fn difference(quantity: &Quantity, finding: &Finding) -> Cell {
    let value = finding.difference;
    let sign = if value < 0.0 {
        "-"
    } else if value > 0.0 {
        "+"
    } else {
        ""
    };
    Some(match quantity.kind {
        Kind::LogitError => format!("{} bits", signed(-finding.ratio?.log2())),
        Kind::Accuracy | Kind::Flips => format!("{} points", signed(100.0 * value)),
        _ => format!("{sign}{}", show(quantity, value.abs())),
    })
}

/// Returns the interval of a finding.
fn interval(kind: Kind, finding: &Finding) -> Cell {
    let (low, high) = finding.interval?;
    Some(if kind.by_ratio() {
        format!("{} to {}", times(low), times(high))
    } else {
        format!("{} to {} points", signed(100.0 * low), signed(100.0 * high))
    })
}

/// Returns the value that an interval is of, and the interval.
pub(super) fn range(kind: Kind, finding: &Finding) -> String {
    let value = if kind.by_ratio() {
        times(finding.ratio.unwrap_or(f64::NAN))
    } else {
        format!("{} points", signed(100.0 * finding.difference))
    };
    interval(kind, finding).map_or_else(|| value.clone(), |interval| format!("{value} ({interval})"))
}

/// Returns a ratio with four digits.
fn times(ratio: f64) -> String {
    format!("×{}", digits(ratio, 4))
}

/// Returns a number with two decimals and its sign, unless it is 0.
fn signed(value: f64) -> String {
    let text = format!("{value:+.2}");
    if text.ends_with("0.00") && text.len() == 5 { "0.00".to_owned() } else { text }
}

/// Returns a p-value with two digits. The normal distribution is no guide to the smallest ones.
fn show_p(p: f64) -> String {
    match p {
        ..1e-15 => "<1e-15".to_owned(),
        ..1e-3 => format!("{p:.1e}"),
        _ => digits(p, 2),
    }
}

/// Returns a number with this many significant digits, and no exponent.
fn digits(value: f64, digits: i32) -> String {
    let whole = if value == 0.0 { 1 } else { value.abs().log10().floor() as i32 + 1 };
    format!("{value:.*}", (digits - whole).clamp(0, 9) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_matter() {
        assert_eq!(
            [12.3456, 0.123_456, 123_456.0, 0.0].map(|value| digits(value, 4)),
            ["12.35", "0.1235", "123456", "0.000"]
        );
        assert_eq!([1.0, 0.0312, 1.9e-6, 0.0].map(show_p), ["1.0", "0.031", "1.9e-6", "<1e-15"]);
        assert_eq!([1.0145, 933.438, 0.022_41].map(times), ["×1.014", "×933.4", "×0.02241"]);
        assert_eq!([0.001, -0.001, -1.5, 10.0].map(signed), ["0.00", "0.00", "-1.50", "+10.00"]);
    }
}
