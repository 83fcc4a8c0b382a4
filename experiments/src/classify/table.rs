//! The report of an image as text for people.

use std::fmt::Write;

use super::report::{Report, Seconds};
use crate::output::bytes;
use crate::session::Layer;

/// The most logits in a table. Of more classes the largest logits are shown.
const MOST_LINES: usize = 20;

/// Returns the report, with its layers if `with_layers`.
pub(crate) fn render(report: &Report, with_layers: bool) -> String {
    let mut text = String::new();
    let layers = if with_layers { layers(&mut text, report) } else { Ok(()) };
    layers
        .and_then(|()| classes(&mut text, report))
        .and_then(|()| totals(&mut text, report))
        .expect("strings take all text");
    text
}

fn layers(text: &mut String, report: &Report) -> std::fmt::Result {
    // Errors are known only with a trace.
    let traced = report.layers.iter().any(|layer| layer.errors.max_abs_error.is_some());
    write!(text, "{:<18} {:<12} {:>5} {:>9} {:>10}", "layer", "operation", "level", "seconds", "memory")?;
    writeln!(text, "{}", if traced { "  max error   bits" } else { "" })?;
    let optional = |v: Option<f64>, digits: usize| v.map_or(String::new(), |v| format!("{v:.digits$}"));
    for layer in &report.layers {
        let Layer { layer: name, op, level, seconds, rss_bytes, errors } = layer;
        let memory = rss_bytes.map_or(String::new(), bytes);
        write!(text, "{name:<18} {op:<12} {level:>5} {seconds:>9.3} {memory:>10}")?;
        if traced {
            write!(text, " {:>10} {:>6}", optional(errors.max_abs_error, 6), optional(errors.precision_bits, 1))?;
        }
        writeln!(text)?;
    }
    for op in ["convolution", "bootstrap", "activation", "classifier"] {
        let seconds: f64 = report.layers.iter().filter(|layer| layer.op == op).map(|layer| layer.seconds).sum();
        let count = report.layers.iter().filter(|layer| layer.op == op).count();
        writeln!(text, "{:<18} {op:<12} {:>5} {seconds:>9.3}", "total", format!("×{count}"))?;
    }
    let peak = report.peak_rss_bytes.map_or(String::new(), bytes);
    writeln!(text, "{:<18} {:<12} {:>5} {:>9.3} {peak:>10}", "total", "all", "", report.seconds.evaluate)
}

fn classes(text: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(text, "\n{:<12} {:>10} {:>10} {:>10}", "class", "encrypted", "plaintext", "error")?;
    let logits = report.logits.iter().zip(&report.plain_logits).zip(&report.logit_errors);
    let mut lines: Vec<_> = report.classes.iter().zip(logits).collect();
    let count = lines.len();
    if count > MOST_LINES {
        lines.sort_by(|(_, a), (_, b)| b.0.0.total_cmp(a.0.0));
        lines.truncate(MOST_LINES);
    }
    for (name, ((found, expected), error)) in lines {
        let digits = report.digits;
        writeln!(text, "{name:<12} {found:>10.digits$} {expected:>10.4} {error:>10.0e}")?;
    }
    if count > MOST_LINES {
        writeln!(text, "the {MOST_LINES} largest of {count} logits")?;
    }
    let known = |class: usize| report.classes.get(class).map_or_else(|| class.to_string(), Clone::clone);
    let name = |class: Option<usize>| class.map_or("none".to_owned(), known);
    if let Some(reason) = &report.no_class {
        return writeln!(
            text,
            "\n{}: no class: {reason}; its logits mean nothing (exact model: {}, label: {})",
            report.image,
            name(report.exact_class),
            name(report.label.map(usize::from)),
        );
    }
    writeln!(
        text,
        "\n{}: {} (plaintext polynomial model: {}, exact model: {}, label: {})",
        report.image,
        name(report.class),
        name(report.plain_class),
        name(report.exact_class),
        name(report.label.map(usize::from)),
    )
}

/// Returns the line that counts images by class: correct ones, and those of the same class as in plaintext.
pub(crate) fn summary(reports: &[Report]) -> String {
    let count = |f: fn(&&Report) -> bool| reports.iter().filter(f).count();
    let labelled = count(|report| report.label.is_some());
    let correct = count(|report| report.class.is_some() && report.label.map(usize::from) == report.class);
    let agreed = count(|report| report.class.is_some() && report.plain_class == report.class);
    let without = match count(|report| report.class.is_none()) {
        0 => String::new(),
        count => format!(", {count} without a class"),
    };
    format!("{} images: {correct} of {labelled} as labelled, {agreed} as in plaintext{without}\n", reports.len())
}

fn totals(text: &mut String, report: &Report) -> std::fmt::Result {
    if report.class.is_some() {
        let none = if report.max_abs_error == 0.0 { "all" } else { "no" };
        let bits = report.precision_bits.map_or(none.to_owned(), |bits| format!("{bits:.1}"));
        writeln!(text, "logits: largest error {:.6}, {bits} bits", report.max_abs_error)?;
    }
    let Seconds { keygen, encrypt, evaluate, decrypt } = report.seconds;
    let each = match report.batch {
        1 => String::new(),
        images => format!(" ({:.2} for each of {images} images that fit a ciphertext)", evaluate / images as f64),
    };
    writeln!(
        text,
        "seconds: keys {keygen:.2}, encrypt {encrypt:.3}, evaluate {evaluate:.2}{each}, decrypt {decrypt:.3}"
    )?;
    writeln!(
        text,
        "memory: peak {} (predicted {}), evaluation keys {}, bootstrapping constants {}",
        report.peak_rss_bytes.map_or("unknown".to_owned(), bytes),
        bytes(report.predicted_bytes as u64),
        bytes(report.key_bytes as u64),
        bytes(report.constant_bytes as u64),
    )?;
    let p = &report.params;
    let limit = p.log_qp_limit.map_or("no known limit".to_owned(), |limit| format!("{limit:.0}"));
    let security = match p.security {
        0 => "INSECURE: below 128 bits of security".to_owned(),
        bits => format!("{bits} bits of security"),
    };
    let profile = p.profile.as_ref().map_or(String::new(), |profile| format!(", profile {profile}"));
    writeln!(
        text,
        "parameters: N = {}, logQP = {:.1} of {limit}, {security}, {}, {} packing{profile}, {} threads, {}",
        p.ring_dim, p.log_qp, p.relu, p.packing, p.threads, p.kernels,
    )
}
