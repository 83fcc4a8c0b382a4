//! The weights we ship, against PyTorch's answers.

use datasets::{cifar, pretrained};
use fhe_nn::network::Op;
use fhe_nn::plain::{Activation, ApproximateRelu, Relu};
use fhe_nn::ranges::ModelCard;
use fhe_nn::{Approximation, ResNet};
use serde_json::Value;

fn network() -> ResNet {
    ResNet::from_safetensors(pretrained::RESNET20).unwrap()
}

/// With the activation that it was trained with.
fn trained(weights: &[u8], card: &str, wanted: &str) -> (ResNet, ApproximateRelu) {
    let network = ResNet::from_safetensors(weights).unwrap();
    let card = ModelCard::from_json(card).unwrap();
    let relu: Approximation = card.trained_with.as_ref().unwrap().relu.parse().unwrap();
    assert_eq!(relu, wanted.parse().unwrap());
    let intervals = card.intervals(&network, 1.0).unwrap();
    (network, ApproximateRelu::new(&relu, &intervals))
}

/// Asserts that the logits of ten images are within `tolerance` of those that `fixtures/make_resnet20_logits.py` made
/// with PyTorch, and that `right` of the embedded hundred images are classified correctly.
fn equals_pytorch(network: &ResNet, activation: &dyn Activation, fixture: &str, tolerance: f64, right: usize) {
    let fixture: Value = serde_json::from_str(fixture).unwrap();
    let images = cifar::embedded_test_sample();
    let outcomes = network.forward_all(images, |image| image.normalised(), activation);
    let wanted = fixture["logits"].as_array().unwrap();
    assert_eq!(wanted.len(), 10);
    for (k, (found, wanted)) in outcomes.iter().zip(wanted).enumerate() {
        let wanted: Vec<f64> = wanted.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        assert_eq!(found.logits.len(), wanted.len());
        let worst = found.logits.iter().zip(&wanted).map(|(f, w)| (f - w).abs()).fold(0.0, f64::max);
        assert!(worst < tolerance, "image {k}: largest difference {worst}, wanted below {tolerance}");
    }
    let found = images.iter().zip(&outcomes).filter(|(i, o)| o.class() == i.label.map(usize::from)).count();
    assert_eq!((found, &fixture["correct_of_100"]), (right, &Value::from(right)), "PyTorch counts the same");
}

#[test]
fn the_network_with_wide_ranges_is_pytorchs() {
    let network = ResNet::from_safetensors(datasets::pretrained::RESNET20_WIDE_RANGES).unwrap();
    let fixture = include_str!("fixtures/resnet20_wide_ranges_logits.json");
    equals_pytorch(&network, &Relu, fixture, 1e-4, 92);
}

#[test]
fn the_network_is_pytorchs() {
    equals_pytorch(&network(), &Relu, include_str!("fixtures/resnet20_logits.json"), 1e-4, 93);
}

#[test]
fn the_network_of_low_degree_is_pytorchs() {
    let (weights, card) = (pretrained::RESNET20_CHEBYSHEV7, pretrained::RESNET20_CHEBYSHEV7_CARD);
    let (network, activation) = trained(weights, card, "chebyshev:7");
    let fixture = include_str!("fixtures/resnet20_chebyshev7_logits.json");
    equals_pytorch(&network, &activation, fixture, 1e-4, 94);
}

#[test]
fn the_networks_of_waves_are_pytorchs() {
    let (network, activation) = trained(pretrained::RESNET20_COSINE, pretrained::RESNET20_COSINE_CARD, "cosine");
    equals_pytorch(&network, &activation, include_str!("fixtures/resnet20_cosine_logits.json"), 1e-4, 94);
    let (weights, card) = (pretrained::RESNET20_COSINE_SQUARE, pretrained::RESNET20_COSINE_SQUARE_CARD);
    let (network, activation) = trained(weights, card, "cosine+square");
    equals_pytorch(&network, &activation, include_str!("fixtures/resnet20_cosine_square_logits.json"), 1e-4, 94);
}

#[test]
fn the_trace_walks_the_named_steps() {
    let network = network();
    assert_eq!((network.depth(), network.activations(), network.layers().len()), (20, 19, 19));
    let input = cifar::embedded_test_sample()[0].normalised();
    let (outcome, steps) = network.trace(&input, &Relu);
    let names: Vec<_> = steps.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names[..6], ["conv1", "act", "layer1.0.conv1", "layer1.0.act1", "layer1.0.conv2", "layer1.0.act2"]);
    assert_eq!(names[36..], ["layer3.2.conv2", "layer3.2.act2", "fc"]);
    let shapes: Vec<_> = steps.iter().map(|s| [s.output.channels, s.output.height, s.output.width]).collect();
    assert_eq!([shapes[0], shapes[14], shapes[26]], [[16, 32, 32], [32, 16, 16], [64, 8, 8]]);
    assert_eq!(shapes[38..], [[10, 1, 1]]);
    assert_eq!(steps[38].output.data, outcome.logits);
    assert_eq!(outcome, network.forward(&input, &Relu));
    for pair in steps.windows(2).filter(|pair| pair[1].op == Op::Activation) {
        let relu: Vec<f64> = pair[0].output.data.iter().map(|x| x.max(0.0)).collect();
        assert_eq!(pair[1].output.data, relu, "{}", pair[1].name);
    }
}
