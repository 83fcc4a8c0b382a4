//! The reasons why a quantity of two cases cannot be compared.

use clap::ValueEnum;

use super::images::Images;
use super::pairs::backend;
use super::quantity::Kind;
use super::yardstick::Yardstick;
use crate::records::CaseRow;
use crate::report::source::{Source, Standing};

/// A difference between two runs that makes a comparison doubtful, and that a user may accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Doubt {
    /// The numbers of threads differ.
    Threads,
    /// The SIMD kernels differ.
    Kernels,
    /// One of the cases has less than 128 bits of security.
    Security,
    /// A run was stopped before its end, or is one of several shards.
    Partial,
    /// The sources of a program were changed after their revision, or their revision is unknown.
    Dirty,
}

/// Two cases with the runs that they are from.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'a> {
    /// The runs.
    pub sources: [&'a Source; 2],
    /// The cases.
    pub cases: [&'a CaseRow; 2],
}

impl Pair<'_> {
    /// Returns in words why this quantity of the pair cannot be compared; `None` if nothing speaks against it.
    /// `yardstick` is there if seconds are compared in multiples of it.
    pub(crate) fn against(
        self,
        kind: Kind,
        images: &Images<'_>,
        accepted: &[Doubt],
        yardstick: Option<Yardstick>,
    ) -> Option<String> {
        let mut reasons: Vec<String> = self.backends().into_iter().collect();
        if kind.is_seconds() && yardstick.is_none() {
            reasons.extend(self.machines());
        }
        if kind != Kind::Memory {
            reasons.extend(self.images(images));
        }
        let doubts = Doubt::value_variants().iter().filter(|doubt| doubt.concerns(kind) && !accepted.contains(doubt));
        let said = |doubt: &Doubt| Some(format!("{} (--accept {})", self.doubt(*doubt)?, doubt.word()));
        reasons.extend(doubts.filter_map(said));
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    /// Returns the threads of the two cases.
    pub(crate) fn threads(self) -> [usize; 2] {
        std::array::from_fn(|at| self.sources[at].threads(self.cases[at]))
    }

    /// Returns the kernels of the two cases.
    pub(crate) fn kernels(&self) -> [&str; 2] {
        std::array::from_fn(|at| self.sources[at].kernels(self.cases[at]))
    }

    fn backends(self) -> Option<String> {
        let [a, b] = self.cases.map(backend);
        (a != b).then(|| format!("{a} against {b}"))
    }

    /// Returns whether the two runs have the same weights and model card.
    pub(crate) fn same_model(self) -> bool {
        let [a, b] = self.sources.map(|source| &source.run.provenance);
        a.weights_sha256 == b.weights_sha256 && a.card_sha256 == b.card_sha256
    }

    fn images(self, images: &Images<'_>) -> Option<String> {
        if images.both.is_empty() {
            return Some("no image in common".to_owned());
        }
        images.clash(self.same_model()).map(|clash| format!("other images: {clash}"))
    }

    fn machines(self) -> Option<String> {
        let runs = self.sources.map(|source| &source.run.provenance);
        let advice = match Yardstick::of(runs) {
            Some(_) => "; both runs have the yardstick: --in-yardsticks compares multiples of it",
            None => "; the runs have no yardstick in common",
        };
        match runs.map(|run| run.cpu.as_deref()) {
            _ if runs.iter().any(|run| run.is_mixed()) => {
                Some("the parts of a run ran on several types of processors".to_owned())
            }
            [Some(a), Some(b)] if a == b => None,
            [Some(a), Some(b)] => Some(format!("another machine: {a} against {b}{advice}")),
            _ => Some(format!("the processor of a run is unknown{advice}")),
        }
    }

    fn doubt(self, doubt: Doubt) -> Option<String> {
        let runs = self.sources.map(|source| &source.run.provenance);
        match doubt {
            Doubt::Threads => differ("threads", self.threads().map(|threads| threads.to_string())),
            Doubt::Kernels => differ("kernels", self.kernels().map(str::to_owned)),
            Doubt::Security => {
                let insecure = self.cases.map(CaseRow::is_insecure);
                let word = |insecure| if insecure { "below 128 bits".to_owned() } else { "128 bits".to_owned() };
                differ("security", insecure.map(word))
            }
            Doubt::Partial => first(|at| {
                let standing = &self.sources[at].standing;
                (*standing != Standing::Complete).then(|| standing.to_string())
            }),
            Doubt::Dirty => first(|at| match runs[at].revision.as_deref() {
                None => Some("revision unknown".to_owned()),
                Some(revision) => revision.ends_with("-dirty").then(|| format!("revision {revision}")),
            }),
        }
    }
}

impl Doubt {
    /// Returns its name on the command line.
    fn word(self) -> String {
        self.to_possible_value().expect("no doubt is hidden").get_name().to_owned()
    }

    /// Returns whether a difference of this kind can change this quantity.
    fn concerns(self, kind: Kind) -> bool {
        match self {
            Self::Threads | Self::Kernels => kind.is_seconds() || kind == Kind::Memory,
            Self::Security => !matches!(kind, Kind::Accuracy | Kind::Flips),
            Self::Partial | Self::Dirty => true,
        }
    }
}

fn differ(what: &str, [a, b]: [String; 2]) -> Option<String> {
    (a != b).then(|| format!("other {what}: {a} against {b}"))
}

/// Returns what is said of A or of B, with that letter.
fn first(said: impl Fn(usize) -> Option<String>) -> Option<String> {
    let said: Vec<String> = (0..2).filter_map(|at| Some(format!("{}: {}", ["A", "B"][at], said(at)?))).collect();
    (!said.is_empty()).then(|| said.join(", "))
}
