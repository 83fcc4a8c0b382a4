//! The interval on which each activation must hold.
//!
//! A polynomial in place of ReLU is right on an interval, and grows without bound outside it. The model card holds, for
//! each activation, the largest magnitude before it over the training images. A factor, the headroom, widens the
//! interval for images that were not among them.

mod card;
mod field;
#[cfg(test)]
mod tests;

use std::sync::Mutex;

use crate::Error;
use crate::network::ResNet;
pub use crate::plain::Interval;
use crate::plain::{Activation, Relu};

pub use card::{MAX_CARD_BYTES, ModelCard, TrainedActivation};

/// Returns `[-r * headroom, r * headroom]` for each `r` of the ranges that [`observe`] returns, for weights without a
/// card.
///
/// # Errors
/// [`Error::BadHeadroom`] for a headroom that is not above 0, or makes an interval that is not finite.
pub fn intervals(ranges: &[f64], headroom: f64) -> Result<Vec<Interval>, Error> {
    symmetric(ranges.iter().copied().map(Ok), headroom)
}

fn symmetric(ranges: impl Iterator<Item = Result<f64, Error>>, headroom: f64) -> Result<Vec<Interval>, Error> {
    if !(headroom.is_finite() && headroom > 0.0) {
        return Err(Error::BadHeadroom { found: headroom });
    }
    let interval = |range: Result<f64, Error>| {
        let hi = range? * headroom;
        if (2.0 * hi).is_finite() { Ok(Interval { lo: -hi, hi }) } else { Err(Error::BadHeadroom { found: headroom }) }
    };
    ranges.map(interval).collect()
}

/// Returns the largest magnitude before each activation over `items`, with exact ReLUs. `input` turns an item into the
/// input of the network.
///
/// # Panics
/// If an input has another length than the network's channels times 32 * 32.
pub fn observe<T: Sync>(network: &ResNet, items: &[T], input: impl Fn(&T) -> Vec<f64> + Sync) -> Vec<f64> {
    let ranges = Mutex::new(vec![0.0_f64; network.activations()]);
    let record = |index: usize, values: &mut [f64]| {
        let largest = values.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        {
            let range = &mut ranges.lock().expect("no thread panics while it holds the ranges")[index];
            *range = range.max(largest);
        }
        Relu.apply(index, values)
    };
    network.forward_all(items, input, &record);
    ranges.into_inner().expect("no thread panics while it holds the ranges")
}
