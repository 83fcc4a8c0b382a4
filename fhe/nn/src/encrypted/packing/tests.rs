//! Convolutions replayed in the clear, and their numbers of rotations.

use fhe_ckks::Parameters;
use proptest::prelude::*;

use super::*;
use crate::Approximation;
use crate::encrypted::circuit::Circuit;
use crate::encrypted::interleave::Interleave;
use crate::encrypted::linear::{classify, convolve};
use crate::encrypted::profile::Profile;
use crate::encrypted::slots::{Clear, ClearSlots, Count};
use crate::network::{Conv, Linear};
use crate::plain::Tensor;

fn numbers(count: usize, seed: usize) -> Vec<f64> {
    (0..count).map(|i| ((i * 7919 + seed * 104_729) % 201) as f64 / 100.0 - 1.0).collect()
}

fn conv([in_channels, out_channels]: [usize; 2], kernel: usize, stride: usize, seed: usize) -> Conv {
    let weight = numbers(out_channels * in_channels * kernel * kernel, seed);
    Conv { out_channels, in_channels, kernel, stride, weight, bias: numbers(out_channels, seed + 1) }
}

fn apply(conv: &Conv, side: usize, data: &[f64]) -> Vec<f64> {
    conv.apply(&Tensor { channels: conv.in_channels, height: side, width: side, data: data.to_vec() }).data
}

/// A circuit in a ring that holds every layout of these tests.
fn circuit(packing: Packing) -> Circuit {
    Circuit::insecure(16, 3, packing)
}

/// A circuit whose convolutions may have masks before their products.
fn masked(packing: Packing) -> Circuit {
    Circuit::insecure_in(Profile::turn(), 15, &Approximation::Cosine, packing)
}

/// Values at the level of the input of a convolution with this stride.
fn packed(circuit: &Circuit, at: Layout, values: &[f64], stride: usize) -> ClearSlots {
    let level = if circuit.packing.refreshes(stride) { circuit.activation_level } else { circuit.linear_level };
    ClearSlots { slots: at.pack(values), level, products: 0 }
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() < 1e-9, "value {i}: {f} for {e}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_replay_of_a_block_is_the_block(
        packing in prop::sample::select(Packing::ALL), log_side in 2u32..=5, inner in 1usize..=9,
        channels in (1usize..=9, 1usize..=9), kernel in prop::sample::select(vec![1usize, 3, 5, 7]),
        projection in prop::sample::select(vec![1usize, 3]), stride in 1usize..=2, seed in 0usize..100, masks: bool,
    ) {
        let circuit = if masks { masked(packing) } else { circuit(packing) };
        let side = 1usize << log_side;
        let (first, second) = (conv([channels.0, inner], kernel, stride, seed), conv([inner, channels.1], kernel, 1, seed + 2));
        let shortcut = conv([channels.0, channels.1], projection, stride, seed + 4);
        let (from, mid, to) =
            (packing.layout(channels.0, side), packing.layout(inner, side / stride), packing.layout(channels.1, side / stride));
        let x = numbers(channels.0 * side * side, seed + 6);

        // Straight through, values divided by 2 before, 3 between and 4 after.
        let input = packed(&circuit, from, &times(&x, 0.5), stride);
        let term = Operand { conv: &first, x: &input, from, range: 2.0 };
        let y = convolve(&mut Clear, &circuit, &[term], None, mid, circuit.before_bootstrap(3.0)).unwrap();
        prop_assert_eq!((y.level, y.slots.len()), (circuit.bootstrap_level(), mid.slots()));
        let clear = apply(&first, side, &x);
        close(&times(&mid.unpack(&y.slots), 3.0), &clear);

        let y = packed(&circuit, mid, &mid.unpack(&y.slots), 1);
        let terms = [
            Operand { conv: &second, x: &y, from: mid, range: 3.0 },
            Operand { conv: &shortcut, x: &input, from, range: 2.0 },
        ];
        let sum = convolve(&mut Clear, &circuit, &terms, None, to, circuit.before_bootstrap(4.0)).unwrap();
        let expected = apply(&second, side / stride, &clear);
        let projected = apply(&shortcut, side, &x);
        let expected: Vec<f64> = expected.iter().zip(&projected).map(|(a, b)| a + b).collect();
        close(&times(&to.unpack(&sum.slots), 4.0), &expected);

        // With the identity.
        let same = numbers(channels.1 * (side / stride) * (side / stride), seed + 7);
        let [term, _] = terms;
        let identity = packed(&circuit, to, &times(&same, 0.2), 1);
        let sum = convolve(&mut Clear, &circuit, &[term], Some((&identity, 5.0)), to, circuit.before_bootstrap(4.0)).unwrap();
        let expected = apply(&second, side / stride, &clear);
        let expected: Vec<f64> = expected.iter().zip(&same).map(|(a, b)| a + b).collect();
        close(&times(&to.unpack(&sum.slots), 4.0), &expected);
    }

    #[test]
    fn the_replay_of_a_classifier_is_average_and_classifier(
        packing in prop::sample::select(Packing::ALL), log_side in 2u32..=5, channels in 1usize..=20,
        out_features in 1usize..=16, seed in 0usize..100,
    ) {
        let circuit = circuit(packing);
        let side = 1usize << log_side;
        let from = packing.layout(channels, side);
        prop_assume!(from.slots() >= out_features.next_power_of_two());
        let (weight, bias) = (numbers(out_features * channels, seed), numbers(out_features, seed + 1));
        let linear = Linear { out_features, in_features: channels, weight, bias };
        let x = numbers(channels * side * side, seed + 2);
        let found = classify(&mut Clear, &circuit, &linear, &packed(&circuit, from, &x, 1), from, 3.0).unwrap();
        let means: Vec<f64> = x.chunks(side * side).map(|plane| 3.0 * plane.iter().sum::<f64>() / plane.len() as f64).collect();
        let rows = linear.weight.chunks(channels).zip(&linear.bias);
        let expected: Vec<f64> = rows.map(|(w, b)| b + w.iter().zip(&means).map(|(w, m)| w * m).sum::<f64>()).collect();
        close(&found.slots[..out_features], &expected);
        prop_assert_eq!(found.level, circuit.bootstrap_level());
    }
}

fn times(values: &[f64], factor: f64) -> Vec<f64> {
    values.iter().map(|v| v * factor).collect()
}

/// The numbers of hoisted rotations, of others, and of rotation keys of a layer of ResNet-20.
fn cost(
    packing: Packing,
    [in_channels, out_channels]: [usize; 2],
    side: usize,
    kernel: usize,
    stride: usize,
) -> [usize; 3] {
    let circuit = Circuit::insecure(15, 59, packing);
    let params = Parameters::try_from(circuit.parameters().clone()).unwrap();
    let mut count = Count::new(&params, Interleave::NONE);
    let conv = conv([in_channels, out_channels], kernel, stride, 1);
    let (from, to) = (packing.layout(in_channels, side), packing.layout(out_channels, side / stride));
    let term = Operand { conv: &conv, x: &circuit.activation_level, from, range: 1.0 };
    convolve(&mut count, &circuit, &[term], None, to, circuit.before_bootstrap(1.0)).unwrap();
    [count.hoisted, count.full, count.request.iter().count()]
}

#[test]
fn the_vector_encoding_takes_five_keys_a_layer() {
    // Eight rotations to the taps of 3 × 3, one from each block to the next.
    for (channels, side) in [(16, 32), (32, 16), (64, 8)] {
        assert_eq!(cost(Packing::Vector, [channels; 2], side, 3, 1), [8, channels - 1, 5]);
        // Of 5 × 5: two of four neighbours hoisted, in each of five rows and for the rows themselves.
        assert_eq!(cost(Packing::Vector, [channels; 2], side, 5, 1), [12, 12 + channels - 1, 5]);
    }
}

#[test]
fn a_stride_in_the_vector_encoding_takes_two_parts_and_three_stages() {
    // Rows of both parts go by multiples of three times the new side, one part by as many as the other and
    // (side − 2)/3 or so to spare; channels go by half a block or, where that does not fit, a quarter.
    for (channels, side, rows, blocks) in [(16, 32, 26, 32), (32, 16, 10, 32)] {
        let parts = |taps: usize| [2 * taps, 2 * (channels - 1) + 1];
        // Beside giant steps, the beginning of the rows and one copy.
        let stages = (side / 2 - 1) + (rows - 1) + 1 + (blocks - 1) + 1;
        // Keys: the parts', of which one moves the second part; columns, rows twice, channels, the copy.
        let [hoisted, full] = parts(8);
        assert_eq!(cost(Packing::Vector, [channels, 2 * channels], side, 3, 2), [hoisted, full + stages, 5 + 5]);
        let [_, full] = parts(0);
        assert_eq!(cost(Packing::Vector, [channels, 2 * channels], side, 1, 2), [0, full + stages, 2 + 5]);
    }
}

#[test]
fn taps_are_hoisted_and_grids_share_a_key() {
    assert_eq!(cost(Packing::Fused, [16, 16], 32, 3, 1), [8, 15, 9]);
    // The single shot finds the same split: nine baby steps, sixteen giant steps of a grid.
    assert_eq!(cost(Packing::Diagonal, [16, 16], 32, 3, 1), [8, 15, 9]);
}

/// Lee et al. count f² − 1 rotations to taps, 2·log kᵢ + log tᵢ for each sum over channels, one for each output channel
/// and log pₒ for copies; gathering leaves one output channel where it is.
#[test]
fn multiplexed_parallel_convolutions_take_the_published_rotations() {
    let log = |k: usize| k.trailing_zeros() as usize;
    for (channels, side, stride) in [(16, 32, 1), (16, 32, 2), (32, 16, 1), (32, 16, 2), (64, 8, 1)] {
        let outputs = channels * stride;
        let layout = |channels, side| Packing::Multiplexed.layout(channels, side);
        let (from, to) = (layout(channels, side), layout(outputs, side / stride));
        // Of the ring that `cost` has.
        let slots = 1 << 14;
        let sums = (outputs / (slots / from.slots())) * (2 * log(from.gap) + log(from.grids()));
        let [hoisted, full, keys] = cost(Packing::Multiplexed, [channels, outputs], side, 3, stride);
        assert_eq!(
            [hoisted, full],
            [8, sums + outputs - 1 + log(slots / to.slots())],
            "{channels} channels, stride {stride}"
        );
        assert!(keys < 8 + 14 + outputs, "{keys} keys");
    }
}

#[test]
fn names_are_read_as_they_are_written() {
    for packing in Packing::ALL {
        assert_eq!(packing.name().parse(), Ok(*packing));
    }
    let error = "rows".parse::<Packing>().unwrap_err().to_string();
    assert!(error.contains("'rows'") && Packing::ALL.iter().all(|p| error.contains(p.name())), "{error}");
}
