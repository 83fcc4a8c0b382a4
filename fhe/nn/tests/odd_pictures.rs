//! Pictures other than photographs stay inside the intervals of `resnet20-wide-ranges`, and the activations of
//! `resnet20-cosine` and `resnet20-cosine-square` hold for every number. The intervals of the other shipped networks
//! hold for photographs only.
//!
//! The server cannot see the picture that a client encrypts, so an interval that holds only for photographs is not
//! enough. `datasets/training/odd_pictures.py` made the pictures of the training. This test makes other ones.

use std::collections::BTreeMap;

use datasets::cifar::{Image, PIXELS, SIDE};
use datasets::pretrained;
use fhe_nn::plain::{Activation, ApproximateRelu};
use fhe_nn::ranges::ModelCard;
use fhe_nn::{Approximation, ResNet};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

type Colour = [u8; 3];

/// The colour of each pixel, by row and column.
fn picture(mut colour: impl FnMut(usize, usize) -> Colour) -> Image {
    let mut pixels = [0; PIXELS];
    for (row, column) in (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| (row, column))) {
        for (channel, value) in colour(row, column).into_iter().enumerate() {
            pixels[SIDE * SIDE * channel + SIDE * row + column] = value;
        }
    }
    Image { label: None, pixels }
}

/// Black, blue, green, cyan, red, magenta, yellow, white.
fn saturated() -> impl Iterator<Item = Colour> + Clone {
    (0..8).map(|bits| [4, 2, 1].map(|bit| if bits & bit == 0 { 0 } else { 255 }))
}

/// Unordered pairs of saturated colours: 28.
fn pairs() -> impl Iterator<Item = (Colour, Colour)> + Clone {
    saturated().enumerate().flat_map(|(k, a)| saturated().skip(k + 1).map(move |b| (a, b)))
}

/// The second colour where `mask` is true, for each pair.
fn painted(mask: impl Fn(usize, usize) -> bool + Copy) -> impl Iterator<Item = Image> {
    pairs().map(move |(a, b)| picture(|row, column| if mask(row, column) { b } else { a }))
}

fn checkers() -> Vec<Image> {
    [1, 2, 4, 8]
        .into_iter()
        .flat_map(|side| painted(move |row, column| (row / side + column / side) % 2 == 1))
        .collect()
}

fn stripes() -> Vec<Image> {
    let along = |direction, row: usize, column: usize| [row, column, row + column, row + SIDE - column][direction];
    let kinds = (0..4).flat_map(|direction| [2, 4, 8].map(|period| (direction, period)));
    kinds
        .flat_map(|(direction, period)| painted(move |row, column| along(direction, row, column) % period < period / 2))
        .collect()
}

/// Any value in each channel of each pixel.
fn uniform_noise(rng: &mut Xoshiro256PlusPlus) -> Vec<Image> {
    (0..40).map(|_| picture(|_, _| rng.random())).collect()
}

/// Saturated colours, pixel by pixel.
fn saturated_noise(rng: &mut Xoshiro256PlusPlus) -> Vec<Image> {
    (0..40).map(|_| picture(|_, _| [0; 3].map(|_: u8| if rng.random() { 255 } else { 0 }))).collect()
}

/// Black and white pixels on each saturated colour.
fn salt_and_pepper(rng: &mut Xoshiro256PlusPlus) -> Vec<Image> {
    let mut grains = |ground: Colour, share: f64| {
        picture(|_, _| if rng.random_bool(share) { [if rng.random() { 255 } else { 0 }; 3] } else { ground })
    };
    saturated().flat_map(|ground| [0.05, 0.2, 0.5].map(|share| (ground, share))).map(|(g, s)| grains(g, s)).collect()
}

fn gradients() -> Vec<Image> {
    let last = SIDE - 1;
    let mixed = |a: u8, b: u8, step: usize| ((usize::from(a) * (last - step) + usize::from(b) * step) / last) as u8;
    let between = |(a, b): (Colour, Colour), step| [0, 1, 2].map(|channel| mixed(a[channel], b[channel], step));
    pairs()
        .flat_map(|pair| [picture(|row, _| between(pair, row)), picture(|_, column| between(pair, column))])
        .collect()
}

/// Lines of small glyphs whose pixels are drawn at random, one picture for each pair.
fn text_like_blocks(rng: &mut Xoshiro256PlusPlus) -> Vec<Image> {
    pairs()
        .map(|(paper, ink)| {
            picture(|row, column| {
                let inside = row % 7 < 5 && column % 5 < 4;
                if inside && rng.random_bool(0.6) { ink } else { paper }
            })
        })
        .collect()
}

fn odd_pictures() -> BTreeMap<&'static str, Vec<Image>> {
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(20);
    let grid = [0, 64, 128, 192, 255];
    let colours = grid.into_iter().flat_map(|r| grid.into_iter().flat_map(move |g| grid.map(|b| [r, g, b])));
    BTreeMap::from([
        ("black", vec![picture(|_, _| [0; 3])]),
        ("white", vec![picture(|_, _| [255; 3])]),
        ("plain colours", colours.map(|colour| picture(|_, _| colour)).collect()),
        ("checkers", checkers()),
        ("stripes", stripes()),
        ("uniform noise", uniform_noise(rng)),
        ("saturated noise", saturated_noise(rng)),
        ("salt and pepper", salt_and_pepper(rng)),
        ("gradients", gradients()),
        ("text-like blocks", text_like_blocks(rng)),
    ])
}

/// No logit beyond the card's bound, NaN included, and no value outside its interval, for every picture of every kind.
fn holds_for_odd_pictures(weights: &[u8], card: &str, relu: &Approximation, headroom: f64) {
    let network = ResNet::from_safetensors(weights).unwrap();
    let bound = serde_json::from_str::<serde_json::Value>(card).unwrap()["logit_bound"].as_f64().unwrap();
    let card = ModelCard::from_json(card).unwrap();
    let activation: &dyn Activation = &ApproximateRelu::new(relu, &card.intervals(&network, headroom).unwrap());
    for (kind, pictures) in odd_pictures() {
        let outcomes = network.forward_all(&pictures, Image::normalised, activation);
        let outside = outcomes.iter().filter(|outcome| outcome.overflows() > 0).count();
        assert_eq!(outside, 0, "{kind}: pictures with a value outside its interval, of {}", pictures.len());
        for outcome in outcomes {
            assert!(
                outcome.logits.iter().all(|logit| logit.abs() <= bound),
                "{kind}: {:?}, bound {bound}",
                outcome.logits
            );
        }
    }
}

#[test]
fn odd_pictures_stay_inside_the_intervals_of_the_interpolant_of_degree_59() {
    let relu = Approximation::Chebyshev { degree: 59 };
    holds_for_odd_pictures(pretrained::RESNET20_WIDE_RANGES, pretrained::RESNET20_WIDE_RANGES_CARD, &relu, 1.05);
}

#[test]
fn waves_and_squares_hold_for_odd_pictures() {
    use pretrained::*;
    for (weights, card, relu) in [
        (RESNET20_COSINE, RESNET20_COSINE_CARD, Approximation::Cosine),
        (RESNET20_COSINE_SQUARE, RESNET20_COSINE_SQUARE_CARD, Approximation::CosineAndSquare),
    ] {
        holds_for_odd_pictures(weights, card, &relu, 1.0);
    }
}

/// The counterpart: the photographs' network leaves its intervals, so that a class would be worthless.
#[test]
fn a_network_for_photographs_leaves_its_intervals() {
    let network = ResNet::from_safetensors(pretrained::RESNET20_CHEBYSHEV7).unwrap();
    let card = ModelCard::from_json(pretrained::RESNET20_CHEBYSHEV7_CARD).unwrap();
    let relu = Approximation::Chebyshev { degree: 7 };
    let activation = ApproximateRelu::new(&relu, &card.intervals(&network, 1.0).unwrap());
    let pictures = checkers();
    let outcomes = network.forward_all(&pictures, Image::normalised, &activation);
    assert!(outcomes.iter().any(|outcome| outcome.overflows() > 0));
}
