//! In what form slots hold values: bootstraps leave the sine of their message, and the polynomial that follows undoes it.

use std::f64::consts::TAU;

/// The sine that EvalMod leaves of a message in [−1, 1] raised at 1/ρ of the modulus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sine {
    /// ρ.
    pub ratio: f64,
}

impl Sine {
    /// What a message x is bootstrapped to: sin(2πx/ρ)·ρ/2π.
    pub fn of(self, x: f64) -> f64 {
        (x * TAU / self.ratio).sin() * self.ratio / TAU
    }

    /// What a bootstrapped value s stands for: asin(2πs/ρ)·ρ/2π.
    pub fn undo(self, s: f64) -> f64 {
        (s * TAU / self.ratio).asin() * self.ratio / TAU
    }
}

/// How slots hold values of a message in [−1, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// As they are.
    Plain,
    /// As a bootstrap leaves them.
    Sine(Sine),
    /// As a bootstrap takes them that is to leave them plain: what the sine undoes.
    Arcsine(Sine),
}

impl Form {
    /// The value that a slot stands for.
    pub fn value(self, slot: f64) -> f64 {
        match self {
            Self::Plain => slot,
            Self::Sine(sine) => sine.undo(slot),
            Self::Arcsine(sine) => sine.of(slot),
        }
    }

    /// The slot that stands for a value.
    pub fn slot(self, value: f64) -> f64 {
        match self {
            Self::Plain => value,
            Self::Sine(sine) => sine.of(value),
            Self::Arcsine(sine) => sine.undo(value),
        }
    }
}
