//! The plans of the cases of a config, a line for each.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::Plan;
use super::calls::Calls;
use crate::case::Model;
use crate::config::{BackendKind, Cell, Config};
use crate::output::{bytes, counted, in_one_line};
use crate::{case, output};

/// A case of the config.
#[derive(Serialize)]
struct Planned {
    case: String,
    images: usize,
    /// `None` for the plain backend, which has no circuit, and for a case without one.
    plan: Option<Plan>,
    /// The calls of a submission; `None` for this program's own backends.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls: Option<Calls>,
    /// The reason why the case cannot run, with the nearest cases that can; `None` if it can run.
    obstacle: Option<String>,
}

/// Prints the plans of the cases of a config.
///
/// # Errors
/// A config, a model or stored measurements that cannot be read.
pub(crate) fn run(config: &Path, json: bool) -> Result<()> {
    let config = Config::read(config)?;
    case::in_pool(config.threads(), "threads", || {
        let model = config.model()?;
        let of = |cell: &Cell| case::on_threads(cell.resources.threads, || planned(&config, cell, &model));
        let planned = config.cells.iter().map(of).collect::<Result<Vec<_>>>()?;
        if json {
            planned.iter().try_for_each(|case| output::out(&format!("{}\n", serde_json::to_string(case)?)))
        } else {
            output::out(&render(&config, &planned))
        }
    })
}

/// Plans a cell.
fn planned(config: &Config, cell: &Cell, model: &Model) -> Result<Planned> {
    let calls = config.backend.engine.as_ref().map(|engine| Calls::new(engine, config.data.count()));
    let (plan, obstacle) = match config.case(cell, model) {
        Err(error) => (None, Some(in_one_line(&error))),
        Ok(None) => (None, calls.as_ref().and_then(Calls::obstacle)),
        Ok(Some(case)) => {
            // Simulations encrypt nothing.
            let encrypted = config.backend.kind == BackendKind::Encrypted;
            let obstacle = case.check_memory_available().err().filter(|_| encrypted);
            let plan = Plan::new(&case, obstacle)?;
            let obstacle = plan.obstacle.clone();
            (Some(plan), obstacle)
        }
    };
    Ok(Planned { case: cell.id(config.backend.kind), images: config.data.count(), plan, calls, obstacle })
}

fn render(config: &Config, planned: &[Planned]) -> String {
    let mut text = String::new();
    write(&mut text, config, planned).expect("strings take all text");
    text
}

fn write(text: &mut String, config: &Config, planned: &[Planned]) -> std::fmt::Result {
    let (cases, images) = (counted(planned.len(), "case"), counted(config.data.count(), "image"));
    writeln!(text, "{}: {}\n{cases}, {images} each, {}\n", config.name, config.question, config.backend.kind)?;
    let seconds = table(text, planned)?;
    if let Some(plan) = planned.iter().find_map(|planned| planned.plan.as_ref()) {
        let hours = seconds / 3600.0;
        match config.backend.kind {
            BackendKind::Encrypted => {
                writeln!(text, "\n{hours:.2} hours in all; seconds predicted from {}", plan.seconds_from)?;
            }
            kind => writeln!(text, "\nthese are the figures of encryption; the {kind} backend encrypts nothing")?,
        }
    }
    for Planned { case, calls, obstacle, .. } in planned {
        calls.as_ref().map_or(Ok(()), |calls| calls.write(text))?;
        if let Some(obstacle) = obstacle {
            writeln!(text, "{case} cannot run here: {obstacle}")?;
        }
    }
    Ok(())
}

/// Writes a line for each case. Returns the seconds of all cases with all of their images.
fn table(text: &mut String, planned: &[Planned]) -> Result<f64, std::fmt::Error> {
    let widest = planned.iter().map(|planned| planned.case.len()).max().unwrap_or(0);
    if planned.iter().any(|planned| planned.plan.is_some()) {
        let heads =
            ["levels", "boots", "logQP", "security", "keys", "memory", "s a ciphertext", "batch", "images", "hours"];
        let [levels, boots, log_qp, security, keys, memory, seconds, batch, images, hours] = heads;
        writeln!(
            text,
            "{:<widest$} {levels:>6} {boots:>6} {log_qp:>6} {security:>8} {keys:>10} {memory:>10} {seconds:>14} \
             {batch:>6} {images:>8} {hours:>9}",
            "case"
        )?;
    }
    let mut all = 0.0;
    for Planned { case, images, plan, .. } in planned {
        let Some(plan) = plan else {
            writeln!(text, "{case}")?;
            continue;
        };
        let security = if plan.params.security == 0 { "none".to_owned() } else { plan.params.security.to_string() };
        let whole = plan.seconds * images.div_ceil(plan.batch) as f64;
        all += whole;
        writeln!(
            text,
            "{case:<widest$} {:>6} {:>6} {:>6.0} {security:>8} {:>10} {:>10} {:>14.1} {:>6} {images:>8} {:>9.2}",
            plan.levels,
            plan.bootstraps,
            plan.params.log_qp,
            bytes(plan.key_bytes),
            bytes(plan.predicted_bytes),
            plan.seconds,
            plan.batch,
            whole / 3600.0
        )?;
    }
    Ok(all)
}
