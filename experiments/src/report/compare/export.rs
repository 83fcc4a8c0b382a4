//! A comparison for programs: CSV and JSON. Numbers are in seconds, bytes and shares, with twelve digits.

use serde_json::{Value, json};

use super::quantity::{Finding, Kind, Quantity};
use super::{Compared, Comparison};
use crate::report::tables::format;
use crate::report::tables::table::{Table, number, text, words};

/// Returns a line for each quantity of each pair.
pub(crate) fn csv(comparison: &Comparison) -> String {
    let columns = [
        words("case_a"),
        words("case_b"),
        words("quantity"),
        words("unit"),
        number("pairs"),
        number("a"),
        number("b"),
        number("difference"),
        number("ratio"),
        words("interval_of"),
        number("low"),
        number("high"),
        words("test"),
        number("p"),
        words("verdict"),
        words("reason"),
    ];
    let mut table = Table::new("Two runs", &columns);
    for pair in &comparison.pairs {
        for quantity in &pair.quantities {
            let found = quantity.finding.as_ref().ok();
            let shown = |value: Option<f64>| value.map(|value| rounded(value).to_string());
            let interval = found.and_then(|finding| finding.interval);
            let test = found.and_then(|finding| finding.test);
            table.push(
                false,
                vec![
                    text(&pair.cases[0]),
                    text(&pair.cases[1]),
                    text(quantity.kind.name()),
                    text(unit(quantity)),
                    found.map(|finding| finding.pairs.to_string()),
                    shown(quantity.values[0]),
                    shown(quantity.values[1]),
                    shown(found.map(|finding| finding.difference)),
                    shown(found.and_then(|finding| finding.ratio)),
                    interval.and_then(|_| text(interval_of(quantity.kind))),
                    shown(interval.map(|interval| interval.0)),
                    shown(interval.map(|interval| interval.1)),
                    test.and_then(|(name, _)| text(name)),
                    shown(test.map(|(_, p)| p)),
                    text(quantity.verdict()),
                    quantity.finding.as_ref().err().cloned(),
                ],
            );
        }
    }
    format::csv(&table)
}

/// Returns the comparison as a JSON object, indented.
pub(crate) fn json(comparison: &Comparison) -> String {
    let side = |at: usize| json!({"folder": comparison.folders[at], "provenance": comparison.provenance[at]});
    let value = json!({
        "a": side(0),
        "b": side(1),
        "pairs": comparison.pairs.iter().map(pair).collect::<Vec<_>>(),
        "notes": comparison.notes,
    });
    format!("{value:#}\n")
}

fn pair(pair: &Compared) -> Value {
    json!({
        "case_a": pair.cases[0],
        "case_b": pair.cases[1],
        "images": pair.images,
        "quantities": pair.quantities.iter().map(quantity).collect::<Vec<_>>(),
        "notes": pair.notes,
    })
}

fn quantity(quantity: &Quantity) -> Value {
    let mut value = json!({
        "quantity": quantity.kind.name(),
        "unit": unit(quantity),
        "a": quantity.values[0].map(rounded),
        "b": quantity.values[1].map(rounded),
        "verdict": quantity.verdict(),
    });
    let more = match &quantity.finding {
        Err(reason) => json!({"reason": reason}),
        Ok(Finding { pairs, difference, ratio, interval, test, .. }) => json!({
            "pairs": pairs,
            "difference": rounded(*difference),
            "ratio": ratio.map(rounded),
            "interval": interval.map(|(low, high)| {
                json!({"of": interval_of(quantity.kind), "low": rounded(low), "high": rounded(high)})
            }),
            "test": test.map(|(name, p)| json!({"name": name, "p": rounded(p)})),
        }),
    };
    let (Value::Object(fields), Value::Object(more)) = (&mut value, more) else { unreachable!("both are objects") };
    fields.extend(more);
    value
}

/// Returns the number to twelve digits. The last ones differ between systems.
fn rounded(value: f64) -> f64 {
    format!("{value:.11e}").parse().expect("a formatted number")
}

fn unit(quantity: &Quantity) -> &'static str {
    match quantity.kind {
        Kind::Latency | Kind::Amortised if quantity.in_yardsticks => "transforms",
        Kind::Latency | Kind::Amortised => "s",
        Kind::Memory => "bytes",
        Kind::LogitError => "logit",
        Kind::Accuracy | Kind::Flips => "share",
    }
}

fn interval_of(kind: Kind) -> &'static str {
    if kind.by_ratio() { "ratio" } else { "difference" }
}
