//! Networks of other depths, stages and widths: the plaintext walk, the list of layers, the replay and the plan agree.

use fhe_ckks::Parameters;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::replay::replay;
use super::tests::{numbers, resnet, resnet_for};
use super::*;
use crate::form::Form;
use crate::network::{self, INPUT_CHANNELS, INPUT_SIDE};
use crate::plain::Relu;
use crate::{ResNet, ranges};

const IMAGE: usize = INPUT_CHANNELS * INPUT_SIDE * INPUT_SIDE;

fn random(stages: usize, blocks: usize, width: usize) -> (ResNet, Vec<f64>, Vec<f64>) {
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    let network = resnet(&mut rng, stages, blocks, width);
    let image = numbers(&mut rng, IMAGE);
    let ranges = ranges::observe(&network, &[()], |()| image.clone());
    (network, image, ranges.iter().map(|range| 1.5 * range).collect())
}

#[test]
fn the_plaintext_walk_takes_the_steps_of_the_list_of_layers() {
    for (stages, blocks) in [(1, 1), (2, 3), (3, 5), (4, 2)] {
        let (network, image, _) = random(stages, blocks, 2);
        let (_, steps) = network.trace(&image, &Relu);
        let mut found = steps.iter();
        for (index, layer) in network.layers().into_iter().enumerate() {
            let [convolved, activated] = [(); 2].map(|()| found.next().unwrap());
            assert_eq!((&convolved.name, convolved.op), (&layer.name, Op::Convolution));
            assert_eq!((&activated.name, activated.op), (&layer.activation, Op::Activation));
            assert_eq!(convolved.output.channels, layer.terms[0].conv.out_channels);
            // The sum of the layer's terms on the walk's own values is the walk's result.
            let value = |number: usize| match number {
                0 => crate::plain::Tensor::image(&image, network.input_channels()),
                k => steps[2 * k - 1].output.clone(),
            };
            let mut sum = vec![0.0; convolved.output.data.len()];
            let terms = layer.terms.iter().map(|term| term.conv.apply(&value(term.input)));
            for term in terms.chain(layer.identity.map(value)) {
                sum.iter_mut().zip(term.data).for_each(|(sum, x)| *sum += x);
            }
            assert_eq!(sum, convolved.output.data, "layer {index}");
            assert_eq!(network::stage(&layer.name), Some(layer.stage));
            assert_eq!(network::stage(&layer.activation), Some(layer.stage));
        }
        let classifier = found.next().unwrap();
        assert_eq!((classifier.name.as_str(), classifier.op), (network::CLASSIFIER, Op::Classifier));
        assert!(found.next().is_none() && network::stage(&classifier.name).is_none());
        assert_eq!(network.layers().last().unwrap().stage, stages);
    }
}

#[test]
fn a_resnet_32_is_the_plaintext_model_in_the_default_packing() {
    let (network, image, ranges) = random(3, 5, 16);
    assert_eq!((network.depth(), network.layers()[30].name.as_str()), (32, "layer3.4.conv2"));
    assert_eq!(replay(&network, 7, &image, &ranges, &[Packing::Fused]), [31]);
}

#[test]
fn resnet_44_and_56_are_the_plaintext_model_in_every_packing() {
    for blocks in [7, 9] {
        let (network, image, ranges) = random(3, blocks, 1);
        assert_eq!(network.depth(), 6 * blocks + 2);
        agrees_in_every_packing(&network, &image, &ranges);
    }
}

#[test]
fn grey_images_and_a_hundred_classes_are_the_plaintext_model_in_every_packing() {
    for input in [1, 2] {
        let mut rng = ChaCha20Rng::seed_from_u64(10);
        let network = resnet_for(&mut rng, 3, 1, 2, [input, 100]);
        let image = numbers(&mut rng, input * INPUT_SIDE * INPUT_SIDE);
        let ranges: Vec<f64> = ranges::observe(&network, &[()], |()| image.clone());
        agrees_in_every_packing(&network, &image, &ranges);
    }
}

/// Replays the network, and asserts one bootstrap for each activation, and one more for each stride that refreshes its input.
fn agrees_in_every_packing(network: &ResNet, image: &[f64], ranges: &[f64]) {
    let strides = network.blocks.iter().filter(|block| block.stride > 1).count();
    for (&packing, bootstraps) in Packing::ALL.iter().zip(replay(network, 7, image, ranges, Packing::ALL)) {
        let refreshed = if packing.refreshes(2) { strides } else { 0 };
        assert_eq!(bootstraps, network.activations() + refreshed, "{packing}");
    }
}

#[test]
fn two_or_four_stages_are_the_plaintext_model_in_every_packing() {
    for (stages, blocks, width) in [(2, 2, 2), (4, 1, 2)] {
        let (network, image, ranges) = random(stages, blocks, width);
        agrees_in_every_packing(&network, &image, &ranges);
    }
}

#[test]
fn half_and_twice_the_width_are_the_plaintext_model_in_the_default_packing() {
    for width in [8, 32] {
        let (network, image, ranges) = random(3, 1, width);
        assert_eq!(Program::slots_needed(&network, Packing::Fused), width << 10);
        assert_eq!(replay(&network, 7, &image, &ranges, &[Packing::Fused]), [7]);
    }
}

#[test]
fn other_networks_have_a_schedule_keys_and_a_prediction_of_memory() {
    let mut cases = vec![
        (3, 5, 16, 10, Packing::Fused),
        (2, 2, 16, 10, Packing::Vector),
        (4, 1, 8, 10, Packing::Multiplexed),
        (3, 1, 8, 10, Packing::Batch),
    ];
    // ResNet-44 and -56 of full width with a head of CIFAR-100.
    cases.extend(Packing::ALL.iter().map(|&packing| (3, 9, 16, 100, packing)));
    cases.push((3, 7, 16, 100, Packing::Fused));
    for (stages, blocks, width, classes, packing) in cases {
        let network = resnet_for(&mut ChaCha20Rng::seed_from_u64(9), stages, blocks, width, [INPUT_CHANNELS, classes]);
        let ranges = vec![1.0; network.activations()];
        let circuit = Circuit::new(16, &"chebyshev:7".parse().unwrap(), packing, None).unwrap();
        let params = Parameters::try_from(circuit.parameters().clone()).unwrap();
        let program = Program::new(network, circuit, ranges).unwrap();
        let room = if packing == Packing::Batch { 64 / width } else { 1 };
        assert_eq!(program.images(), room, "{packing}");
        let plan = program.plan(&params).unwrap();
        let layers = program.layers();
        let refreshed = layers.iter().filter(|layer| matches!(layer.form, Form::Arcsine(_))).count();
        assert_eq!(refreshed, if packing == Packing::Vector { stages - 1 } else { 0 });
        assert_eq!(plan.steps.len(), 3 * layers.len() + refreshed + 1);
        let memory = plan.memory;
        assert!(memory.keys > 0 && memory.constants > 0 && memory.working > 0, "{packing}: {memory:?}");
    }
}
