//! `decrypt`: classes and logits of a download.

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use crate::output::{self, rounded};
use crate::roles::client::{self, Decrypted};
use crate::roles::keys::Places;
use crate::roles::manifest::Manifest;
use crate::secrecy;

/// Arguments of `decrypt`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder that `keygen` wrote, with the secret key.
    #[arg(long, value_name = "KEYS")]
    keys: PathBuf,
    /// The folder that `evaluate` wrote.
    #[arg(long = "in", value_name = "DOWN")]
    from: PathBuf,
    /// Print one JSON object for each image instead of a table.
    #[arg(long)]
    json: bool,
    /// Decimals of the logits that are shown. Without it as many as hide the noise of decryption, which leaks
    /// information about the secret key: a person who does not hold the key must not see more.
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=17))]
    digits: Option<u8>,
}

/// An image's result.
#[derive(Serialize)]
struct Report<'a> {
    /// Its number in the order of encryption, from 0.
    image: usize,
    class: Option<usize>,
    class_name: Option<&'a str>,
    /// The reason why the image has no class; `None` if it has one.
    no_class: Option<String>,
    logits: Vec<f64>,
    digits: usize,
}

/// Runs `decrypt`. The process ends with status 1 if an image has no class.
pub(crate) fn run(args: &Args) -> Result<()> {
    secrecy::forbid_dumps()?;
    let places = Places { secret: args.keys.clone(), public: Places::public_of(&args.keys) };
    let (manifest, images) = client::decrypt(&places, &args.from)?;
    let digits = args.digits.map_or(manifest.output.digits, usize::from);
    for (image, decrypted) in images.iter().enumerate() {
        let report = Report::new(image, decrypted, &manifest, digits);
        let text = if args.json { serde_json::to_string(&report)? } else { report.in_words(&manifest) };
        output::out(&format!("{text}\n"))?;
    }
    if images.iter().any(|image| image.class.is_err()) {
        std::process::exit(1);
    }
    Ok(())
}

impl<'a> Report<'a> {
    fn new(image: usize, decrypted: &Decrypted, manifest: &'a Manifest, digits: usize) -> Self {
        let class = decrypted.class.as_ref();
        Self {
            image,
            class: class.ok().copied(),
            class_name: class.ok().map(|&class| manifest.output.classes[class].as_str()),
            no_class: class.err().map(ToString::to_string),
            logits: decrypted.logits.iter().map(|&logit| rounded(logit, digits)).collect(),
            digits,
        }
    }

    fn in_words(&self, manifest: &Manifest) -> String {
        if let Some(reason) = &self.no_class {
            return format!("image {}: no class: {reason}; its logits mean nothing", self.image);
        }
        let digits = self.digits;
        let named = manifest.output.classes.iter().zip(&self.logits);
        let logits: Vec<String> = named.map(|(name, logit)| format!("{name} {logit:.digits$}")).collect();
        format!("image {}: {} ({})", self.image, self.class_name.unwrap_or_default(), logits.join(", "))
    }
}
