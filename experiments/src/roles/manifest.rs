//! The manifest beside public keys: everything that a client needs to encrypt and that a server has to agree with.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use datasets::cifar::{Normalisation, SIDE};
use datasets::picture_set::MOST_CLASSES;
use fhe_ckks::{Parameters, ParametersLiteral, SecretDistribution};
use fhe_nn::encrypted::interleave::Interleave;
use fhe_nn::encrypted::layout::Layout;
use fhe_nn::encrypted::{Interface, Profile};
use serde::{Deserialize, Serialize};

use super::codes::hex;
use super::shape;
use crate::case::Case;
use crate::files;

/// The name of the manifest in a folder of public keys.
pub(crate) const NAME: &str = "manifest.json";

/// The version of the manifest.
const FORMAT: u32 = 1;

/// The most primes of a ring: more than any secure modulus has room for.
const MOST_PRIMES: usize = 256;

/// The longest manifest.
const LONGEST: u64 = 1 << 20;

/// A manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this file.
    pub format: u32,
    /// Identity of the keys: the checksum of the public key.
    pub key: String,
    /// The server's ring.
    pub ring: Ring,
    /// The client's ring.
    pub client_ring: ClientRing,
    /// The circuit.
    pub circuit: Circuit,
    /// How an image becomes slots.
    pub input: Input,
    /// What comes back.
    pub output: Output,
    /// Digest of the model's shape.
    pub model_shape: String,
    /// The polynomial that the model was trained with; none for ReLU itself.
    pub trained_with: Option<String>,
    /// The evaluation keys.
    pub evaluation_keys: File,
    /// The public key.
    pub public_key: File,
}

/// The server's ring and its primes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ring {
    log_n: u32,
    main_bits: Vec<u32>,
    special_bits: Vec<u32>,
    /// Weight of the ephemeral secret.
    ephemeral_weight: Option<u32>,
    /// Whether less than 128 bits of security were accepted.
    insecure: bool,
    /// log2 of all primes, for people.
    log_qp: f64,
    /// Bits of security, for people; 0 below 128.
    security_bits: u32,
    /// The identity that objects of this ring carry.
    digest: String,
}

/// The client's ring, over the first primes of the server's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientRing {
    log_n: u32,
    digest: String,
}

/// The polynomial and the packing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Circuit {
    /// The polynomial in place of ReLU.
    pub relu: String,
    /// The packing.
    pub packing: String,
    /// The profile that was asked for; none for a shipped one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
}

/// How images are normalised, packed and scaled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Channels that the network takes. Manifests of earlier versions do not state it.
    #[serde(default = "colour")]
    pub channels: usize,
    /// Mean of red, green and blue, as fractions of full scale.
    pub mean: [f64; 3],
    /// Standard deviations, likewise.
    pub std: [f64; 3],
    /// Images of a ciphertext.
    pub images: usize,
    /// Whether the second half of the images are in the imaginary parts of slots. Manifests of earlier versions do not
    /// state it.
    #[serde(default)]
    complex: bool,
    level: usize,
    log2_scale: f64,
}

fn colour() -> usize {
    3
}

/// The classes, and what is possible for their logits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The name of each class.
    pub classes: Vec<String>,
    /// The largest magnitude of a logit that the model's card calls possible.
    pub logit_bound: Option<f64>,
    /// Decimals of a logit that the noise leaves.
    pub digits: usize,
}

/// A file of keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its bytes.
    pub bytes: u64,
    /// The checksum at its end.
    pub checksum: String,
}

impl Manifest {
    /// Returns the manifest of a case with these files of keys.
    ///
    /// # Errors
    /// A case whose client's ring cannot be made.
    pub(crate) fn new(case: &Case, public_key: File, evaluation_keys: File) -> Result<Self> {
        let (params, program) = (&case.params, &case.program);
        let (literal, interface) = (params.literal(), program.interface());
        let client = program.client_ring(params)?;
        let Normalisation { channels, mean, std } = case.normalisation();
        Ok(Self {
            format: FORMAT,
            key: public_key.checksum.clone(),
            ring: Ring {
                log_n: literal.log_n,
                main_bits: literal.main_bits.clone(),
                special_bits: literal.special_bits.clone(),
                ephemeral_weight: literal.ephemeral_weight,
                insecure: literal.insecure,
                log_qp: params.log_qp(),
                security_bits: params.security_bits(),
                digest: hex(&params.digest()),
            },
            client_ring: ClientRing { log_n: client.log_n(), digest: hex(&client.digest()) },
            circuit: Circuit {
                relu: case.described.relu.clone(),
                packing: case.described.packing.clone(),
                profile: case.asked_profile().map(|asked| asked.profile.clone()),
            },
            input: Input {
                channels,
                mean,
                std,
                images: interface.interleave.images(),
                complex: interface.interleave.complex,
                level: interface.level,
                log2_scale: interface.scale.log2(),
            },
            output: Output {
                classes: case.classes().to_vec(),
                logit_bound: case.logit_bound(),
                digits: program.circuit().logit_digits(),
            },
            model_shape: shape::digest(program),
            trained_with: case.trained_with(),
            evaluation_keys,
            public_key,
        })
    }

    /// Reads the manifest of a folder of public keys.
    ///
    /// # Errors
    /// A file that is missing, is no manifest, or states what no client can use.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        let place = || path.display().to_string();
        let text = files::read_text(&path, LONGEST)
            .context("wanted the manifest of a folder of public keys, as `cipherlab keygen` writes it")?;
        Self::parse(&text).with_context(place)
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// A text that is no manifest, or one that states what no client can use.
    pub fn parse(text: &str) -> Result<Self> {
        let found: Self = serde_json::from_str(text).context("not a manifest")?;
        found.check()?;
        Ok(found)
    }

    /// Fails for numbers that would stop the program later.
    fn check(&self) -> Result<()> {
        ensure!(self.format == FORMAT, "format: found {}, wanted {FORMAT}, that of this version", self.format);
        let Ring { main_bits, special_bits, .. } = &self.ring;
        let primes = main_bits.len() + special_bits.len();
        ensure!((2..=MOST_PRIMES).contains(&primes), "ring: found {primes} primes, wanted 2 to {MOST_PRIMES}");
        self.circuit.profile.as_ref().map_or(Ok(()), Profile::check).context("circuit")?;
        let Input { channels, mean, std, images, complex, level, log2_scale } = &self.input;
        let fraction = |v: &f64| (0.0..=1.0).contains(v);
        ensure!(mean.iter().all(fraction), "input.mean: found {mean:?}, wanted numbers from 0 to 1");
        ensure!(
            std.iter().all(|v| fraction(v) && *v >= 1e-3),
            "input.std: found {std:?}, wanted numbers from 0.001 to 1"
        );
        ensure!((1..=1 << 10).contains(images), "input.images: found {images}, wanted 1 to 1024");
        ensure!(
            !complex || images.is_multiple_of(2),
            "input.images: found {images} in real and imaginary parts, wanted an even number"
        );
        ensure!(*level < self.ring.main_bits.len(), "input.level: found {level}, wanted a level of ring.main_bits");
        ensure!((1.0..120.0).contains(log2_scale), "input.log2_scale: found {log2_scale}, wanted 1 to 120");
        let Output { classes, logit_bound, digits } = &self.output;
        let count = classes.len();
        ensure!((2..=MOST_CLASSES).contains(&count), "output.classes: found {count}, wanted 2 to {MOST_CLASSES}");
        ensure!((1..=3).contains(channels), "input.channels: found {channels}, wanted 1 to 3");
        ensure!(
            logit_bound.is_none_or(|bound| bound.is_finite() && bound > 0.0),
            "output.logit_bound: found {logit_bound:?}, wanted a number above 0"
        );
        ensure!(*digits <= 17, "output.digits: found {digits}, wanted 0 to 17");
        Ok(())
    }

    /// Returns the server's parameters.
    ///
    /// # Errors
    /// Primes that are not secure or cannot be found, and parameters of another identity: those of another version.
    fn parameters(&self) -> Result<Parameters> {
        let Ring { log_n, main_bits, special_bits, ephemeral_weight, insecure, .. } = self.ring.clone();
        let secret = SecretDistribution::UniformTernary;
        let literal =
            ParametersLiteral { log_n, main_bits, special_bits, secret, ephemeral_weight, insecure, kernels: None };
        let params = Parameters::try_from(literal).context("ring")?;
        check_digest("ring", &params, &self.ring.digest)?;
        Ok(params)
    }

    /// Returns the client's ring.
    ///
    /// # Errors
    /// A ring that is not secure, and one of another identity: that of another version.
    pub fn client_ring(&self) -> Result<Parameters> {
        let ring =
            self.parameters()?.client_ring_of(self.client_ring.log_n, self.input.level).context("client_ring")?;
        check_digest("client_ring", &ring, &self.client_ring.digest)?;
        let (found, wanted) = (ring.max_slots(), self.interface().slots());
        ensure!(
            found >= wanted,
            "client_ring: found {found} slots, wanted the {wanted} of {} images",
            self.input.images
        );
        if self.ring.insecure {
            eprintln!("note: these keys are INSECURE: below 128 bits of security");
        }
        Ok(ring)
    }

    /// Returns the dimension of the server's ring.
    ///
    /// # Errors
    /// A dimension that no ring has.
    pub(crate) fn ring_dim(&self) -> Result<usize> {
        let found = self.ring.log_n;
        ensure!((5..=17).contains(&found), "ring.log_n: found {found}, wanted 5 to 17");
        Ok(1 << found)
    }

    /// Whether the keys were made with less than 128 bits of security.
    pub(crate) fn is_insecure(&self) -> bool {
        self.ring.insecure
    }

    /// Returns the agreement on images and logits.
    pub(crate) fn interface(&self) -> Interface {
        let Input { channels, images, complex, level, log2_scale, .. } = self.input;
        let stride = if complex { images / 2 } else { images };
        let (interleave, layout) = (Interleave { stride, complex }, Layout::dense(channels, SIDE));
        Interface { level, scale: log2_scale.exp2(), layout, interleave, classes: self.output.classes.len() }
    }

    /// Returns the mean and deviation that turn pixels into the network's input.
    pub(crate) fn normalisation(&self) -> Normalisation {
        Normalisation { channels: self.input.channels, mean: self.input.mean, std: self.input.std }
    }

    /// Fails if keys of this manifest do not serve a case: its ring, its shape or its normalisation is another.
    ///
    /// # Errors
    /// What differs, on both sides.
    pub(crate) fn check_case(&self, case: &Case) -> Result<()> {
        check_digest("ring", &case.params, &self.ring.digest)?;
        let shape = shape::digest(&case.program);
        if shape != self.model_shape {
            bail!(
                "the keys are for a model of shape {}, the weights have shape {shape}: wanted weights of the architecture that the keys were made for",
                self.model_shape
            );
        }
        let trained = case.trained_with();
        let words = |trained: &Option<String>| trained.clone().unwrap_or_else(|| "ReLU".to_owned());
        ensure!(
            trained == self.trained_with,
            "the keys are for a model trained with {}, the weights were trained with {}; name the weights that the keys were made for",
            words(&self.trained_with),
            words(&trained)
        );
        let (found, wanted) = (case.program.interleave(), self.interface().interleave);
        ensure!(
            found == wanted,
            "the keys are for ciphertexts of {} images, this version of the program packs {}; make the keys again",
            wanted.images(),
            found.images()
        );
        let (found, wanted) = (case.classes(), &self.output.classes);
        ensure!(
            found == wanted,
            "clients name the classes {wanted:?}, the weights' card names {found:?}; name weights with those classes, or make keys \
             for these"
        );
        // A client takes logits beyond its bound for noise.
        let (found, wanted) = (case.logit_bound(), self.output.logit_bound);
        ensure!(
            wanted.is_none_or(|wanted| found.is_some_and(|found| found <= wanted)),
            "clients refuse logits above {}, the weights' card allows {}; name weights with smaller logits, or make keys for these",
            wanted.unwrap_or(f64::INFINITY),
            found.map_or("any".to_owned(), |found| format!("{found}"))
        );
        let (found, wanted) = (case.normalisation(), self.normalisation());
        ensure!(
            (found.mean, found.std) == (wanted.mean, wanted.std),
            "clients normalise by the manifest's mean {:?} and deviation {:?}, the weights' card says {:?} and {:?}",
            wanted.mean,
            wanted.std,
            found.mean,
            found.std
        );
        Ok(())
    }
}

/// Fails if parameters have another identity than the manifest states.
fn check_digest(what: &str, params: &Parameters, wanted: &str) -> Result<()> {
    let found = hex(&params.digest());
    ensure!(
        found == wanted,
        "{what}: the manifest states the identity {wanted}, this version of the program makes {found}; make the keys and evaluate with one version"
    );
    Ok(())
}

#[cfg(test)]
mod tests;
