//! Toy chains with known paths, and the circuits of the program with the places that they always had.

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::*;
use crate::ResNet;
use crate::encrypted::tests::resnet;
use crate::encrypted::{Packing, Profile, Program};

const BEFORE: BootstrapPlace = BootstrapPlace::Before;
const WITHIN: BootstrapPlace = BootstrapPlace::Within;
const NONE: BootstrapPlace = BootstrapPlace::None;

/// A chain of `rounds` rounds: one level for SlotsToCoeffs and for a convolution, two for an activation.
fn chain(rounds: usize) -> Chain {
    let fresh = 2 + 2 + 3 * (rounds - 1);
    Chain {
        image: 2,
        lowest: 1,
        fresh,
        depth: 2,
        plain: (0..rounds - 1).map(|below| 4 + 3 * below).collect(),
        plain_depth: 2,
        switch: (0..=fresh + 10).map(|level| (level + 1) as f64).collect(),
    }
}

/// A layer with a polynomial activation whose convolutions spend `levels`, each of its own value.
fn stop(terms: &[(usize, usize)], identity: Option<usize>, bootstrap: f64) -> Stop<'static> {
    Stop {
        name: "toy",
        terms: terms.iter().map(|&(input, levels)| Term { input, levels, switches: 3 }).collect(),
        identity,
        places: &[BEFORE, NONE],
        bootstrap,
        activation: [1, 1],
    }
}

fn places(chain: &Chain, stops: &[Stop<'_>]) -> Vec<(BootstrapPlace, usize, bool)> {
    let found = cheapest(chain, stops).unwrap();
    found.into_iter().map(|Place { bootstrap, end, refreshed }| (bootstrap, end, refreshed)).collect()
}

#[test]
fn a_bootstrap_comes_where_it_is_cheap() {
    let line = |prices: [f64; 4]| -> Vec<_> {
        prices.into_iter().enumerate().map(|(k, p)| stop(&[(k, 1)], None, p)).collect()
    };
    let found = |prices| places(&chain(2), &line(prices)).into_iter().map(|place| place.0).collect::<Vec<_>>();
    assert_eq!(found([100.0; 4]), [BEFORE, NONE, BEFORE, NONE]);
    // Every second layer would be bootstrapped where it is dear.
    assert_eq!(found([100.0, 100.0, 900.0, 100.0]), [BEFORE, BEFORE, NONE, BEFORE]);
    // Levels cost more than bootstraps that cost next to nothing.
    assert_eq!(found([1.0; 4]), [BEFORE; 4]);
    assert_eq!(places(&chain(2), &line([100.0; 4]))[1], (NONE, 4, false));
    assert_eq!(places(&chain(3), &line([100.0; 4])[..3])[1..], [(NONE, 7, false), (NONE, 4, false)]);
}

#[test]
fn the_input_of_a_block_keeps_the_level_at_which_it_is_added() {
    // Three rounds, and a block of the last two layers whose input is that of the third.
    let stops = |identity: Option<usize>| {
        let prices = [100.0, 100.0, 120.0, 100.0, 100.0];
        let stop = |(k, price)| stop(&[(k, 1)], identity.filter(|_| k == 4), price);
        prices.into_iter().enumerate().map(stop).collect::<Vec<_>>()
    };
    let found = |identity| places(&chain(3), &stops(identity)).into_iter().map(|place| place.0).collect::<Vec<_>>();
    assert_eq!(found(None), [BEFORE, NONE, NONE, BEFORE, NONE]);
    // Three levels below a fresh value the input would be too low to be added to a sum that is not bootstrapped.
    assert_eq!(found(Some(3)), [BEFORE, NONE, BEFORE, NONE, NONE]);
}

#[test]
fn a_value_is_refreshed_for_a_convolution_of_many_levels() {
    // After the activation there are two levels of a chain of one round; the second convolution spends three.
    let line = [stop(&[(0, 1)], None, 100.0), stop(&[(1, 3)], None, 100.0)];
    assert_eq!(places(&chain(1), &line), [(BEFORE, 1, true), (BEFORE, 1, false)]);
    // Two rounds leave enough.
    assert_eq!(places(&chain(2), &line), [(BEFORE, 1, false), (BEFORE, 1, false)]);
    // The input of a block is refreshed for its shortcut, three layers before its use.
    let block = |levels| {
        let shortcut = [stop(&[(2, 1), (1, levels)], None, 100.0)];
        [stop(&[(0, 1)], None, 100.0), stop(&[(1, 1)], None, 100.0)].into_iter().chain(shortcut).collect::<Vec<_>>()
    };
    assert_eq!(places(&chain(1), &block(1)).iter().filter(|place| place.2).count(), 0);
    assert!(places(&chain(1), &block(3))[0].2);
}

#[test]
fn a_chain_without_a_way_says_which_layer_and_level() {
    let error = |chain: &Chain, stops: &[Stop<'_>]| cheapest(chain, stops).unwrap_err().to_string();
    let line = [stop(&[(0, 1)], None, 1.0), Stop { name: "strided", ..stop(&[(1, 4)], None, 1.0) }];
    let words = error(&chain(1), &line);
    assert!(words.contains("a value of level 4 before strided, wanted 5: a chain"), "{words}");
    // A square has no bootstrap, and this chain no round for it.
    let words = error(&chain(1), &[Stop { name: "square", places: &[NONE], ..stop(&[(0, 1)], None, 1.0) }]);
    assert!(words.contains("no round of levels for square, wanted one: a chain"), "{words}");
    let words = error(&Chain { fresh: 1, depth: 0, ..chain(1) }, &[stop(&[(0, 1)], None, 1.0)]);
    assert!(words.contains("a value of level 1 before fc, wanted 2"), "{words}");
}

/// A ResNet-20 with random weights: places depend on its shape.
fn resnet20() -> ResNet {
    resnet(&mut ChaCha20Rng::seed_from_u64(1), 3, 3, 2)
}

fn program(network: &ResNet, circuit: Circuit) -> Program {
    Program::new(network.clone(), circuit, vec![1.0; network.activations()]).unwrap()
}

/// The names of the layers with this place, and those of the layers that are bootstrapped once more.
fn names(program: &Program, bootstrap: BootstrapPlace) -> [Vec<String>; 2] {
    let layers = program.layers();
    let of = |wanted: &dyn Fn(&Place) -> bool| {
        layers.iter().filter(|layer| wanted(&layer.place)).map(|layer| layer.layer.name.clone()).collect()
    };
    [of(&|place| place.bootstrap == bootstrap), of(&|place| place.refreshed)]
}

/// The first convolution and the halves of all blocks of a ResNet-20.
fn layers(halves: &[usize]) -> Vec<String> {
    let blocks = (1..=3).flat_map(|stage| (0..3).map(move |block| format!("layer{stage}.{block}.conv")));
    blocks.flat_map(|block| halves.iter().map(move |half| format!("{block}{half}"))).collect()
}

/// Every ring, packing and approximation, and both profiles of polynomials: one round to a bootstrap has the places that
/// the kind of the activation alone determined before there were prices.
#[test]
fn circuits_of_one_round_have_a_bootstrap_before_every_activation() {
    let network = resnet20();
    let everything = [vec!["conv1".to_owned()], layers(&[1, 2])].concat();
    let strides = ["layer1.2.conv2", "layer2.2.conv2"].map(str::to_owned).to_vec();
    let polynomials =
        ["chebyshev:2", "chebyshev:3", "chebyshev:7", "minimax:7", "minimax:15", "minimax:31", "chebyshev:59"];
    let mut seen = [0; 2];
    for relu in polynomials.into_iter().chain(["chebyshev:119", "composite:3,5", "composite:7,7,13", "square"]) {
        let relu: Approximation = relu.parse().unwrap();
        for &packing in Packing::ALL {
            let secure = Circuit::LOG_RING_DIMS.map(|log_n| Circuit::new(log_n, &relu, packing, None).ok());
            let insecure = Profile::polynomial().map(|profile| Some(Circuit::insecure_in(profile, 13, &relu, packing)));
            for circuit in secure.into_iter().chain(insecure).flatten() {
                let [found, refreshed] = names(&program(&network, circuit), BEFORE);
                assert_eq!(found, everything, "{relu}, {packing}");
                let wanted = if packing == Packing::Vector { strides.clone() } else { Vec::new() };
                assert_eq!(refreshed, wanted, "{relu}, {packing}");
                seen[usize::from(packing == Packing::Vector)] += 1;
            }
        }
    }
    assert!(seen[0] >= 160 && seen[1] >= 40, "{seen:?} circuits");
}

#[test]
fn waves_are_bootstraps_and_squares_have_none() {
    let network = resnet20();
    for (relu, within) in [("cosine", layers(&[1, 2])), ("cosine+square", layers(&[2]))] {
        let relu: Approximation = relu.parse().unwrap();
        for &packing in Packing::ALL {
            let secure = Circuit::LOG_RING_DIMS.map(|log_n| Circuit::new(log_n, &relu, packing, None).ok());
            let insecure = Profile::wave().map(|profile| Some(Circuit::insecure_in(profile, 13, &relu, packing)));
            for circuit in secure.into_iter().chain(insecure).flatten() {
                let program = program(&network, circuit);
                let wanted = [vec!["conv1".to_owned()], within.clone()].concat();
                assert_eq!(names(&program, WITHIN), [wanted, Vec::new()], "{relu}, {packing}");
                let squares = if within.len() == 9 { layers(&[1]) } else { Vec::new() };
                assert_eq!(names(&program, NONE)[0], squares, "{relu}, {packing}");
            }
        }
    }
}

#[test]
fn two_rounds_bootstrap_once_for_each_block() {
    let network = resnet20();
    for &packing in Packing::ALL {
        for relu in ["chebyshev:7", "minimax:15", "square", "composite:3,5"] {
            let profile = Profile { rounds: 2, ..Profile::wide() };
            let circuit = Circuit::insecure_in(profile, 13, &relu.parse().unwrap(), packing);
            let [found, refreshed] = names(&program(&network, circuit), NONE);
            if packing == Packing::Vector {
                // Downsampling spends levels that only a bootstrap leaves: two blocks with a stride have two each.
                assert_eq!(found.len() - refreshed.len(), 7, "{relu}: {found:?}, {refreshed:?}");
                continue;
            }
            // The last block's bootstrap costs as much before its first activation.
            let mut wanted = layers(&[1]);
            *wanted.last_mut().unwrap() = "layer3.2.conv2".to_owned();
            assert_eq!((found, refreshed.len()), (wanted, 0), "{relu}, {packing}");
        }
    }
}

#[test]
fn a_wave_with_rounds_of_its_own_is_refused() {
    let profile = Profile { rounds: 2, ..Profile::wide_turn() };
    let error = Circuit::new(16, &"cosine".parse().unwrap(), Packing::Fused, Some(&profile)).unwrap_err().to_string();
    assert!(error.contains("profile.rounds: found 2, wanted 1 with cosine"), "{error}");
}
