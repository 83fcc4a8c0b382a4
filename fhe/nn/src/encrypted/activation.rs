//! The activations of an encrypted network in the clear: the plaintext reference of an encrypted evaluation.

use super::program::Program;
use crate::plain::ApproximateRelu;

impl Program {
    /// The activations of the encrypted network in the clear. They differ from those under encryption by the noise of
    /// encryption and by the error of the sine that bootstraps evaluate.
    pub fn clear_activation(&self) -> ApproximateRelu {
        ApproximateRelu::of_messages(self.layers().into_iter().map(|layer| (layer.range, layer.function)).collect())
    }
}
