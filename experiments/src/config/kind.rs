//! The kinds of backends, and the keys of `[backend]` that each takes.

use std::fmt;

use anyhow::{Result, bail};
use toml::Spanned;

use super::{Source, wire};

/// The backend: the way to evaluate the cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Real encryption.
    Encrypted,
    /// The encrypted circuit in cleartext, with the noise of encryption added.
    Simulated,
    /// The plaintext model with polynomials.
    Plain,
    /// A submission to the FHE Benchmarking Suite, which is another program.
    Suite,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encrypted => "encrypted",
            Self::Simulated => "simulated",
            Self::Plain => "plain",
            Self::Suite => "suite",
        })
    }
}

/// Reads the kind.
pub(super) fn read(text: &Spanned<String>) -> Result<Kind> {
    match text.get_ref().as_str() {
        "encrypted" => Ok(Kind::Encrypted),
        "simulated" => Ok(Kind::Simulated),
        "plain" => Ok(Kind::Plain),
        "suite" => Ok(Kind::Suite),
        _ => bail!("unknown backend; wanted encrypted, simulated, plain or suite"),
    }
}

/// Refuses keys that a backend of this kind does not take.
pub(super) fn check_keys(source: &Source, kind: Kind, backend: &wire::Backend) -> Result<()> {
    use Kind::{Encrypted, Plain, Simulated, Suite};
    let ours = [Encrypted, Simulated, Plain];
    let wire::Backend { trace, max_memory, kernels, noise, insecure, seed, dir, batch, label, stage_limit_s, .. } =
        backend;
    only(source, kind, max_memory, "max_memory", &[Encrypted])?;
    only(source, kind, kernels, "kernels", &[Encrypted])?;
    only(source, kind, noise, "noise", &[Simulated])?;
    only(source, kind, trace, "trace", &ours)?;
    only(source, kind, seed, "seed", &ours)?;
    only(source, kind, dir, "dir", &[Suite])?;
    only(source, kind, batch, "batch", &[Suite])?;
    only(source, kind, label, "label", &[Suite])?;
    only(source, kind, stage_limit_s, "stage_limit_s", &[Suite])?;
    if let Some(insecure) = insecure.as_ref().filter(|_| kind == Plain) {
        bail!("{}: wanted none, since the {kind} backend encrypts nothing", source.at(insecure, "backend.insecure"));
    }
    only(source, kind, insecure, "insecure", &[Encrypted, Simulated])
}

fn only<T>(source: &Source, kind: Kind, value: &Option<Spanned<T>>, key: &str, kinds: &[Kind]) -> Result<()> {
    match value {
        Some(value) if !kinds.contains(&kind) => {
            let place = source.at(value, &format!("backend.{key}"));
            bail!("{place}: wanted none, since the {kind} backend takes no such key")
        }
        _ => Ok(()),
    }
}
