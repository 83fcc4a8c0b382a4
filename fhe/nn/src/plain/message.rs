//! An activation of messages: of values divided by the half-width of the activation's interval.

use crate::approximant::Approximant;
use crate::form::Form;

/// The function that an activation's polynomial computes between two forms of a message.
#[derive(Clone, Debug)]
pub(crate) struct MessageActivation {
    /// The form in which the polynomial gets a message.
    from: Form,
    approximant: Approximant,
    /// The form in which the polynomial leaves it.
    to: Form,
}

impl MessageActivation {
    /// The function of an approximant made for these forms.
    pub(crate) fn new(from: Form, approximant: Approximant, to: Form) -> Self {
        Self { from, approximant, to }
    }

    /// The polynomials, the wave or the square.
    pub(crate) fn approximant(&self) -> &Approximant {
        &self.approximant
    }

    /// Whether the activation holds for a message; see [`Approximant::holds`].
    pub(crate) fn holds(&self, message: f64) -> bool {
        self.approximant.holds(message)
    }

    /// Replaces messages by the messages after the activation.
    pub(crate) fn evaluate(&self, messages: &mut [f64]) {
        messages.iter_mut().for_each(|message| *message = self.from.slot(*message));
        self.approximant.apply(messages);
        messages.iter_mut().for_each(|slot| *slot = self.to.value(*slot));
    }

    /// Replaces values by the values after the activation on ±`range`. Returns the number of values outside.
    pub(crate) fn apply(&self, range: f64, values: &mut [f64]) -> usize {
        values.iter_mut().for_each(|value| *value /= range);
        let overflow = values.iter().filter(|&&message| !self.holds(message)).count();
        self.evaluate(values);
        values.iter_mut().for_each(|value| *value *= range);
        overflow
    }
}
