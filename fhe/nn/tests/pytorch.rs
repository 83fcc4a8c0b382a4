//! The weights we ship, against PyTorch's answers.

use datasets::{cifar, pretrained};
use fhe_nn::ResNet;
use fhe_nn::network::Op;
use fhe_nn::plain::Relu;
use serde_json::Value;

fn network() -> ResNet {
    ResNet::from_safetensors(pretrained::RESNET20).unwrap()
}

/// Made by `fixtures/make_resnet20_logits.py`, which says how.
fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/resnet20_logits.json")).unwrap()
}

#[test]
fn logits_equal_pytorchs() {
    let (network, fixture) = (network(), fixture());
    let wanted = fixture["logits"].as_array().unwrap();
    assert_eq!(wanted.len(), 10);
    let mut worst: f64 = 0.0;
    for (image, wanted) in cifar::embedded_test_sample().iter().zip(wanted) {
        let found = network.forward(&image.normalised(), &Relu).logits;
        let wanted: Vec<f64> = wanted.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        assert_eq!(found.len(), wanted.len());
        worst = found.iter().zip(&wanted).map(|(f, w)| (f - w).abs()).fold(worst, f64::max);
    }
    assert!(worst < 1e-4, "largest difference {worst}, wanted below 1e-4");
}

#[test]
fn ninety_three_of_the_embedded_hundred_are_right() {
    let images = cifar::embedded_test_sample();
    let outcomes = network().forward_all(images, |image| image.normalised(), &Relu);
    let right = images.iter().zip(&outcomes).filter(|(i, o)| o.class() == i.label.map(usize::from)).count();
    assert_eq!(right, 93);
    assert_eq!(fixture()["correct_of_100"], 93, "PyTorch counts the same");
}

#[test]
fn the_trace_walks_the_named_steps() {
    let network = network();
    assert_eq!((network.depth(), network.activations(), network.blocks_per_stage()), (20, 19, 3));
    let input = cifar::embedded_test_sample()[0].normalised();
    let (outcome, steps) = network.trace(&input, &Relu);
    let names: Vec<_> = steps.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names[..6], ["conv1", "act", "layer1.0.conv1", "layer1.0.act1", "layer1.0.conv2", "layer1.0.act2"]);
    assert_eq!(names[36..], ["layer3.2.conv2", "layer3.2.act2", "pool", "fc"]);
    let shapes: Vec<_> = steps.iter().map(|s| [s.output.channels, s.output.height, s.output.width]).collect();
    assert_eq!([shapes[0], shapes[14], shapes[26]], [[16, 32, 32], [32, 16, 16], [64, 8, 8]]);
    assert_eq!(shapes[38..], [[64, 1, 1], [10, 1, 1]]);
    assert_eq!(steps[39].output.data, outcome.logits);
    assert_eq!(outcome, network.forward(&input, &Relu));
    for pair in steps.windows(2).filter(|pair| matches!(pair[1].op, Op::Activation(_))) {
        let relu: Vec<f64> = pair[0].output.data.iter().map(|x| x.max(0.0)).collect();
        assert_eq!(pair[1].output.data, relu, "{}", pair[1].name);
    }
}
