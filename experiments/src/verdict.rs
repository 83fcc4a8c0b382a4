//! Decides whether logits have a class. Logits without a class are never decoded to one.

use std::fmt;

use fhe_nn::ResNet;
use fhe_nn::plain::{self, Outcome};
use serde::Serialize;

/// An activation whose interval was left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Outside {
    /// PyTorch's name of the activation.
    pub layer: String,
    /// Values of the image outside the interval there.
    pub values: usize,
}

/// The reason why an image has no class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NoClass {
    /// A logit is infinite or NaN.
    NotFinite,
    /// A logit is larger than the model's card calls possible.
    Impossible {
        /// The largest magnitude of a logit.
        largest: f64,
        /// The largest magnitude that is possible.
        bound: f64,
    },
    /// Values left the intervals on which the polynomials stand in for the activation.
    Outside(Vec<Outside>),
    /// Values of another image in the same ciphertext left their intervals. They can grow until they wrap around the
    /// modulus, which changes all slots.
    Neighbour,
}

impl fmt::Display for NoClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite => f.write_str("a logit is infinite or NaN"),
            Self::Impossible { largest, bound } => {
                write!(
                    f,
                    "found a logit of magnitude {largest:.3e}, wanted at most {bound}, the bound of the model's card"
                )
            }
            Self::Outside(layers) => {
                let count: usize = layers.iter().map(|layer| layer.values).sum();
                let each: Vec<_> = layers.iter().map(|layer| format!("{} {}", layer.layer, layer.values)).collect();
                write!(f, "{count} values left their intervals ({})", each.join(", "))
            }
            Self::Neighbour => f.write_str("values of another image in its ciphertext left their intervals"),
        }
    }
}

/// Returns the class of the largest logit, the first of equals. `bound` is the largest magnitude that a logit can have.
///
/// # Errors
/// The reason why these logits have no class.
pub(crate) fn class(logits: &[f64], bound: Option<f64>) -> Result<usize, NoClass> {
    let class = plain::class(logits).ok_or(NoClass::NotFinite)?;
    let largest = logits.iter().fold(0.0, |largest: f64, logit| largest.max(logit.abs()));
    match bound {
        Some(bound) if largest > bound => Err(NoClass::Impossible { largest, bound }),
        _ => Ok(class),
    }
}

/// Returns the activations of `network` whose intervals were left in an evaluation.
pub(crate) fn outside(network: &ResNet, outcome: &Outcome) -> Vec<Outside> {
    outcome.overflowed(network).into_iter().map(|(layer, values)| Outside { layer, values }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_possible_logits_have_a_class() {
        assert_eq!(class(&[1.0, 3.0, 3.0], None), Ok(1));
        assert_eq!(class(&[1.0, -3.0], Some(3.0)), Ok(0));
        assert_eq!(class(&[1.0, f64::NAN], None), Err(NoClass::NotFinite));
        assert_eq!(class(&[1.0, f64::INFINITY], Some(9.0)), Err(NoClass::NotFinite));
        let error = class(&[1.0, -1.5e6], Some(40.0)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "found a logit of magnitude 1.500e6, wanted at most 40, the bound of the model's card"
        );
    }

    #[test]
    fn layers_whose_interval_was_left_are_named() {
        let network = ResNet::from_safetensors(datasets::pretrained::RESNET20).unwrap();
        let mut overflow = vec![0; network.activations()];
        (overflow[1], overflow[2]) = (12, 3);
        let layers = outside(&network, &Outcome { logits: Vec::new(), overflow });
        let error = NoClass::Outside(layers).to_string();
        assert_eq!(error, "15 values left their intervals (layer1.0.act1 12, layer1.0.act2 3)");
        let inside = Outcome { logits: Vec::new(), overflow: vec![0; network.activations()] };
        assert!(outside(&network, &inside).is_empty());
    }
}
