//! The flag that chooses the kernels.

use anyhow::{Context, Result};
use fhe_ring::Kernels;

/// The flag that chooses the kernels.
#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct KernelArgs {
    /// Kernels: avx512ifma, fma512, fma or scalar; the fastest that the machine has if not given.
    #[arg(long)]
    kernels: Option<String>,
    /// The flag's name in earlier versions.
    #[arg(long, hide = true, conflicts_with = "kernels", value_name = "KERNELS")]
    backend: Option<String>,
}

impl KernelArgs {
    /// Returns the kernels asked for; `None` for the fastest that the machine has. Notes the use of the flag's old
    /// name.
    ///
    /// # Errors
    /// A name that this machine has no kernels of.
    pub(crate) fn choose(&self) -> Result<Option<Kernels>> {
        let chosen = self.name().map(|name| Kernels::forced(name).context("--kernels")).transpose()?;
        if self.backend.is_some() {
            eprintln!("note: --backend is now called --kernels");
        }
        Ok(chosen)
    }

    /// Returns the name asked for.
    pub(crate) fn name(&self) -> Option<&str> {
        self.kernels.as_deref().or(self.backend.as_deref())
    }
}
