//! The activations of an encrypted network in the clear: the plaintext reference of an encrypted evaluation.

use std::sync::Arc;

use super::circuit::Circuit;
use super::program::Program;
use crate::form::Form;
use crate::plain::{ApproximateRelu, MessageActivation};

impl Circuit {
    /// The function that a bootstrap and an activation that leaves `form` make of a message.
    pub(crate) fn message_activation(&self, form: Form) -> MessageActivation {
        MessageActivation::new(Form::Sine(self.sine()), self.activation_to(form).clone(), form)
    }
}

impl Program {
    /// The activations of the encrypted network in the clear. They differ from those under encryption by the noise of
    /// encryption and by the error of the sine that bootstraps evaluate.
    pub fn clear_activation(&self) -> ApproximateRelu {
        let mut made: Vec<Arc<MessageActivation>> = Vec::new();
        let mut of_form = |form: Form| {
            if let Some(known) = made.iter().find(|activation| activation.to() == form) {
                return known.clone();
            }
            let activation = Arc::new(self.circuit().message_activation(form));
            made.push(activation.clone());
            activation
        };
        ApproximateRelu::of_messages(self.layers().iter().map(|layer| (layer.range, of_form(layer.form))).collect())
    }
}
