//! All 10,000 test images, where they are at hand: `CIPHERLAB_DATA=FOLDER cargo test --release -p fhe-nn --test
//! full_test_set -- --nocapture`. The test of the paper's weights needs `CIPHERLAB_PAPER_WEIGHTS=FILE` as well.

use std::time::Instant;

use datasets::cifar::{Image, Normalisation};
use datasets::{Cache, Split, pretrained};
use fhe_nn::plain::{Activation, ApproximateRelu, Relu};
use fhe_nn::ranges::ModelCard;
use fhe_nn::{Approximation, ResNet};

fn test_set() -> Option<Vec<Image>> {
    match std::env::var_os("CIPHERLAB_DATA") {
        Some(folder) => Some(Cache::new(folder.into()).read(Split::Test).unwrap()),
        None => {
            eprintln!("skipped: CIPHERLAB_DATA names no folder of CIFAR-10 batches");
            None
        }
    }
}

fn right(network: &ResNet, images: &[Image], normalisation: &Normalisation, activation: &dyn Activation) -> usize {
    let start = Instant::now();
    let outcomes = network.forward_all(images, |image| image.normalised_by(normalisation), activation);
    let right = images.iter().zip(&outcomes).filter(|(i, o)| o.class() == i.label.map(usize::from)).count();
    let (seconds, threads) = (start.elapsed().as_secs_f64(), rayon::current_num_threads());
    eprintln!("{right} of {} right, {seconds:.1} s on {threads} threads", images.len());
    right
}

#[test]
fn our_weights_reach_what_their_card_claims() {
    let Some(images) = test_set() else { return };
    let network = ResNet::from_safetensors(pretrained::RESNET20).unwrap();
    let card = ModelCard::from_json(pretrained::RESNET20_CARD).unwrap();
    let claimed = (10_000.0 * card.test_accuracy.unwrap()).round() as usize;
    assert_eq!(right(&network, &images, &Normalisation::CIFAR10, &Relu), claimed);
}

/// With the polynomial in place. The card's accuracy is PyTorch's in float32, where an image or two may fall otherwise;
/// how many images leave the intervals, and by how much, is the last table of `datasets/MODEL_CARD.md`.
#[test]
fn weights_of_low_degree_reach_what_their_card_claims() {
    let Some(images) = test_set() else { return };
    let network = ResNet::from_safetensors(pretrained::RESNET20_CHEBYSHEV7).unwrap();
    let card = ModelCard::from_json(pretrained::RESNET20_CHEBYSHEV7_CARD).unwrap();
    let relu: Approximation = card.trained_with.as_ref().unwrap().relu.parse().unwrap();
    let intervals = card.intervals(&network, 1.0).unwrap();
    let activation = ApproximateRelu::new(&relu, &intervals);
    let claimed = 10_000.0 * card.test_accuracy.unwrap();
    let found = right(&network, &images, &Normalisation::CIFAR10, &activation) as f64;
    assert!((found - claimed).abs() <= 2.0, "{found} right, the card says {claimed}");

    for (times, wanted) in [(1.0, 50), (1.1, 16), (1.3, 3), (1.5, 0)] {
        let beyond = |index: usize, values: &mut [f64]| {
            let count = values.iter().filter(|value| value.abs() > times * intervals[index].hi).count();
            activation.apply(index, values);
            count
        };
        let outcomes = network.forward_all(&images, Image::normalised, &beyond);
        let found = outcomes.iter().filter(|outcome| outcome.overflows() > 0).count();
        assert_eq!(found, wanted, "images beyond {times} half-widths");
    }
}

#[test]
fn the_papers_weights_need_the_normalisation_they_were_trained_with() {
    let Some(weights) = std::env::var_os("CIPHERLAB_PAPER_WEIGHTS") else {
        eprintln!("skipped: CIPHERLAB_PAPER_WEIGHTS names no file");
        return;
    };
    let Some(images) = test_set() else { return };
    let network = ResNet::from_file(weights.as_ref()).unwrap();
    assert_eq!(right(&network, &images, &Normalisation::CIFAR10, &Relu), 9257);
    assert_eq!(right(&network, &images, &Normalisation::NONE, &Relu), 3263);
}

/// The table of `datasets/MODEL_CARD.md`.
#[test]
fn polynomial_relus_do_as_the_card_says() {
    let Some(images) = test_set() else { return };
    let images = &images[..1000];
    let network = ResNet::from_safetensors(pretrained::RESNET20).unwrap();
    let card = ModelCard::from_json(pretrained::RESNET20_CARD).unwrap();
    let exact = network.forward_all(images, Image::normalised, &Relu);
    let row = |degree, headroom| {
        let relu =
            ApproximateRelu::new(&Approximation::Chebyshev { degree }, &card.intervals(&network, headroom).unwrap());
        let found = network.forward_all(images, Image::normalised, &relu);
        let right = images.iter().zip(&found).filter(|(i, o)| o.class() == i.label.map(usize::from));
        let same = exact.iter().zip(&found).filter(|(e, o)| o.class() == e.class());
        let outside = found.iter().filter(|o| o.overflows() > 0);
        (degree, headroom, right.count(), same.count(), outside.count())
    };
    let wanted = [
        (13, 1.05, 162, 164, 0),
        (27, 1.05, 894, 931, 0),
        (43, 1.05, 925, 984, 0),
        (59, 1.05, 926, 989, 0),
        (119, 1.05, 926, 999, 0),
        (59, 1.2, 926, 988, 0),
        (119, 1.3, 927, 996, 0),
    ];
    assert_eq!(wanted.map(|(degree, headroom, ..)| row(degree, headroom)), wanted);
}
