//! The threads, the kernels and the memory of a cell, where the sweep varies them.

use std::fmt;

use anyhow::{Result, bail};
use fhe_ring::Kernels;
use toml::Spanned;

use super::lists::{value, values};
use super::{Backend, BackendKind, Source};
use crate::case::{Dial, check_threads};

/// The resources of a cell. `None` where the sweep does not vary them: those of the backend count then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resources {
    /// Threads of its pool.
    pub threads: Option<usize>,
    /// Its kernels.
    pub kernels: Option<Kernels>,
    /// What it says of memory.
    pub memory: Option<Dial>,
}

impl fmt::Display for Resources {
    /// Writes what the sweep varies, such as `-threads:2-fma-memory:lean`: the end of a case's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.threads.map_or(Ok(()), |threads| write!(f, "-threads:{threads}"))?;
        self.kernels.map_or(Ok(()), |kernels| write!(f, "-{}", kernels.name()))?;
        self.memory.as_ref().map_or(Ok(()), |memory| write!(f, "-memory:{memory}"))
    }
}

impl Resources {
    /// Returns whether a cell of these resources has all the values that `wanted` names.
    pub(super) fn has(&self, wanted: &Self) -> bool {
        wanted.threads.is_none_or(|threads| self.threads == Some(threads))
            && wanted.kernels.is_none_or(|kernels| self.kernels == Some(kernels))
            && (wanted.memory.is_none() || self.memory == wanted.memory)
    }

    /// Reads the resources that an exclusion names.
    ///
    /// # Errors
    /// A value that no sweep can have.
    pub(super) fn excluded(
        source: &Source,
        threads: &Option<Spanned<usize>>,
        kernels: &Option<Spanned<String>>,
        memory: &Option<Spanned<String>>,
    ) -> Result<Self> {
        Ok(Self {
            threads: value(source, threads, "exclude.threads", |&threads| read_threads(threads))?,
            kernels: value(source, kernels, "exclude.kernels", |name| read_kernels(name))?,
            memory: value(source, memory, "exclude.memory", |text| text.parse())?,
        })
    }
}

/// Returns the resources of the cells: all combinations of the lists, kernels outermost, memory innermost.
///
/// # Errors
/// A list that the backend does not take or has a value for too, or a value that this machine does not have.
pub(super) fn grid(
    source: &Source,
    threads: &Option<Spanned<Vec<Spanned<usize>>>>,
    kernels: &Option<Spanned<Vec<Spanned<String>>>>,
    memory: &Option<Spanned<Vec<Spanned<String>>>>,
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
        Some(list) => {
            encrypted(source, list, "kernels", backend)?;
            once(source, list, "kernels", backend.kernels.is_some())?;
            some(values(source, list, "sweep.kernels", |name| read_kernels(name))?)
        }
        None => vec![None],
    };
    let memory: Vec<Option<Dial>> = match memory {
        Some(list) => {
            encrypted(source, list, "memory", backend)?;
            if backend.max_memory.is_some() {
                let place = source.at(list, "sweep.memory");
                bail!("{place}: found backend.max_memory too, wanted one of them; delete backend.max_memory");
            }
            some(values(source, list, "sweep.memory", |text| text.parse())?)
        }
        None => vec![None],
    };
    let pairs = kernels.iter().flat_map(|&kernels| threads.iter().map(move |&threads| (threads, kernels)));
    let all = pairs.flat_map(|(threads, kernels)| {
        memory.iter().map(move |memory| Resources { threads, kernels, memory: memory.clone() })
    });
    Ok(all.collect())
}

/// Fails unless the backend encrypts.
fn encrypted<T>(source: &Source, list: &Spanned<Vec<T>>, key: &str, backend: &Backend) -> Result<()> {
    if backend.kind != BackendKind::Encrypted {
        let place = source.at(list, &format!("sweep.{key}"));
        bail!("{place}: wanted none, since the {} backend takes no such key", backend.kind);
    }
    Ok(())
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
