//! A plan as text for people.

use std::fmt::Write;

use super::{Plan, Secret};
use crate::output::bytes;

/// Returns the plan as text.
pub(crate) fn render(plan: &Plan) -> String {
    let mut text = String::new();
    write(&mut text, plan).expect("strings take all text");
    text
}

fn write(text: &mut String, plan: &Plan) -> std::fmt::Result {
    let p = &plan.params;
    let profile = p.profile.as_ref().map_or(String::new(), |profile| format!(", profile {profile}"));
    writeln!(
        text,
        "N = {}, {}, {} packing{profile}, {} threads, {}\n",
        p.ring_dim, p.relu, p.packing, p.threads, p.kernels
    )?;
    writeln!(text, "{:<28} {:>5} {:>5}", "primes, from the bottom up", "bits", "count")?;
    for primes in &plan.chain {
        writeln!(text, "{:<28} {:>5} {:>5}", primes.purpose, primes.bits, primes.count)?;
    }
    writeln!(text, "{} levels, logQP = {:.1}", plan.levels, p.log_qp)?;
    secret(text, "\nmain secret", &plan.main_secret)?;
    if let Some(ephemeral) = &plan.ephemeral_secret {
        secret(text, "ephemeral secret", ephemeral)?;
    }
    secret(text, &format!("client's secret, in a ring of dimension {}", plan.client_ring_dim), &plan.client_secret)?;
    steps(text, plan)?;
    writeln!(text, "\n{:<28} {:>5} {:>10}", "keys", "count", "memory")?;
    for keys in &plan.keys {
        writeln!(text, "{:<28} {:>5} {:>10}", keys.kind, keys.count, bytes(keys.bytes))?;
    }
    writeln!(
        text,
        "\npredicted memory {}: keys {}, bootstrapping constants {}, working set about {}",
        bytes(plan.predicted_bytes),
        bytes(plan.key_bytes),
        bytes(plan.constant_bytes),
        bytes(plan.working_bytes),
    )?;
    settings(text, plan)?;
    writeln!(
        text,
        "\na ciphertext of images takes {}, its logits {}",
        bytes(plan.upload_bytes),
        bytes(plan.download_bytes)
    )?;
    match (plan.available_bytes, &plan.available_limit) {
        (Some(left), Some(limit)) => writeln!(text, "found {} {limit}", bytes(left))?,
        _ => writeln!(text, "memory available: unknown")?,
    }
    match &plan.obstacle {
        None => writeln!(text, "runs here"),
        Some(reason) => writeln!(text, "cannot run here: {reason}"),
    }
}

fn settings(text: &mut String, plan: &Plan) -> std::fmt::Result {
    writeln!(text, "\n{:<46} {:>10} {:>10} {:>8}  --max-memory", "keys and constants", "memory", "file", "seconds")?;
    for choice in &plan.settings {
        let chosen = if choice.chosen { "> " } else { "  " };
        let file = if choice.file_bytes > 0 { bytes(choice.file_bytes) } else { "–".to_owned() };
        let names = choice.names.join(", ");
        writeln!(
            text,
            "{chosen}{:<44} {:>10} {file:>10} {:>8.1}  {names}",
            choice.holding,
            bytes(choice.predicted_bytes),
            choice.seconds,
        )?;
    }
    writeln!(text, "seconds of other ways: shares of the default's, from {}", plan.settings_from)
}

fn secret(text: &mut String, name: &str, secret: &Secret) -> std::fmt::Result {
    let (Some(log_qp), Some(limit), Some(table)) = (secret.log_qp, secret.log_qp_limit, secret.table) else {
        return writeln!(text, "{name}: {}, no table bounds its modulus", secret.distribution);
    };
    let Secret { distribution, security, .. } = secret;
    let security = if *security == 0 { "INSECURE, below 128 bits".to_owned() } else { format!("{security} bits") };
    writeln!(text, "{name}: {distribution}, {security}; widest modulus {log_qp:.1} bits of {limit:.0} by {table}")
}

fn steps(text: &mut String, plan: &Plan) -> std::fmt::Result {
    writeln!(
        text,
        "\n{:<18} {:<12} {:>5} {:>7} {:>6} {:>8} {:>5} {:>6} {:>8}",
        "layer", "operation", "level", "scale", "slots", "hoisted", "full", "relin", "seconds"
    )?;
    let mut sums = [0; 3];
    for step in &plan.steps {
        let scale = format!("2^{:.1}", step.log_scale);
        let counts = [step.hoisted, step.full, step.relinearizations];
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        let [hoisted, full, relin] = counts;
        writeln!(
            text,
            "{:<18} {:<12} {:>5} {scale:>7} {:>6} {hoisted:>8} {full:>5} {relin:>6} {:>8.3}",
            step.layer, step.op, step.level, step.slots, step.seconds
        )?;
    }
    let [hoisted, full, relin] = sums;
    let all = format!("{} bootstraps", plan.bootstraps);
    writeln!(text, "{:<18} {all:<39} {hoisted:>8} {full:>5} {relin:>6} {:>8.1}", "total", plan.seconds)?;
    writeln!(text, "seconds predicted from {}", plan.seconds_from)
}
