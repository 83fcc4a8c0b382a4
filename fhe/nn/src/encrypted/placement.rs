//! The places of bootstraps: the cheapest way of a network through the levels of a circuit.
//!
//! Layers are taken in their order. A state consists of the levels of all values that later layers still use. An edge is a
//! layer with one [`Place`]: it lowers its inputs to the level that the convolution needs, and leaves a result at another
//! level. An edge exists if every input has its level; a value that is used twice, such as the input of a block, has to
//! keep the level of its later use. Edges have prices, and the cheapest path from the image to the classifier is the placement.
//!
//! Prices are key switches times the polynomials that each transforms. Those of bootstraps and activations are counted. A
//! convolution has a switch for each tap of its kernel and each grid of its layouts, about as many as packings need.

use std::collections::{BTreeMap, BTreeSet};

use fhe_ckks::CkksError;

use super::circuit::Circuit;
use super::interleave::Interleave;
use super::layout::Layout;
use crate::approximation::Approximation;
use crate::form::Form;
use crate::network::{self, Layer};

/// The place of a layer's bootstrap, and the levels that follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where the bootstrap is.
    pub bootstrap: BootstrapPlace,
    /// Whether the result is bootstrapped once more, for a layer that needs the levels.
    pub refreshed: bool,
    /// The level of the convolution's result.
    pub end: usize,
}

/// The place of a bootstrap in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootstrapPlace {
    /// Before the activation.
    Before,
    /// The bootstrap is the activation.
    Within,
    /// The layer has none: the convolution leaves the levels that the activation and the next layer need.
    None,
}

/// The levels of a circuit, and the price of a key switch at each.
struct Chain {
    /// Level of the image.
    image: usize,
    /// Level of a bootstrap's input, and of the classifier's result.
    lowest: usize,
    /// Level of a bootstrap's result.
    fresh: usize,
    /// Levels that the activation of a bootstrapped value spends.
    depth: usize,
    /// Levels at which activations of other values start.
    plain: Vec<usize>,
    /// Levels that these activations spend.
    plain_depth: usize,
    /// The price of a key switch at each level.
    switch: Vec<f64>,
}

/// A layer's demands.
struct Stop<'a> {
    name: &'a str,
    /// The convolutions.
    terms: Vec<Term>,
    /// The value that is added.
    identity: Option<usize>,
    /// The places that its bootstrap may have.
    places: &'static [BootstrapPlace],
    /// The price of its bootstrap.
    bootstrap: f64,
    /// Key switches of its activation after a bootstrap, and without one.
    activation: [usize; 2],
}

/// A convolution's demands.
struct Term {
    /// The value that it reads.
    input: usize,
    /// The levels that it spends.
    levels: usize,
    /// Its key switches.
    switches: usize,
}

/// The level that a layer has too little of.
#[derive(Clone, Copy, Debug)]
struct Missing {
    found: usize,
    wanted: usize,
}

/// Numbers of values with their levels.
type Levels = Vec<(usize, usize)>;

/// The cheapest way to a state.
#[derive(Clone, Default)]
struct Path {
    price: f64,
    places: Vec<Place>,
}

impl Chain {
    fn of(circuit: &Circuit) -> Self {
        let parameters = circuit.parameters();
        let price = |level: usize| {
            let shape = parameters.key_shape(level).expect("a circuit has a key for every level");
            ((shape.digits() + 2) * (shape.main + shape.special)) as f64
        };
        Self {
            image: circuit.linear_level,
            lowest: circuit.bootstrap_level(),
            fresh: circuit.activation_level,
            depth: circuit.activation_to(Form::Plain).depth(),
            plain: circuit.plain_levels(),
            plain_depth: circuit.plain_activation().approximant().depth(),
            switch: (0..parameters.main_bits.len()).map(price).collect(),
        }
    }

    /// Whether the values have the levels for a layer with this place.
    fn allows(&self, stop: &Stop<'_>, place: Place, values: &Levels) -> Result<(), Missing> {
        let convolved = stop.terms.iter().map(|term| (term.input, place.end + term.levels));
        // The identity is multiplied by a constant.
        let all = convolved.chain(stop.identity.map(|value| (value, place.end + 1)));
        let missing = |(value, wanted)| {
            let found = level_of(values, value);
            (found < wanted).then_some(Missing { found, wanted })
        };
        all.filter_map(missing).max_by_key(|missing| missing.wanted - missing.found).map_or(Ok(()), Err)
    }

    /// The price of a layer, and the level of its result.
    fn pass(&self, stop: &Stop<'_>, place: Place) -> (f64, usize) {
        let convolved =
            stop.terms.iter().map(|term| term.switches as f64 * self.switch[place.end + term.levels]).sum::<f64>();
        let activated = |count: usize, level: usize| count as f64 * self.switch[level];
        let (price, level) = match place.bootstrap {
            BootstrapPlace::None => (activated(stop.activation[1], place.end), place.end - self.plain_depth),
            _ => (stop.bootstrap + activated(stop.activation[0], self.fresh), self.fresh - self.depth),
        };
        if place.refreshed { (convolved + price + stop.bootstrap, self.fresh) } else { (convolved + price, level) }
    }

    /// The places that a layer may have, without a look at its inputs.
    fn places(&self, stop: &Stop<'_>) -> Vec<Place> {
        let places = stop.places.iter().flat_map(|&bootstrap| {
            let place = |end, refreshed| Place { bootstrap, refreshed, end };
            match bootstrap {
                BootstrapPlace::None => self.plain.iter().map(|&end| place(end, false)).collect(),
                BootstrapPlace::Within => vec![place(self.lowest, false)],
                BootstrapPlace::Before => vec![place(self.lowest, false), place(self.lowest, true)],
            }
        });
        places.collect()
    }
}

impl Stop<'_> {
    fn uses(&self, value: usize) -> bool {
        self.identity == Some(value) || self.terms.iter().any(|term| term.input == value)
    }
}

/// The places that a bootstrap of layer `index` may have.
fn places_of(approximation: &Approximation, index: usize) -> &'static [BootstrapPlace] {
    match approximation.wave() {
        None => &[BootstrapPlace::Before, BootstrapPlace::None],
        Some(_) if approximation.is_square(index) => &[BootstrapPlace::None],
        Some(_) => &[BootstrapPlace::Within],
    }
}

fn level_of(values: &Levels, value: usize) -> usize {
    let known = values.iter().find(|(number, _)| *number == value);
    known.expect("a value is held until its last use").1
}

/// The cheapest places of bootstraps for the layers of a network in a circuit. Value 0, the image, and the results of layers have
/// these layouts.
///
/// # Errors
/// [`CkksError::Parameters`] with the first layer for which no way leaves enough levels. A bootstrap that the circuit has no
/// levels for.
pub(super) fn of_network(
    circuit: &Circuit,
    layers: &[Layer<'_>],
    layouts: &[Layout],
    interleave: Interleave,
) -> Result<Vec<Place>, CkksError> {
    let chain = Chain::of(circuit);
    // A network that is too wide for the ring is refused by its plan.
    let slots = |layout: &Layout| interleave.slots(layout.slots()).min(circuit.max_slots());
    let counts: BTreeSet<usize> = layouts[1..].iter().map(slots).collect();
    let price = |slots: usize| {
        let work = circuit.bootstrap(slots).work(circuit.max_slots(), chain.switch.len())?;
        Ok((slots, work.iter().map(|step| step.products as f64 * chain.switch[step.limbs - 1]).sum()))
    };
    let bootstraps: BTreeMap<usize, f64> = counts.into_iter().map(price).collect::<Result<_, CkksError>>()?;
    let parts = if circuit.packing.complex() { 2 } else { 1 };
    let activation = [circuit.activation_to(Form::Plain), circuit.plain_activation().approximant()]
        .map(|approximant| parts * approximant.relinearizations());
    let stop = |(index, (layer, to)): (usize, (_, &Layout))| {
        let Layer { name, terms, identity, .. }: &Layer<'_> = layer;
        let term = |&network::Term { conv, input }: &network::Term<'_>| Term {
            input,
            levels: circuit.levels(conv.stride, 0).convolution,
            switches: conv.kernel.pow(2) + to.grids().max(layouts[input].grids()),
        };
        Stop {
            name,
            terms: terms.iter().map(term).collect(),
            identity: *identity,
            places: places_of(&circuit.approximation, index),
            bootstrap: bootstraps[&slots(to)],
            activation,
        }
    };
    let stops: Vec<Stop<'_>> = layers.iter().zip(&layouts[1..]).enumerate().map(stop).collect();
    cheapest(&chain, &stops)
}

/// The cheapest path.
fn cheapest(chain: &Chain, stops: &[Stop<'_>]) -> Result<Vec<Place>, CkksError> {
    let mut paths = BTreeMap::from([(vec![(0, chain.image)], Path::default())]);
    for (index, stop) in stops.iter().enumerate() {
        let used_later = |value: usize| value == stops.len() || stops[index + 1..].iter().any(|stop| stop.uses(value));
        let places = chain.places(stop);
        let mut next: BTreeMap<Levels, Path> = BTreeMap::new();
        let mut missing: Vec<Missing> = Vec::new();
        for (values, path) in &paths {
            for &place in &places {
                if let Err(levels) = chain.allows(stop, place, values) {
                    missing.push(levels);
                    continue;
                }
                let (price, level) = chain.pass(stop, place);
                let kept = values.iter().copied().chain([(index + 1, level)]).filter(|&(value, _)| used_later(value));
                let state = kept.collect();
                let price = path.price + price;
                if next.get(&state).is_none_or(|known: &Path| price < known.price) {
                    next.insert(state, Path { price, places: [path.places.as_slice(), &[place]].concat() });
                }
            }
        }
        if next.is_empty() {
            let nearest = missing.into_iter().min_by_key(|missing| missing.wanted - missing.found);
            return Err(too_few_levels(stop.name, nearest, chain));
        }
        paths = next;
    }
    // The classifier spends a level.
    let ends = paths.into_iter().filter(|(values, _)| level_of(values, stops.len()) > chain.lowest);
    let best = ends.map(|(_, path)| path).min_by(|a, b| a.price.total_cmp(&b.price));
    let missing = Missing { found: chain.lowest, wanted: chain.lowest + 1 };
    Ok(best.ok_or_else(|| too_few_levels(network::CLASSIFIER, Some(missing), chain))?.places)
}

fn too_few_levels(layer: &str, missing: Option<Missing>, chain: &Chain) -> CkksError {
    let (what, fresh) = ("levels between bootstraps", chain.fresh);
    let (found, level) = match missing {
        Some(Missing { found, wanted }) => (format!("a value of level {found} before {layer}"), wanted.to_string()),
        None => (format!("no round of levels for {layer}"), "one".to_owned()),
    };
    let wanted = format!("{level}: a chain that leaves more than {fresh} levels, or a packing that spends fewer");
    CkksError::Parameters { what, found, wanted }
}

#[cfg(test)]
mod tests;
