//! Polynomials in place of the ReLUs.

use datasets::{cifar, pretrained};
use fhe_nn::plain::{Activation, ApproximateRelu, Relu};
use fhe_nn::ranges::{self, Interval, ModelCard};
use fhe_nn::{Approximation, Error, ResNet};

fn network() -> ResNet {
    ResNet::from_safetensors(pretrained::RESNET20).unwrap()
}

fn card() -> ModelCard {
    ModelCard::from_json(pretrained::RESNET20_CARD).unwrap()
}

#[test]
fn the_card_names_every_activation() {
    let (network, card) = (network(), card());
    let intervals = card.intervals(&network, 1.05).unwrap();
    assert_eq!(intervals.len(), 19);
    let last = card.range_on_training_images["layer3.2.act2"] * 1.05;
    assert_eq!(intervals[18], Interval { lo: -last, hi: last });
    assert_eq!(card.test_accuracy, Some(0.9258));
    let wanted = cifar::Normalisation::CIFAR10;
    assert_eq!((card.mean, card.std), (wanted.mean.to_vec(), wanted.std.to_vec()));
}

#[test]
fn ranges_and_headroom_that_make_no_interval_are_refused() {
    let (network, mut card) = (network(), card());
    assert!(matches!(card.intervals(&network, 0.0), Err(Error::BadHeadroom { .. })));
    assert!(matches!(card.intervals(&network, f64::NAN), Err(Error::BadHeadroom { .. })));
    card.range_on_training_images.insert("layer2.1.act1".into(), -1.0);
    let error = card.intervals(&network, 1.0).unwrap_err().to_string();
    assert!(error.contains("`layer2.1.act1` found Some(-1.0)"), "{error}");
    card.range_on_training_images.remove("layer2.1.act1");
    let error = card.intervals(&network, 1.0).unwrap_err().to_string();
    assert!(error.contains("`layer2.1.act1` found None"), "{error}");
    assert!(matches!(ModelCard::from_json("{}"), Err(Error::Card(_))));
}

#[test]
fn observed_ranges_are_those_of_the_trace() {
    let network = network();
    let images = &cifar::embedded_test_sample()[..3];
    let found = ranges::observe(&network, images, |image| image.normalised());
    let mut wanted = vec![0.0_f64; 19];
    for image in images {
        let (_, steps) = network.trace(&image.normalised(), &Relu);
        for (wanted, step) in wanted.iter_mut().zip(steps.iter().step_by(2)) {
            *wanted = step.output.data.iter().fold(*wanted, |w, x| w.max(x.abs()));
        }
    }
    assert_eq!(found, wanted);
}

/// The higher the degree, the nearer the logits: measured on the embedded sample, with 1.2 times the card's ranges.
#[test]
fn polynomials_of_growing_degree_approach_the_exact_network() {
    let network = network();
    let images = cifar::embedded_test_sample();
    let intervals = card().intervals(&network, 1.2).unwrap();
    let exact = network.forward_all(images, |image| image.normalised(), &Relu);
    let mut last = f64::INFINITY;
    for (degree, agreement) in [(27, 87), (59, 100), (247, 100)] {
        let relu = ApproximateRelu::new(&Approximation::Chebyshev { degree }, &intervals);
        let found = network.forward_all(images, |image| image.normalised(), &relu);
        assert_eq!(found.iter().map(|o| o.overflows()).sum::<usize>(), 0, "degree {degree}");
        let agree = exact.iter().zip(&found).filter(|(e, f)| e.class() == f.class()).count();
        let errors =
            exact.iter().zip(&found).flat_map(|(e, f)| e.logits.iter().zip(&f.logits).map(|(a, b)| (a - b).abs()));
        let mean = errors.sum::<f64>() / 1000.0;
        assert_eq!(agree, agreement, "same class at degree {degree}");
        assert!(mean < last / 2.0, "degree {degree}: mean logit error {mean}, before {last}");
        last = mean;
    }
}

#[test]
fn an_overflowing_image_is_counted_and_spoils_no_other() {
    let network = network();
    let relu =
        ApproximateRelu::new(&Approximation::Chebyshev { degree: 59 }, &card().intervals(&network, 1.2).unwrap());
    let good = cifar::embedded_test_sample()[0].normalised();
    let bad: Vec<f64> = good.iter().map(|x| 10.0 * x).collect();
    let outcomes = network.forward_all(&[good.clone(), bad, good.clone()], Vec::clone, &relu);
    assert_eq!(outcomes[0], outcomes[2]);
    assert_eq!(outcomes[0], network.forward(&good, &relu));
    assert_eq!(outcomes[0].overflows(), 0);
    assert!(outcomes[1].overflow[0] > 0 && outcomes[1].class().is_none(), "{:?}", outcomes[1]);
}

#[test]
fn a_closure_is_an_activation() {
    let network = network();
    let input = cifar::embedded_test_sample()[0].normalised();
    let calls = std::sync::Mutex::new(Vec::new());
    let relu = |index: usize, values: &mut [f64]| {
        calls.lock().unwrap().push((index, values.len()));
        Relu.apply(index, values)
    };
    assert_eq!(network.forward(&input, &relu), network.forward(&input, &Relu));
    let lengths = [vec![16 * 32 * 32; 7], vec![32 * 16 * 16; 6], vec![64 * 8 * 8; 6]].concat();
    assert_eq!(*calls.lock().unwrap(), lengths.into_iter().enumerate().collect::<Vec<_>>());
}
