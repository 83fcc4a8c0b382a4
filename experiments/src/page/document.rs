//! The HTML of a page.

use anyhow::Result;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{Markup, PreEscaped, html};

use super::thumbnails::Thumbnails;
use super::warnings::warnings;
use super::{BEGIN, data, figures};
use crate::output::counted;
use crate::records::RunProvenance;
use crate::report::outcome;
use crate::report::source::{Source, Standing};

/// Nothing that the page does can leave the file.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

const STYLE: &str = include_str!("style.css");

/// The parts of the script, in order.
const SCRIPT: &str = concat!(
    include_str!("script/words.js"),
    include_str!("script/address.js"),
    include_str!("script/filter.js"),
    include_str!("script/grid.js"),
    include_str!("script/cases.js"),
    include_str!("script/images.js"),
    include_str!("script/layers.js"),
    include_str!("script/figures.js"),
    include_str!("script/start.js"),
);

/// Returns the whole page.
///
/// # Errors
/// A figure that cannot be drawn.
pub(super) fn document(sources: &[Source], thumbnails: &Thumbnails) -> Result<String> {
    let title = match sources {
        [only] => only.name().to_owned(),
        many => format!("{} runs", many.len()),
    };
    let figures = sources.iter().map(|source| Ok((source.name(), figures::of(source)?))).collect::<Result<Vec<_>>>()?;
    let body = html! {
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "cipherlab " (env!("CARGO_PKG_VERSION")) };
                title { (title) " · cipherlab" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#cases" { "To the cases" }
                (header(&title, sources))
                main {
                    noscript { p.warning { "Tables need the script in this file. Your browser does not run it." } }
                    (notes(sources))
                    section #runs { h2 { "Runs" } @for source in sources { (run(source)) } }
                    (table("cases", "Cases"))
                    (drawings(&figures))
                    (table("images", "Images"))
                    @if let Some(note) = &thumbnails.note { p.note #thumbnails-note { (note) } }
                    (table("layers", "Layers"))
                }
                div #tip role="status" hidden {}
                (PreEscaped(format!(
                    "<script type=\"application/json\" id=\"data\">{}</script>",
                    data::json(sources, thumbnails)
                )))
                @for (number, sheet) in thumbnails.sheets.iter().enumerate() {
                    script type="text/plain" id={ "sheet-" (number) } { (BASE64_STANDARD.encode(sheet)) }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(format!("{BEGIN}{}", body.into_string()))
}

fn header(title: &str, sources: &[Source]) -> Markup {
    let cases: usize = sources.iter().map(|source| source.run.cases.len()).sum();
    let images: usize = sources.iter().map(|source| source.run.images.len()).sum();
    html! {
        header {
            p.product { "cipherlab report" }
            h1 { (title) }
            p { (counted(cases, "case")) ", " (counted(images, "evaluation")) }
            nav aria-label="Sections" {
                @for (id, name) in [
                    ("runs", "Runs"), ("cases", "Cases"), ("figures", "Figures"), ("images", "Images"), ("layers", "Layers"),
                ] { a href={ "#" (id) } { (name) } }
            }
        }
    }
}

fn notes(sources: &[Source]) -> Markup {
    let warnings = warnings(sources);
    html! {
        @if !warnings.is_empty() {
            section #warnings aria-labelledby="warnings-title" {
                h2 #warnings-title { "Before you believe a number" }
                ul { @for (kind, text) in warnings { li.warning { span.kind { (kind) } " " (text) } } }
            }
        }
    }
}

fn run(source: &Source) -> Markup {
    let mut outcome = outcome::sentences(source).into_iter();
    html! {
        article.run {
            h3 {
                (source.name())
                @if source.standing != Standing::Complete { " " span.kind { "partial" } }
            }
            @if let Some(question) = source.question() { p.question { (question) } }
            p.outcome { (outcome.next().unwrap_or_default()) }
            ul.outcome { @for sentence in outcome { li { (sentence) } } }
            details {
                summary { "What ran where" }
                dl { @for (name, value) in facts(source) { dt { (name) } dd { (value) } } }
            }
            details { summary { "Config" } pre tabindex="0" { (source.run.config) } }
        }
    }
}

/// Returns the provenance of a run, name by name.
fn facts(source: &Source) -> Vec<(&'static str, String)> {
    let run: &RunProvenance = &source.run.provenance;
    let unknown = || "unknown".to_owned();
    let time = match &run.ended {
        Some(ended) => format!("{} to {ended}", run.started),
        None => format!("{}, not ended", run.started),
    };
    let yardstick = run.reference_ntt_us.or(run.ntt_us);
    let optional = [
        ("yardstick", yardstick.map(|us| format!("{us:.1} µs for a transform at N = 2^16"))),
        ("images", source.selection()),
        ("compiler", run.rustc.clone()),
        ("model card", run.card_sha256.clone()),
        ("noise model", run.noise_sha256.clone()),
        ("engine's programs", run.engine_sha256.clone()),
        ("shard", run.shard.clone()),
    ];
    let mut facts = vec![
        ("standing", source.standing.to_string()),
        ("time", time),
        ("processor", run.cpu.clone().unwrap_or_else(unknown)),
        ("threads, kernels", format!("{}, {}", run.threads, run.kernels)),
        ("program", format!("{} of revision {}", run.version, run.revision.clone().unwrap_or_else(unknown))),
    ];
    facts.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    facts.extend([
        ("planned", format!("{}, {}", counted(run.planned_cases, "case"), counted(run.planned_images, "evaluation"))),
        ("seed", run.seed.to_string()),
        ("config, SHA-256", run.config_sha256.clone()),
        ("program, SHA-256", run.binary_sha256.clone()),
        ("weights, SHA-256", run.weights_sha256.clone()),
        ("images, SHA-256", run.data_sha256.clone()),
        ("folder", source.run.folder.display().to_string()),
    ]);
    facts
}

fn table(id: &str, name: &str) -> Markup {
    html! { section id=(id) { h2 { (name) } div.grid {} } }
}

fn drawings(figures: &[(&str, Vec<Markup>)]) -> Markup {
    let none = figures.iter().all(|(_, drawn)| drawn.is_empty());
    html! {
        section #figures {
            h2 { "Figures" }
            p.hint { "Point at a mark to see its case; click to find the case in the table." }
            @if none { p { "These runs have too little for a figure." } }
            @for (name, drawn) in figures.iter().filter(|(_, drawn)| !drawn.is_empty()) {
                details open[figures.len() <= 3] {
                    summary { (name) ": " (counted(drawn.len(), "figure")) }
                    div.figures { @for figure in drawn { (figure) } }
                }
            }
        }
    }
}
