//! An activation of messages by a table, for millions of values.

use super::table::Table;
use std::sync::Arc;

use crate::plain::MessageActivation;

/// An activation, and a table of it on [−1, 1].
#[derive(Debug)]
pub(super) struct TabulatedActivation {
    activation: Arc<MessageActivation>,
    /// `None` if no table is close enough.
    table: Option<Table>,
}

impl TabulatedActivation {
    pub(super) fn new(activation: Arc<MessageActivation>) -> Self {
        let table = Table::new(&|messages| activation.evaluate(messages));
        Self { activation, table }
    }

    /// Whether it is a table of this activation.
    pub(super) fn is_of(&self, activation: &Arc<MessageActivation>) -> bool {
        Arc::ptr_eq(&self.activation, activation)
    }

    /// Replaces values by the values after the activation on ±`range`. Returns the number of values outside.
    pub(super) fn apply(&self, range: f64, values: &mut [f64]) -> usize {
        let Some(table) = &self.table else { return self.activation.apply(range, values) };
        let mut overflow = 0;
        for value in values {
            let message = *value / range;
            let activated = if (-1.0..=1.0).contains(&message) {
                table.at(message)
            } else {
                overflow += usize::from(!self.activation.holds(message));
                let mut beyond = [message];
                self.activation.evaluate(&mut beyond);
                beyond[0]
            };
            *value = range * activated;
        }
        overflow
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encrypted::{Circuit, Packing};
    use crate::{Approximation, Form};

    /// The table agrees with the function to far below any noise, in every degree and form.
    #[test]
    fn tables_are_their_activations() {
        for (degree, packing) in [(3, Packing::default()), (59, Packing::default()), (255, Packing::Vector)] {
            let circuit = Circuit::new(16, &Approximation::Chebyshev { degree }, packing, None).unwrap();
            for form in [Form::Plain, Form::Arcsine(circuit.sine())] {
                let tabulated = TabulatedActivation::new(circuit.message_activation(form).clone());
                assert!(tabulated.table.is_some(), "degree {degree}, {form:?}");
                let range = 3.0;
                let mut found: Vec<f64> = (-7001..=7001).map(|k| range * f64::from(k) / 7000.0).collect();
                found.push(f64::NAN);
                let mut wanted = found.clone();
                assert_eq!(tabulated.apply(range, &mut found), 3, "degree {degree}");
                assert_eq!(tabulated.activation.apply(range, &mut wanted), 3, "degree {degree}");
                for (found, wanted) in found.iter().zip(&wanted) {
                    let same = (found - wanted).abs() < 1e-11 || (found.is_nan() && wanted.is_nan());
                    assert!(same, "degree {degree}, {form:?}: {found}, {wanted}");
                }
            }
        }
    }
}
