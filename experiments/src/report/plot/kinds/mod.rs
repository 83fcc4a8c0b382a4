//! The figures: each is made from runs, or names the reason why it cannot be.

mod engines;
mod flips;
mod layers;
mod memory;
mod pareto;
mod precision;
mod ring;
mod speedup;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::figure::Figure;
use super::series::{borrowed_noise, label};
use crate::report::source::{Source, Standing};

/// The kinds of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FigureKind {
    /// Accuracy and logit precision against the degree of the ReLU.
    Precision,
    /// Errors along the layers: of the approximation, and of encryption.
    Layers,
    /// Latency and memory against the ring dimension.
    Ring,
    /// Memory, latency and precision over the sweep, with the cases that no other case beats in all three.
    Pareto,
    /// Images that change their class, against the plaintext margin.
    Flips,
    /// Memory and bytes against latency, of other engines and of our encrypted cases.
    Engines,
    /// Speed-up and latency against the number of threads.
    Speedup,
    /// Latency against memory, at each setting of `max_memory`.
    Memory,
}

/// The reason why there is nothing to draw.
pub(crate) type Reason = String;

impl FigureKind {
    /// Returns its name on the command line and in files.
    pub(crate) fn word(self) -> String {
        self.to_possible_value().expect("no figure is hidden").get_name().to_owned()
    }

    /// Returns the figure of these runs, with `name` in its title.
    ///
    /// # Errors
    /// The data that the runs lack, in words.
    pub(crate) fn figure(self, name: &str, sources: &[Source]) -> Result<Figure, Reason> {
        let (title, figure) = match self {
            Self::Precision => ("Precision against the degree of the ReLU", precision::figure(sources)),
            Self::Layers => ("Errors along the layers", layers::figure(sources)),
            Self::Ring => ("Cost against the ring dimension", ring::figure(sources)),
            Self::Pareto => ("Memory, latency and precision", pareto::figure(sources)),
            Self::Flips => ("Images that change their class", flips::figure(sources)),
            Self::Engines => ("Engines: memory and bytes against latency", engines::figure(sources)),
            Self::Speedup => ("Speed-up against threads", speedup::figure(sources)),
            Self::Memory => ("Seconds against memory", memory::figure(sources)),
        };
        let mut figure = figure?;
        figure.title = format!("{title} · {name}");
        let standing = |source: &Source| match &source.standing {
            Standing::Complete => None,
            standing => Some(format!("{}: {standing}; not a result.", label(source, sources))),
        };
        let mut caption: Vec<_> = match sources {
            [one] => one.question().into_iter().collect(),
            many => vec![format!("Runs: {}.", many.iter().map(|one| label(one, many)).collect::<Vec<_>>().join(", "))],
        };
        caption.extend(sources.iter().filter_map(standing));
        let mixed = sources.iter().filter(|source| source.run.provenance.is_mixed());
        caption.extend(mixed.map(|source| {
            format!("{}: from several types of processors; its seconds do not compare.", label(source, sources))
        }));
        caption.dedup();
        caption.append(&mut figure.caption);
        let noise = borrowed_noise(sources).join(", ");
        if !noise.is_empty() {
            caption.push(format!("Simulated cases without a noise of their own draw that of {noise}."));
        }
        figure.caption = caption;
        Ok(figure)
    }
}
