//! `encrypt`: images to a folder of ciphertexts.

use std::path::PathBuf;

use anyhow::Result;
use fhe_ring::SecretRng;

use crate::images::{self, SetArgs};
use crate::output::{self, bytes};
use crate::roles::client::{self, Encryption};
use crate::roles::keys::Places;
use crate::roles::manifest::Manifest;
use crate::{files, progress, secrecy};

/// Arguments of `encrypt`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder that `keygen` wrote, or only its public part. With the secret key an upload takes half the bytes;
    /// without it the public key encrypts.
    #[arg(long, value_name = "KEYS")]
    keys: PathBuf,
    /// Test images by number (7), range (0..20 or 0-19) or list (1,4,9), or PNG or JPEG files; may be repeated. Names are
    /// not uploaded.
    #[arg(long = "image", value_name = "N|FILE", num_args = 1.., required = true)]
    images: Vec<String>,
    #[command(flatten)]
    set: SetArgs,
    /// A new folder for the ciphertexts, one file each.
    #[arg(long, value_name = "UP")]
    out: PathBuf,
}

/// Runs `encrypt`.
pub(crate) fn run(args: &Args) -> Result<()> {
    secrecy::forbid_dumps()?;
    let places = Places { secret: args.keys.clone(), public: Places::public_of(&args.keys) };
    let manifest = Manifest::read(&places.public)?;
    let by = manifest.normalisation();
    let inputs: Vec<Vec<f64>> = images::load(&args.images, args.set.load()?.as_ref())?
        .iter()
        .map(|named| named.image.normalised_by(&by))
        .collect();
    let bar = progress::count(inputs.len().div_ceil(manifest.input.images), "encrypting");
    let (encryption, parcel) = client::encrypt(&places, &inputs, &args.out, &mut SecretRng::from_os(), || bar.inc(1))?;
    bar.finish_and_clear();
    let key = match encryption {
        Encryption::Secret => "secret",
        Encryption::Public => "public",
    };
    let size = files::bytes_of_folder(&args.out)?;
    output::out(&format!(
        "{}: {} images in {} ciphertexts, {}, encrypted under the {key} key\n",
        args.out.display(),
        parcel.images,
        parcel.ciphertexts(),
        bytes(size),
    ))
}
