//! The cases of a page: a table with the columns of `cases.csv`, and two more.

use serde::Serialize;
use serde_json::Value;

use super::numbers::significant;
use crate::records::{CaseRow, Row};
use crate::report::cost::Cost;
use crate::report::source::{Source, Standing};

/// A table.
#[derive(Serialize)]
pub(super) struct Table {
    columns: Vec<Column>,
    /// For each row, the values of its columns.
    rows: Vec<Vec<Value>>,
}

/// A column of a table.
#[derive(Serialize)]
struct Column {
    key: &'static str,
    /// `string`, `integer` or `number`.
    kind: &'static str,
    unit: &'static str,
    help: &'static str,
}

/// The columns before those of the file.
const OWN: [Column; 2] = [
    Column { key: "run", kind: "string", unit: "", help: "Name of the run." },
    Column {
        key: "front",
        kind: "string",
        unit: "",
        help: "“best” where no other case of the same machine is better in seconds, memory, bits, classes or security \
               without being worse in another. Empty where one of these was not measured.",
    },
];

/// Returns the table of all cases.
pub(super) fn table(sources: &[Source]) -> Table {
    let of_file = CaseRow::COLUMNS.iter().zip(CaseRow::MEANINGS).zip(CaseRow::FORMS);
    let of_file =
        of_file.map(|((key, help), form)| Column { key, kind: form.kind, unit: form.unit, help: help.trim() });
    let costs: Vec<Cost<'_>> =
        sources.iter().flat_map(|source| source.citable().filter_map(move |case| Cost::of(source, case))).collect();
    let rows = sources.iter().flat_map(|source| {
        let costs = &costs;
        source.run.cases.iter().map(move |case| row(source, case, costs))
    });
    let rows = rows.collect();
    Table { columns: OWN.into_iter().chain(of_file).collect(), rows }
}

fn row(source: &Source, case: &CaseRow, costs: &[Cost<'_>]) -> Vec<Value> {
    let citable = source.standing == Standing::Complete && case.error.is_none();
    let own = Cost::of(source, case).filter(|_| citable);
    let front = own.map_or("", |cost| if cost.is_on_front(costs.iter().copied()) { "best" } else { "beaten" });
    let fields = serde_json::to_value(case).expect("a row is JSON");
    let field = |column: &&str| match fields[*column].as_f64() {
        Some(number) if fields[*column].is_f64() => significant(number, 6),
        _ => fields[*column].clone(),
    };
    [source.name().into(), front.into()].into_iter().chain(CaseRow::COLUMNS.iter().map(field)).collect()
}
