//! Where the time and the memory of this process go: seconds by primitive operation, and bytes by what holds them.
//!
//! Time is measured between [`start`] and [`stop`] only, for a cost profile. Until then a [`scope`] costs a load and a
//! branch, which is why scopes stand around loops over a whole limb or some thousand residues. Bytes are always counted:
//! what they are counted for lives long.
//!
//! - [`Primitive`] lists the operations. A [`Scope`] charges the time of its thread to one of them.
//! - A [`Span`] is what happened between two moments, in one [`Part`] of a computation.
//! - [`Held`] counts the bytes of a [`Holder`].
//!
//! There is one meter for the process. Parts are right only if the process computes one thing at a time.

mod clock;
mod held;
mod primitive;
mod scope;
mod span;

pub use held::{Held, Holder, held};
pub use primitive::Primitive;
pub use scope::{Scope, Totals, on, scope};
pub use span::{InPart, Part, Span, part, start, stop, take};
