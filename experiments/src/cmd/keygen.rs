//! `keygen`: the keys of a client.

use std::path::PathBuf;

use anyhow::Result;
use fhe_ring::SecretRng;

use crate::case::{self, Shelved};
use crate::output::{self, bytes};
use crate::roles::keys::{self, Places};
use crate::{progress, secrecy};

/// Help of the command.
pub(crate) const LONG_ABOUT: &str = "\
Makes the keys of a client: KEYS/secret.key, which decrypts and never leaves the client, and KEYS/public/, which goes to the
server: the manifest, the public key and the evaluation keys. The main secret of the evaluation keys is wiped.

The keys fit every network of this shape, whatever its weights, if it has the same classes and its card allows no larger
logits. The four commands of client and server:

  cipherlab keygen --ring-dim 32768 --weights resnet20-chebyshev7 --out KEYS
  cipherlab encrypt --keys KEYS --image 3,7 --out UP
  cipherlab evaluate --keys KEYS/public --weights resnet20-chebyshev7 --in UP --out DOWN
  cipherlab decrypt --keys KEYS --in DOWN";

/// Arguments of `keygen`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A new folder for the keys.
    #[arg(long, value_name = "KEYS")]
    out: PathBuf,
    #[command(flatten)]
    case: case::Args,
}

/// Runs `keygen`.
pub(crate) fn run(args: &Args) -> Result<()> {
    args.case.in_pool(|| {
        let case = args.case.case()?;
        args.case.check_memory(&case, Shelved::KEYS)?;
        secrecy::forbid_dumps()?;
        let spinner = progress::spinner(format!("generating keys at N = {}", case.params.n()), false);
        let places = Places::within(&args.out);
        let manifest = keys::make(&case, &places, &mut SecretRng::from_os())?;
        spinner.finish_and_clear();
        output::out(&format!(
            "{}: secret key, for the client only\n{}: manifest, public key ({}), evaluation keys ({}), for the server\n",
            places.secret.display(),
            places.public.display(),
            bytes(manifest.public_key.bytes),
            bytes(manifest.evaluation_keys.bytes),
        ))
    })
}
