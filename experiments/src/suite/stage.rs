//! The stages of a submission. One program is all of them: it acts by the name that it is called by.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use fhe_ring::SecretRng;
use serde_json::json;

use super::pixels;
use super::submission::Submission;
use crate::case::{self, Case, Claim, Shelved};
use crate::constants;
use crate::contract::{self, Instance, Size, Stage};
use crate::files::{self, Access, Durability};
use crate::roles::client;
use crate::roles::keys::{self, Places};
use crate::roles::manifest::Manifest;
use crate::roles::server::{self, Hidden, Server};
use crate::{machine, secrecy};

/// The longest file of images: 10,000 lines of 3,072 numbers with eight digits, and room.
const LONGEST: u64 = 1 << 30;

/// A stage with its arguments.
pub(crate) struct Call {
    stage: Stage,
    /// The folder of the submission.
    submission: PathBuf,
    argument: Option<String>,
}

impl Call {
    /// Returns the call that the arguments of the process are, if the program is called by the name of a stage.
    pub(crate) fn of_process() -> Option<Self> {
        let mut arguments = std::env::args_os().map(PathBuf::from);
        let program = arguments.next()?;
        let name = program.file_stem()?.to_str()?;
        let stage = Stage::ALL.into_iter().find(|stage| stage.name() == name)?;
        // The program is SUBMISSION/build/STAGE.
        let submission = program.parent()?.parent()?.to_owned();
        let argument = arguments.next().and_then(|argument| argument.to_str().map(str::to_owned));
        Some(Self { stage, submission, argument })
    }

    /// Runs the stage in the working directory, the root of the suite.
    ///
    /// # Errors
    /// A wrong argument, a file that is missing or wrong, and a file system that refuses.
    pub(crate) fn run(&self) -> Result<()> {
        case::in_pool(None, "", || self.stage()).with_context(|| self.stage.to_string())
    }

    fn stage(&self) -> Result<()> {
        if self.stage == Stage::ServerPreprocessModel {
            return self.preprocess();
        }
        let size = self.size()?;
        let instance = Instance::new(Path::new(""), size);
        match self.stage {
            Stage::ClientKeyGeneration => self.generate_keys(&instance),
            Stage::ServerPreprocessModel => unreachable!("returned above"),
            Stage::ClientPreprocessInput => preprocess_input(&instance),
            Stage::ClientEncodeEncryptInput => encrypt(&instance),
            Stage::ServerEncryptedCompute => self.compute(&instance),
            Stage::ClientDecryptDecode => decrypt(&instance),
            Stage::ClientPostprocess => postprocess(&instance),
        }
    }

    fn size(&self) -> Result<Size> {
        let found = self.argument.as_deref().unwrap_or("nothing");
        let size = found.parse().ok().and_then(Size::of_number);
        size.with_context(|| format!("found {found}, wanted a size: 0 single, 1 small, 2 medium or 3 large"))
    }

    fn generate_keys(&self, instance: &Instance) -> Result<()> {
        secrecy::forbid_dumps()?;
        let case = self.case(instance)?;
        case.check_memory_available()?;
        keys::make(&case, &places(instance), &mut SecretRng::from_os())?;
        Ok(())
    }

    /// Checks the model and its case, so that a submission that cannot run fails before images travel, and stores the encoded
    /// constants. The other stages need not check the model's accuracy again.
    fn preprocess(&self) -> Result<()> {
        let submission = Submission::read(&self.submission)?;
        let mut claim = Claim::ToCheck;
        for packing in submission.packings()? {
            let case = submission.case(packing, claim)?;
            claim = Claim::Checked;
            case.check_memory_available()?;
            let path = self.constants(&case);
            if constants::read(&path, &case)?.is_none() {
                constants::write(&path, &case)?;
            }
        }
        Ok(())
    }

    /// Returns the case of a size whose model was checked before.
    fn case(&self, instance: &Instance) -> Result<Case> {
        let submission = Submission::read(&self.submission)?;
        submission.case(submission.packing(instance.size())?, Claim::Checked)
    }

    /// The file of a case's encoded constants, beside the stages. It is outside the folders that the harness empties.
    fn constants(&self, case: &Case) -> PathBuf {
        self.submission.join("build").join(format!("constants-{}", case.described.packing))
    }

    fn compute(&self, instance: &Instance) -> Result<()> {
        let keys = instance.public_keys();
        let manifest = Manifest::read(&keys)?;
        let case = self.case(instance)?;
        let started = Instant::now();
        let stored = constants::read(&self.constants(&case), &case)?;
        let loading = started.elapsed().as_secs_f64();
        let shelved = Shelved::of_server(stored.is_some());
        case.check_memory_beside(case.mapped(stored.is_some()), shelved)?;
        let limit = server::memory_limit(None);
        let mut server = Server::start(&keys, manifest, case, stored)?;
        server.prepare += loading;
        let (from, out) = (instance.upload(), instance.download());
        remove(&out)?;
        let parcel = server.open(&from, &out)?;
        let lanes = server::lanes(server.case(), parcel.ciphertexts(), rayon::current_num_threads(), limit);
        let done = server.evaluate(&parcel, [&from, &out], lanes, &Hidden)?;
        let report = json!({
            "read evaluation keys": server.load,
            "load constants": server.prepare,
            "read ciphertexts": done.read,
            "encrypted computation": done.seconds - (done.read + done.write) / lanes as f64,
            "write ciphertexts": done.write,
            "ciphertexts at once": lanes,
            "peak memory in bytes": machine::peak_rss_bytes(),
        });
        files::replace(&instance.reported_steps(), (serde_json::to_string_pretty(&report)? + "\n").as_bytes())
    }
}

fn places(instance: &Instance) -> Places {
    Places { secret: instance.secret_key(), public: instance.public_keys() }
}

/// Removes the folder of an earlier run.
fn remove(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    std::fs::remove_dir_all(folder).with_context(|| folder.display().to_string())
}

/// The images between the stages of the client.
fn inputs(instance: &Instance) -> PathBuf {
    instance.intermediate().join("inputs.f32")
}

/// The logits between the stages of the client.
fn logits(instance: &Instance) -> PathBuf {
    instance.intermediate().join("logits.json")
}

/// Reads the harness's images, checks and normalises them.
fn preprocess_input(instance: &Instance) -> Result<()> {
    let path = instance.pixels();
    let text = files::read_text(&path, LONGEST)?;
    let images = contract::pixels::read(&text).with_context(|| path.display().to_string())?;
    let by = Manifest::read(&instance.public_keys())?.normalisation();
    let images: Vec<Vec<f64>> = images.iter().map(|values| pixels::normalise(values, &by)).collect();
    let folder = instance.intermediate();
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    pixels::write(&inputs(instance), &images)
}

fn encrypt(instance: &Instance) -> Result<()> {
    secrecy::forbid_dumps()?;
    let images = pixels::read(&inputs(instance))?;
    let out = instance.upload();
    remove(&out)?;
    client::encrypt(&places(instance), &images, &out, &mut SecretRng::from_os(), || ())?;
    Ok(())
}

/// Decrypts every image: its logits, and its class or the reason why it has none.
fn decrypt(instance: &Instance) -> Result<()> {
    secrecy::forbid_dumps()?;
    let (_, images) = client::decrypt(&places(instance), &instance.download())?;
    let images: Vec<_> = images
        .iter()
        .map(|image| {
            let (class, reason) = (image.class.as_ref().ok(), image.class.as_ref().err().map(ToString::to_string));
            json!({ "class": class, "no_class": reason, "logits": image.logits })
        })
        .collect();
    let path = logits(instance);
    files::create(&path, Access::Owner, Durability::Whole, |file| Ok(serde_json::to_writer(file, &images)?))
}

/// Writes the class of every image. The line of an image without a class says so: a made-up class would be taken for an
/// answer.
fn postprocess(instance: &Instance) -> Result<()> {
    let path = logits(instance);
    let text = files::read_text(&path, LONGEST)?;
    let images: Vec<serde_json::Value> = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    ensure!(!images.is_empty(), "{}: found no image, wanted at least one", path.display());
    for (at, image) in images.iter().enumerate().filter(|(_, image)| image["class"].is_null()) {
        eprintln!("note: image {at}: no class: {}", image["no_class"]);
    }
    let class = |image: &serde_json::Value| image["class"].as_u64().map(|class| class as usize);
    let classes: Vec<Option<usize>> = images.iter().map(class).collect();
    files::replace(&instance.predictions(), contract::predictions::write(&classes).as_bytes())
}
