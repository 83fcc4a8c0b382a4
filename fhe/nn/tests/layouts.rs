//! Layouts of tensors that people's checkpoints have, against PyTorch's logits.
//!
//! `fixtures/make_layouts.py` built each network in PyTorch and stored its logits on 100 images. Weights follow from the
//! tensors' names, here as there.

use std::collections::BTreeMap;

use datasets::cifar::{Normalisation, embedded_test_sample};
use fhe_nn::plain::Relu;
use fhe_nn::ranges::ModelCard;
use fhe_nn::weights;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

const FIXTURE: &[u8] = include_bytes!("fixtures/layouts.safetensors");

/// A tensor's shape, and the least and the largest of its values.
type Tensor = (Vec<usize>, f64, f64);

/// The tensors of each layout.
fn layouts() -> BTreeMap<String, BTreeMap<String, Tensor>> {
    let (_, header) = SafeTensors::read_metadata(FIXTURE).unwrap();
    serde_json::from_str(&header.metadata().as_ref().unwrap()["layouts"]).unwrap()
}

/// Numbers from `least` to `most` that follow from the name, in single precision.
fn values(name: &str, (shape, least, most): &Tensor) -> Vec<u8> {
    let seed: u64 = name.bytes().zip(1..).map(|(byte, at)| at * u64::from(byte)).sum();
    let mixed = |at: u64| (at * 2_654_435_761 + seed * 40_503) % (1 << 32);
    let value = |at: u64| (least + (most - least) * (mixed(at) as f64 / 4_294_967_296.0)) as f32;
    (0..shape.iter().product::<usize>() as u64).flat_map(|at| value(at).to_le_bytes()).collect()
}

fn file(tensors: &BTreeMap<String, Tensor>) -> Vec<u8> {
    let data: Vec<_> = tensors.iter().map(|(name, tensor)| (name, &tensor.0, values(name, tensor))).collect();
    let view =
        |(name, shape, bytes)| (name, TensorView::new(Dtype::F32, Vec::clone(shape), Vec::as_slice(bytes)).unwrap());
    safetensors::serialize(data.iter().map(|(name, shape, bytes)| view((name.as_str(), *shape, bytes))), None).unwrap()
}

/// A card that states the form of shortcuts without weights.
fn padded() -> ModelCard {
    ModelCard::from_json(
        r#"{"architecture": "a", "test_accuracy": 0.5, "mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2],
            "range_on_training_images": {}, "shortcut": "pad-centre"}"#,
    )
    .unwrap()
}

#[test]
fn every_layout_has_pytorchs_logits_on_a_hundred_images() {
    let fixture = SafeTensors::deserialize(FIXTURE).unwrap();
    let layouts = layouts();
    assert_eq!(layouts.len(), 8);
    for (name, tensors) in layouts {
        let without_weights =
            !tensors.keys().any(|tensor| tensor.contains("shortcut") || tensor.contains("downsample"));
        let card = without_weights.then(padded);
        let network = weights::load(&file(&tensors), card.as_ref()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let network = network.network;
        let depth = name.rsplit("resnet").next().and_then(|end| end.split('-').next()?.parse().ok());
        assert_eq!(network.depth(), depth.unwrap_or(10), "{name}");
        let by = match network.input_channels() {
            1 => Normalisation { channels: 1, mean: [0.5; 3], std: [0.25; 3] },
            _ => Normalisation::CIFAR10,
        };
        let outcomes = network.forward_all(embedded_test_sample(), |image| image.normalised_by(&by), &Relu);
        let wanted = fixture.tensor(&name).unwrap();
        assert_eq!(wanted.shape(), [100, network.classes()], "{name}");
        let wanted = wanted.data().as_chunks::<4>().0.iter().map(|&bytes| f64::from(f32::from_le_bytes(bytes)));
        let found = outcomes.iter().flat_map(|outcome| outcome.logits.iter().copied());
        for (at, (found, wanted)) in found.zip(wanted).enumerate() {
            assert!((found - wanted).abs() < 1e-4, "{name}, logit {at}: {found}, by PyTorch {wanted}");
        }
    }
}
