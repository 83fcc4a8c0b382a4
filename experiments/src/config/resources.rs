//! The threads and the kernels of a cell, where the sweep varies them.

use std::fmt;

use anyhow::{Result, bail};
use fhe_ring::Kernels;
use toml::Spanned;

use super::lists::{value, values};
use super::{Backend, BackendKind, Source};
use crate::case::check_threads;

/// The resources of a cell. `None` where the sweep does not vary them: those of the backend count then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resources {
    /// Threads of its pool.
    pub threads: Option<usize>,
    /// Its kernels.
    pub kernels: Option<Kernels>,
}

impl fmt::Display for Resources {
    /// Writes what the sweep varies, such as `-threads:2-fma`: the end of a case's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.threads.map_or(Ok(()), |threads| write!(f, "-threads:{threads}"))?;
        self.kernels.map_or(Ok(()), |kernels| write!(f, "-{}", kernels.name()))
    }
}

impl Resources {
    /// Returns whether a cell of these resources has all the values that `wanted` names.
    pub(super) fn has(self, wanted: Self) -> bool {
        wanted.threads.is_none_or(|threads| self.threads == Some(threads))
            && wanted.kernels.is_none_or(|kernels| self.kernels == Some(kernels))
    }

    /// Reads the resources that an exclusion names.
    ///
    /// # Errors
    /// A value that no sweep can have.
    pub(super) fn excluded(
        source: &Source,
        threads: &Option<Spanned<usize>>,
        kernels: &Option<Spanned<String>>,
    ) -> Result<Self> {
        Ok(Self {
            threads: value(source, threads, "exclude.threads", |&threads| read_threads(threads))?,
            kernels: value(source, kernels, "exclude.kernels", |name| read_kernels(name))?,
        })
    }
}

/// Returns the resources of the cells: all pairs of the lists, kernels outermost.
///
/// # Errors
/// A list that the backend does not take or has a value for too, or a value that this machine does not have.
pub(super) fn grid(
    source: &Source,
    threads: &Option<Spanned<Vec<Spanned<usize>>>>,
    kernels: &Option<Spanned<Vec<Spanned<String>>>>,
    backend: &Backend,
) -> Result<Vec<Resources>> {
    let threads = match threads {
        Some(list) => {
            once(source, list, "threads", backend.threads.is_some())?;
            some(values(source, list, "sweep.threads", |&threads| read_threads(threads))?)
        }
        None => vec![None],
    };
    let kernels = match kernels {
        Some(list) if backend.kind != BackendKind::Encrypted => {
            let place = source.at(list, "sweep.kernels");
            bail!("{place}: wanted none, since the {} backend takes no such key", backend.kind)
        }
        Some(list) => {
            once(source, list, "kernels", backend.kernels.is_some())?;
            some(values(source, list, "sweep.kernels", |name| read_kernels(name))?)
        }
        None => vec![None],
    };
    let pairs = kernels.iter().flat_map(|&kernels| threads.iter().map(move |&threads| Resources { threads, kernels }));
    Ok(pairs.collect())
}

/// Fails if `[backend]` has the key too.
fn once<T>(source: &Source, list: &Spanned<Vec<T>>, key: &str, twice: bool) -> Result<()> {
    if twice {
        let place = source.at(list, &format!("sweep.{key}"));
        bail!("{place}: found backend.{key} too, wanted one of them; delete backend.{key}");
    }
    Ok(())
}

fn some<T>(values: Vec<T>) -> Vec<Option<T>> {
    values.into_iter().map(Some).collect()
}

fn read_threads(threads: usize) -> Result<usize> {
    check_threads(threads).map(|()| threads)
}

fn read_kernels(name: &str) -> Result<Kernels> {
    Ok(Kernels::forced(name)?)
}
