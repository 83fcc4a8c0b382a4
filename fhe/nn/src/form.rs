//! The forms in which slots hold values: bootstraps leave the sine of their message, and the next polynomial undoes it.

use std::f64::consts::TAU;

/// The sine that EvalMod computes of a message in [−1, 1] raised at 1/ρ of the modulus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sine {
    /// ρ.
    pub ratio: f64,
}

impl Sine {
    /// The bootstrapped value of a message x: sin(2πx/ρ)·ρ/2π.
    pub fn of(self, x: f64) -> f64 {
        (x * TAU / self.ratio).sin() * self.ratio / TAU
    }

    /// The message of a bootstrapped value s: asin(2πs/ρ)·ρ/2π.
    pub fn undo(self, s: f64) -> f64 {
        (s * TAU / self.ratio).asin() * self.ratio / TAU
    }
}

/// The form in which slots hold a message in [−1, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// The message itself.
    Plain,
    /// The sine of the message, as a bootstrap leaves it.
    Sine(Sine),
    /// The arcsine of the message, of which a bootstrap leaves the message itself.
    Arcsine(Sine),
}

impl Form {
    /// The message of a slot.
    pub fn value(self, slot: f64) -> f64 {
        match self {
            Self::Plain => slot,
            Self::Sine(sine) => sine.undo(slot),
            Self::Arcsine(sine) => sine.of(slot),
        }
    }

    /// The slot of a message.
    pub fn slot(self, value: f64) -> f64 {
        match self {
            Self::Plain => value,
            Self::Sine(sine) => sine.of(value),
            Self::Arcsine(sine) => sine.undo(value),
        }
    }
}
