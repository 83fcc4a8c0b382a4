//! Advice for a case that cannot run: similar cases that can, each with its accuracy. A case is left out if its
//! published accuracy is more than a percentage point lower.

use fhe_nn::Approximation;
use fhe_nn::encrypted::Packing;

use super::accuracy::Accuracy;
use super::spec::RINGS;
use super::{Beside, Case, CaseSpec, Dial, HEADROOM, Model, SHIPPED, Shipped};
use crate::output::bytes;

/// Degrees to fall back to where no accuracy is published: each the highest of its depth.
const DEGREES: [usize; 8] = [511, 255, 127, 63, 31, 15, 7, 3];
/// The largest loss of accuracy that counts as none.
const KEPT: f64 = 0.01;

/// A case near to the one asked for.
struct Way {
    spec: CaseSpec,
    /// The shipped network in place of the one asked for; `None` for the same weights.
    network: Option<&'static Shipped>,
    accuracy: Known,
}

/// The source of a way's accuracy.
#[derive(Clone, Copy)]
enum Known {
    /// Weights and polynomials are those asked for.
    Same,
    /// Weights and polynomials are those asked for, but a smaller ring has more noise.
    Noisier,
    /// Published.
    Published(&'static Accuracy),
    /// No run was published.
    Unknown,
}

/// Returns settings of 128 bits of security near to one without, with their accuracy; `None` if there are none.
pub(super) fn secure(spec: &CaseSpec, model: &Model) -> Option<String> {
    let slots = model.slots_needed(spec.packing);
    let works = |way: &Way| way.spec.ring_dim >= 2 * slots && way.spec.circuit(false).is_ok();
    let rings = RINGS.into_iter().filter(|&n| n > spec.ring_dim).map(|n| same(with_ring(spec, n)));
    let networks = other_networks(spec, model).into_iter();
    let kinds = [rings.collect(), networks.collect(), other_polynomials(spec, model)];
    let ways = kinds.into_iter().filter_map(|kind: Vec<Way>| kind.into_iter().find(works));
    let ways: Vec<String> = ways.map(|way| format!("{} ({})", flags(spec, &way), way.accuracy.in_words())).collect();
    (!ways.is_empty()).then(|| ways.join(", or "))
}

/// Returns cases near to this one that take at most `limit` bytes, with their memory and accuracy. A case takes what `beside`
/// says in addition. If there are none, returns the one that takes the least.
pub(super) fn smaller(case: &Case, limit: u64, beside: Beside<'_>) -> Option<String> {
    let (spec, model) = (&case.spec, &case.model);
    let packed = |way| packings(spec, way).into_iter().filter(|way| way.spec != *spec);
    let networks = other_networks(spec, model).into_iter().flat_map(packed);
    let smaller = RINGS.into_iter().rev().filter(|&n| n < spec.ring_dim);
    let noisier = |n| Way { accuracy: Known::Noisier, ..same(with_ring(spec, n)) };
    let rings = smaller.map(noisier).flat_map(packed);
    let polynomials = other_polynomials(spec, model);
    // Ways that are known to keep the accuracy come first.
    let (published, unknown): (Vec<Way>, Vec<Way>) =
        polynomials.into_iter().partition(|way| matches!(way.accuracy, Known::Published(_)));
    let kinds = [packed(same(spec.clone())).collect(), networks.collect(), published, rings.collect(), unknown];
    let mut least: Option<(u64, Way)> = None;
    let mut fit = |kind: Vec<Way>| {
        for way in kind {
            let Some(needed) = memory(&way, model, &case.dial, beside) else { continue };
            if needed <= limit {
                return Some(in_words(spec, &way, needed));
            }
            if least.as_ref().is_none_or(|(known, _)| needed < *known) {
                least = Some((needed, way));
            }
        }
        None
    };
    let ways: Vec<String> = kinds.into_iter().filter_map(&mut fit).collect();
    if !ways.is_empty() {
        return Some(format!("or use {}", ways.join(", or ")));
    }
    let own = case.plan.memory.total() as u64 + beside(&case.plan.needs, case.holding);
    let (needed, way) = least.filter(|(needed, _)| *needed < own)?;
    Some(format!("the least found is {}", in_words(spec, &way, needed)))
}

/// Returns the bytes that the case of a way takes with this dial: its memory, and what `beside` says. `None` if the case cannot
/// run.
fn memory(way: &Way, model: &Model, dial: &Dial, beside: Beside<'_>) -> Option<u64> {
    let model = match way.network {
        Some(network) => Model::of_shipped(network, HEADROOM).ok()?,
        None => model.clone(),
    };
    let case = Case::new(&way.spec, model, None).ok()?.with_dial(dial.clone());
    Some(case.plan.memory.total() as u64 + beside(&case.plan.needs, case.holding))
}

/// Returns the ways of another shipped network, with the polynomial that it was trained with; none for weights that are
/// not shipped. The smallest ring, which is the fastest, comes first.
fn other_networks(spec: &CaseSpec, model: &Model) -> Vec<Way> {
    let Some(own) = model.shipped else { return Vec::new() };
    let others = SHIPPED.iter().filter(|&network| network != own);
    let way = |(network, n): (&'static Shipped, usize)| {
        let relu = Model::of_shipped(network, HEADROOM).ok()?.trained_with?;
        let accuracy = Accuracy::of(network.name, &relu).filter(|found| keeps(spec, model, found))?;
        let spec = CaseSpec { ring_dim: n, relu, packing: spec.packing, profile: None };
        Some(Way { spec, network: Some(network), accuracy: Known::Published(accuracy) })
    };
    let rings = RINGS.into_iter().filter(|&n| n <= spec.ring_dim);
    others.flat_map(|network| rings.clone().map(move |n| (network, n))).filter_map(way).collect()
}

/// Returns the ways of other polynomials of a lower degree: those whose published accuracy is as good, the best first.
/// Weights of a user have no published accuracy; for them this returns every lower degree of the same family.
fn other_polynomials(spec: &CaseSpec, model: &Model) -> Vec<Way> {
    let way = |relu: Approximation, accuracy| Way { spec: CaseSpec { relu, ..spec.clone() }, network: None, accuracy };
    let Some(shipped) = model.shipped else {
        let lower = DEGREES.into_iter().filter_map(|degree| Some(way(lower(&spec.relu, degree)?, Known::Unknown)));
        return lower.collect();
    };
    let published = Accuracy::of_network(shipped.name).into_iter().filter(|found| keeps(spec, model, found));
    let relu = |found: &'static Accuracy| Some((found.relu.parse::<Approximation>().ok()?, found));
    let cheaper = |relu: &Approximation| {
        let [own, other] = [&spec.relu, relu].map(degree);
        *relu != spec.relu && own.zip(other).is_none_or(|(own, other)| other < own)
    };
    let ways = published.filter_map(relu).filter(|(relu, _)| cheaper(relu));
    ways.map(|(relu, found)| way(relu, Known::Published(found))).collect()
}

/// Whether a published accuracy is as good as that of the case asked for, or of the network itself where that case has
/// none.
fn keeps(spec: &CaseSpec, model: &Model, found: &Accuracy) -> bool {
    let own = model.shipped.and_then(|shipped| Accuracy::of(shipped.name, &spec.relu)).map(Accuracy::share);
    own.or(model.claim).is_some_and(|own| found.share() >= own - KEPT)
}

/// The way in the packing asked for, and in the default one, which takes the least memory.
fn packings(spec: &CaseSpec, way: Way) -> Vec<Way> {
    let other = (spec.packing != Packing::default()).then(Packing::default);
    let packed = |packing| Way { spec: CaseSpec { packing, ..way.spec.clone() }, ..way };
    [Some(spec.packing), other].into_iter().flatten().map(packed).collect()
}

fn same(spec: CaseSpec) -> Way {
    Way { spec, network: None, accuracy: Known::Same }
}

fn with_ring(spec: &CaseSpec, ring_dim: usize) -> CaseSpec {
    CaseSpec { ring_dim, ..spec.clone() }
}

/// The degree of a single polynomial.
fn degree(relu: &Approximation) -> Option<usize> {
    match *relu {
        Approximation::Chebyshev { degree } | Approximation::Minimax { degree } => Some(degree),
        _ => None,
    }
}

/// The approximation of the same kind with this degree, if it is lower.
fn lower(relu: &Approximation, degree: usize) -> Option<Approximation> {
    match *relu {
        Approximation::Chebyshev { degree: own } if degree < own => Some(Approximation::Chebyshev { degree }),
        Approximation::Minimax { degree: own } if degree < own => Some(Approximation::Minimax { degree }),
        _ => None,
    }
}

/// `--ring-dim 32768 --relu cosine --weights resnet20-cosine (619.1 MB; 92.88 % of …)`.
fn in_words(asked: &CaseSpec, way: &Way, needed: u64) -> String {
    format!("{} ({}; {})", flags(asked, way), bytes(needed), way.accuracy.in_words())
}

impl Known {
    fn in_words(self) -> String {
        match self {
            Self::Same => "same weights and polynomials".to_owned(),
            Self::Noisier => {
                "same weights and polynomials; its accuracy in the smaller ring was not measured".to_owned()
            }
            Self::Published(accuracy) => accuracy.to_string(),
            Self::Unknown => "its accuracy was not measured".to_owned(),
        }
    }
}

/// The flags in which a way differs from the case asked for, as a user types them.
fn flags(asked: &CaseSpec, way: &Way) -> String {
    let CaseSpec { ring_dim, relu, packing, profile } = &way.spec;
    let parts = [
        (*ring_dim != asked.ring_dim).then(|| format!("--ring-dim {ring_dim}")),
        (*relu != asked.relu).then(|| format!("--relu {relu}")),
        (*packing != asked.packing).then(|| format!("--packing {packing}")),
        way.network.map(|network| format!("--weights {}", network.name)),
        (*profile != asked.profile).then(|| "without --circuit".to_owned()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::SHIPPED;

    fn spec(ring_dim: usize, relu: &str) -> CaseSpec {
        CaseSpec { ring_dim, relu: relu.parse().unwrap(), packing: Packing::default(), profile: None }
    }

    fn case(relu: &str, packing: Packing, network: &'static Shipped) -> Case {
        let spec = CaseSpec { packing, ..spec(1 << 16, relu) };
        Case::new(&spec, Model::of_shipped(network, HEADROOM).unwrap(), None).unwrap()
    }

    /// The weights of a user: shipped ones at another headroom, for which nothing is published.
    fn unpublished() -> Model {
        Model::of_shipped(&SHIPPED[0], 1.5).unwrap()
    }

    #[test]
    fn less_memory_never_costs_the_classes() {
        let default = case("chebyshev:59", Packing::default(), &SHIPPED[0]);
        let network = "--ring-dim 32768 --relu cosine+square --weights resnet20-cosine-square (705.9 MB; 92.60 % of 10000 \
                       images right, simulated at N = 32768)";
        let least = "--ring-dim 32768 --relu cosine --weights resnet20-cosine (619.1 MB; 92.88 % of 10000 images right, \
                     simulated at N = 32768)";
        let ways = |limit| smaller(&default, limit, &|_, _| 0).unwrap();
        assert_eq!(ways(500_000_000), format!("the least found is {least}"));
        assert_eq!(ways(1_000_000_000), format!("or use {network}"));
        let polynomial = "--relu minimax:31 (1.47 GB; 92.23 % of 10000 images right, simulated at N = 65536)";
        let ring = "--ring-dim 32768 (1.05 GB; same weights and polynomials; its accuracy in the smaller ring was not \
                    measured)";
        assert_eq!(ways(1_500_000_000), format!("or use {network}, or {polynomial}, or {ring}"));
    }

    #[test]
    fn the_default_packing_keeps_everything_and_comes_first() {
        let found =
            smaller(&case("chebyshev:59", Packing::Multiplexed, &SHIPPED[0]), 1_700_000_000, &|_, _| 0).unwrap();
        assert!(found.starts_with("or use --packing fused (1.52 GB; same weights and polynomials), or "), "{found}");
    }

    #[test]
    fn weights_of_a_user_have_no_published_accuracy() {
        let case = Case::new(&spec(1 << 16, "chebyshev:59"), unpublished(), None).unwrap();
        let found = smaller(&case, 1_500_000_000, &|_, _| 0).unwrap();
        let ring = "--ring-dim 32768 (1.05 GB; same weights and polynomials; its accuracy in the smaller ring was not \
                    measured)";
        let polynomial = "--relu chebyshev:31 (1.47 GB; its accuracy was not measured)";
        assert_eq!(found, format!("or use {ring}, or {polynomial}"));
    }

    #[test]
    fn secure_ways_name_the_ring_the_shipped_network_and_a_polynomial_as_good() {
        let model = Model::of_shipped(&SHIPPED[0], HEADROOM).unwrap();
        let found = secure(&spec(1 << 15, "chebyshev:1023"), &model).unwrap();
        let wanted =
            ["--ring-dim 65536 (same weights and polynomials), or ", "--weights resnet20-cosine-square (92.60 %"];
        assert!(found.starts_with(wanted[0]) && found.contains(wanted[1]), "{found}");
        assert!(found.contains(", or --relu chebyshev:255 (92.61 % of 10000 images right"), "{found}");
        let found = secure(&spec(1 << 15, "chebyshev:1023"), &unpublished()).unwrap();
        assert!(found.ends_with("or --relu chebyshev:511 (its accuracy was not measured)"), "{found}");
    }
}
