//! The negacyclic NTT in words modulo 2^52.
//!
//! Between levels a lane holds a *word*: an integer v with 0 ≤ v < 2^52, given by the low 52 bits of the lane. The
//! multiplier reads only those bits, and sums and differences of lanes are correct in them. Carries above them are
//! never cleared. A butterfly is then five instructions, four of them multiply-adds
//! ([`Words::butterfly`](words::Words::butterfly)).
//!
//! No v may reach 2^52. `bound` is the largest v in units of q. It is compared with `room` = ⌊2^52/q⌋, which is at
//! least 4, to decide how often a level must reduce first. A prime below 2^48 needs a reduction once in seven levels.

mod forward;
mod inverse;
mod tail;
mod words;

pub(crate) use forward::forward;
pub(crate) use inverse::inverse;
