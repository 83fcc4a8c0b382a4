//! The cheapest cases that keep a network's classes, from a sweep in cleartext.

use anyhow::Result;
use datasets::cifar::Image;
use fhe_nn::Approximation;
use fhe_nn::encrypted::Packing;
use fhe_nn::plain::ApproximateRelu;

use crate::case::{Case, CaseSpec, Model, RINGS};
use crate::output::bytes;
use crate::prediction;

/// The polynomials of the sweep, from the cheapest: the highest degree of each depth.
const POLYNOMIALS: [&str; 6] =
    ["chebyshev:7", "chebyshev:15", "chebyshev:31", "chebyshev:59", "chebyshev:119", "minimax:119"];

/// A polynomial with the number of images that keep their class, and the cheapest case that evaluates it.
pub(crate) struct Prospect {
    /// The polynomial.
    pub relu: Approximation,
    /// Images with the class of the network's own activation.
    pub kept: usize,
    /// Images.
    pub images: usize,
    /// The case; `None` if no ring holds it.
    pub cheapest: Option<Cost>,
}

/// What a case costs.
pub(crate) struct Cost {
    /// Its settings.
    pub spec: CaseSpec,
    /// Predicted seconds of an image.
    pub seconds: f64,
    /// Predicted bytes of memory.
    pub memory: u64,
}

impl Prospect {
    /// Returns whether at least 99 of a hundred images keep their class.
    pub(crate) fn keeps(&self) -> bool {
        100 * self.kept >= 99 * self.images
    }

    /// Returns the prospect in a line.
    pub(crate) fn in_words(&self) -> String {
        let case = self.cheapest.as_ref().map_or("no ring holds it".to_owned(), Cost::in_words);
        format!("{:<14} keeps {} of {} classes; {case}", self.relu.to_string(), self.kept, self.images)
    }
}

impl Cost {
    /// Returns the cost in words.
    fn in_words(&self) -> String {
        let CaseSpec { ring_dim, packing, .. } = &self.spec;
        format!("N = {ring_dim}, {packing} packing: about {:.0} s an image, {}", self.seconds, bytes(self.memory))
    }
}

/// Returns a prospect for each polynomial, from the cheapest. A network that was trained with a polynomial has one.
///
/// # Errors
/// Stored measurements that cannot be read.
pub(crate) fn prospects(model: &Model, images: &[Image]) -> Result<Vec<Prospect>> {
    let classes = |activation: &dyn fhe_nn::plain::Activation| -> Vec<Option<usize>> {
        let outcomes = model.network.forward_all(images, |image: &Image| model.input(image), activation);
        outcomes.iter().map(|outcome| outcome.class()).collect()
    };
    let own = classes(model.own_activation().as_ref());
    let polynomials = match &model.trained_with {
        Some(relu) => vec![relu.clone()],
        None => POLYNOMIALS.iter().map(|name| name.parse().expect("names of polynomials")).collect(),
    };
    let prospect = |relu: Approximation| {
        let found = classes(&ApproximateRelu::new(&relu, &model.intervals));
        let kept = found.iter().zip(&own).filter(|(found, own)| found.is_some() && found == own).count();
        Ok(Prospect { cheapest: cheapest(model, &relu)?, relu, kept, images: images.len() })
    };
    polynomials.into_iter().map(prospect).collect()
}

/// Returns the case of the fewest seconds an image: in the smallest ring that holds the polynomial, by packing.
fn cheapest(model: &Model, relu: &Approximation) -> Result<Option<Cost>> {
    for ring_dim in RINGS {
        let specs =
            Packing::ALL.iter().map(|&packing| CaseSpec { ring_dim, relu: relu.clone(), packing, profile: None });
        let holds = |spec: &CaseSpec| ring_dim >= 2 * model.slots_needed(spec.packing);
        let cases = specs.filter(holds).filter_map(|spec| Some((Case::new(&spec, model.clone(), None).ok()?, spec)));
        let mut costs = cases
            .map(|(case, spec)| {
                let seconds = prediction::of_image(&case)? / case.program.images() as f64;
                Ok(Cost { spec, seconds, memory: case.plan.memory.total() as u64 })
            })
            .collect::<Result<Vec<Cost>>>()?;
        costs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        if let Some(cost) = costs.into_iter().next() {
            return Ok(Some(cost));
        }
    }
    Ok(None)
}
