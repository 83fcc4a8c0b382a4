//! Classifies an encrypted image and compares the logits with those of the plaintext network.
//!
//! Without arguments the network is a toy in an INSECURE ring. With `--secure` it is ResNet-20 with 128 bits of
//! security, which takes about twenty seconds of processor time and a few gigabytes of memory:
//!
//!     cargo run --release -p fhe-nn --example classify [-- --secure]

use std::error::Error;

use datasets::{cifar, pretrained};
use fhe_ckks::Parameters;
use fhe_nn::encrypted::{Circuit, Client, Packing, Program, Server};
use fhe_nn::network::{Block, Conv, Linear};
use fhe_nn::{Approximation, ResNet, ranges};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

fn main() -> Result<(), Box<dyn Error>> {
    let relu = Approximation::Chebyshev { degree: 7 };
    let images = cifar::embedded_test_sample();
    let (network, circuit, intervals) = if std::env::args().any(|argument| argument == "--secure") {
        let network = ResNet::from_safetensors(pretrained::RESNET20_CHEBYSHEV7)?;
        let card = ranges::ModelCard::from_json(pretrained::RESNET20_CHEBYSHEV7_CARD)?;
        let intervals = card.intervals(&network, 1.0)?;
        (network, Circuit::new(15, &relu, Packing::Fused, None)?, intervals)
    } else {
        println!("INSECURE: a ring of dimension 2^13, for this demonstration only");
        let seen = ranges::observe(&toy(), images, |image| image.normalised());
        (toy(), Circuit::new(16, &relu, Packing::Fused, None)?.in_ring(13), ranges::intervals(&seen, 1.05)?)
    };
    let image = images[0].normalised();
    let mut rng = ChaCha20Rng::from_os_rng();
    let program = Program::new(network, circuit, intervals.iter().map(|interval| interval.hi).collect())?;
    let params = Parameters::try_from(program.circuit().parameters().clone())?;
    let (client, keys) = Client::generate(&program, &params, &mut rng)?;
    let server = Server::new(program, &params, keys)?;
    let encrypted = client.encrypt(&[&image], &mut rng)?;
    let result =
        server.evaluate(&encrypted, &mut |step, x| println!("{:15} {:?} level {}", step.layer, step.op, x.level()))?;
    let logits = &client.decrypt(&result)[0];

    let program = server.program();
    let plain = program.network().forward(&image, &program.clear_activation());
    let error = logits.iter().zip(&plain.logits).map(|(found, exact)| (found - exact).abs()).fold(0.0, f64::max);
    let class = fhe_nn::plain::class(logits).ok_or("the logits are not finite")?;
    println!("class {class} ({}), largest error of a logit {error:.1e}", cifar::CLASS_NAMES[class]);
    assert_eq!(Some(class), plain.class(), "the encrypted and the plaintext network disagree");
    Ok(())
}

/// A network of one block with four channels and arbitrary weights.
fn toy() -> ResNet {
    let w = |count: usize| (0..count).map(|i| ((i * 37 % 101) as f64 - 50.0) / 200.0).collect::<Vec<f64>>();
    let conv =
        |from| Conv { out_channels: 4, in_channels: from, kernel: 3, stride: 1, weight: w(36 * from), bias: w(4) };
    let block = Block { conv1: conv(4), conv2: conv(4), shortcut: None, stride: 1 };
    let classifier = Linear { out_features: 10, in_features: 4, weight: w(40), bias: w(10) };
    ResNet { stem: conv(3), blocks: vec![block], classifier }
}
