//! Encrypted layers compared with clear ones in small and insecure rings, and the schedule with the evaluation.

use fhe_ckks::{Ciphertext, Evaluator, KeyRequest, Parameters, SecretKey};
use fhe_ring::Shelf;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::interleave::Interleave;
use super::layout::Layout;
use super::linear::{classify, convolve};
use super::slots::{Count, Encrypted, Operand};
use super::*;
use crate::network::{Block, Conv, INPUT_CHANNELS, Linear};
use crate::plain::Activation;
use crate::plain::Tensor;
use crate::{Approximation, Form, ResNet, ranges};

/// The largest error of a step: noise of a few bits at the scale of 2^42, summed over a few thousand products.
const TOLERANCE: f64 = 1e-6;

pub(crate) fn numbers(rng: &mut ChaCha20Rng, count: usize) -> Vec<f64> {
    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
}

fn conv(rng: &mut ChaCha20Rng, [in_channels, out_channels]: [usize; 2], kernel: usize, stride: usize) -> Conv {
    let mut weight = numbers(rng, out_channels * in_channels * kernel * kernel);
    let spread = ((in_channels * kernel * kernel) as f64 / 2.0).sqrt();
    weight.iter_mut().for_each(|w| *w /= spread);
    Conv { out_channels, in_channels, kernel, stride, weight, bias: numbers(rng, out_channels) }
}

fn apply(conv: &Conv, side: usize, data: &[f64]) -> Vec<f64> {
    conv.apply(&Tensor { channels: conv.in_channels, height: side, width: side, data: data.to_vec() }).data
}

fn worst(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max)
}

/// The setting of a linear layer's test: levels and scales as in a network, without the chain of primes above them.
struct Bench {
    circuit: Circuit,
    params: Parameters,
    secret: SecretKey,
    rng: ChaCha20Rng,
}

/// A term before it is encrypted.
struct Clear<'a> {
    conv: &'a Conv,
    values: &'a [f64],
    from: Layout,
    range: f64,
}

impl Bench {
    fn new(log_n: u32, packing: Packing, seed: u64) -> Self {
        let circuit = Circuit::insecure(log_n, 3, packing);
        let mut literal = circuit.parameters().clone();
        literal.main_bits.truncate(circuit.activation_level + 1);
        literal.special_bits.truncate(2);
        let params = Parameters::try_from(literal).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let secret = SecretKey::generate(&params, &mut rng);
        Self { circuit, params, secret, rng }
    }

    fn evaluator(&mut self, request: &KeyRequest) -> Evaluator {
        Evaluator::new(&self.params, request.generate(&self.secret, &mut self.rng))
    }

    /// Values encrypted at the level and the scale of a convolution's input: an activation's, or a bootstrap's if the
    /// packing bootstraps the input of a convolution with this stride.
    fn encrypt(&mut self, at: Layout, values: &[f64], stride: usize) -> Ciphertext {
        let circuit = &self.circuit;
        let (level, scale) = if circuit.packing.refreshes(stride) {
            (circuit.activation_level, circuit.bootstrapped_scale())
        } else {
            (circuit.linear_level, circuit.linear_scale())
        };
        self.secret.encrypt_real(&at.pack(values), level, scale, &mut self.rng).unwrap()
    }

    fn level(&self, stride: usize) -> usize {
        let circuit = &self.circuit;
        if circuit.packing.refreshes(stride) { circuit.activation_level } else { circuit.linear_level }
    }

    /// A convolution with exactly the keys that were counted.
    fn convolve(
        &mut self,
        terms: &[Clear<'_>],
        identity: Option<(&[f64], f64)>,
        to: Layout,
        range: f64,
    ) -> Result<(Ciphertext, Evaluator, Vec<Ciphertext>), fhe_ckks::CkksError> {
        let params = self.params.clone();
        let mut count = Count::new(&params, Interleave::NONE);
        let levels: Vec<usize> = terms.iter().map(|term| self.level(term.conv.stride)).collect();
        let counted =
            terms.iter().zip(&levels).map(|(term, x)| Operand { conv: term.conv, x, from: term.from, range: 1.0 });
        let own = self.circuit.linear_level;
        let counted: Vec<_> = counted.collect();
        convolve(
            &mut count,
            &self.circuit,
            &counted,
            identity.map(|(_, range)| (&own, range)),
            to,
            self.circuit.before_bootstrap(range),
        )?;
        let evaluator = self.evaluator(&count.request);
        let x: Vec<Ciphertext> =
            terms.iter().map(|term| self.encrypt(term.from, term.values, term.conv.stride)).collect();
        let identity = identity.map(|(values, range)| (self.encrypt(to, values, 1), range));
        let encrypted = terms.iter().zip(&x);
        let encrypted: Vec<_> =
            encrypted.map(|(term, x)| Operand { conv: term.conv, x, from: term.from, range: term.range }).collect();
        let mut slots = on_ciphertexts(&evaluator, &self.circuit);
        let identity = identity.as_ref().map(|(x, range)| (x, *range));
        let found =
            convolve(&mut slots, &self.circuit, &encrypted, identity, to, self.circuit.before_bootstrap(range))?;
        Ok((found, evaluator, x))
    }

    fn check(&self, found: &Ciphertext, at: Layout, expected: &[f64]) {
        assert_eq!((found.level(), found.slots()), (self.circuit.bootstrap_level(), at.slots()));
        assert!((found.scale() / self.circuit.linear_scale() - 1.0).abs() < 1e-9);
        let error = worst(&at.unpack(&self.secret.decrypt_real(found)), expected);
        assert!(error < TOLERANCE, "worst error {error:e} of layout {at:?}");
    }
}

fn on_ciphertexts<'a>(evaluator: &'a Evaluator, circuit: &Circuit) -> Encrypted<'a> {
    Encrypted { evaluator, linear_scale: circuit.linear_scale(), interleave: Interleave::NONE }
}

fn packing() -> impl Strategy<Value = Packing> {
    prop::sample::select(Packing::ALL)
}

fn times(values: &[f64], factor: f64) -> Vec<f64> {
    values.iter().map(|v| v * factor).collect()
}

/// Channels of a side² plane that 2048 slots hold, a share of them from 1 to 8 eighths.
fn share(side: usize, share: usize) -> usize {
    (share * (2 * 1024 / (side * side)).min(12)).div_ceil(8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_encrypted_convolution_is_the_convolution(
        packing in packing(), log_side in 3u32..=5, in_share in 1usize..=8, out_share in 1usize..=8,
        kernel in prop::sample::select(vec![1usize, 3, 5]), stride in 1usize..=2, seed: u64,
    ) {
        let mut bench = Bench::new(12, packing, seed);
        let side = 1usize << log_side;
        let channels = [share(side, in_share), share(side / stride, out_share)];
        let conv = conv(&mut bench.rng, channels, kernel, stride);
        let (from, to) = (packing.layout(channels[0], side), packing.layout(channels[1], side / stride));
        let x = numbers(&mut bench.rng, channels[0] * side * side);
        let term = Clear { conv: &conv, values: &x, from, range: 3.0 };
        let (found, ..) = bench.convolve(&[term], None, to, 5.0).unwrap();
        bench.check(&found, to, &times(&apply(&conv, side, &times(&x, 3.0)), 0.2));
    }

    #[test]
    fn an_encrypted_classifier_is_average_and_classifier(
        packing in packing(), log_side in 3u32..=5, eighths in 1usize..=8, out_features in 2usize..=16, seed: u64,
    ) {
        let mut bench = Bench::new(12, packing, seed);
        let side = 1usize << log_side;
        let from = packing.layout((eighths * (2 * 1024 / (side * side))).div_ceil(8), side);
        let in_features = from.channels;
        let weight = numbers(&mut bench.rng, out_features * in_features);
        let linear = Linear { out_features, in_features, weight, bias: numbers(&mut bench.rng, out_features) };
        let params = bench.params.clone();
        let mut count = Count::new(&params, Interleave::NONE);
        classify(&mut count, &bench.circuit, &linear, &bench.circuit.linear_level, from, 7.0).unwrap();
        let width = out_features.next_power_of_two();
        let sums = (from.slots() / width).trailing_zeros() as usize;
        prop_assert_eq!((count.hoisted, count.full), (0, width - 1 + sums));
        let evaluator = bench.evaluator(&count.request);
        let x = numbers(&mut bench.rng, in_features * side * side);
        let encrypted = bench.encrypt(from, &x, 1);
        let mut slots = on_ciphertexts(&evaluator, &bench.circuit);
        let logits = classify(&mut slots, &bench.circuit, &linear, &encrypted, from, 7.0).unwrap();
        let found = &bench.secret.decrypt_real(&logits)[..out_features];
        let means: Vec<f64> = x.chunks(side * side).map(|plane| 7.0 * plane.iter().sum::<f64>() / plane.len() as f64).collect();
        let rows = linear.weight.chunks(in_features).zip(&linear.bias);
        let expected: Vec<f64> = rows.map(|(w, b)| b + w.iter().zip(&means).map(|(w, m)| w * m).sum::<f64>()).collect();
        let error = worst(found, &expected);
        prop_assert!(error < 10.0 * TOLERANCE, "worst error {error:e}");
    }
}

#[test]
fn a_block_adds_its_input_or_its_shortcut() {
    for &packing in Packing::ALL {
        let mut bench = Bench::new(12, packing, 5);
        let side = 16;
        let (at, from) = (packing.layout(8, side), packing.layout(2, 32));
        let second = conv(&mut bench.rng, [8, 8], 3, 1);
        let shortcut = conv(&mut bench.rng, [2, 8], 1, 2);
        let [y, same] = [0, 1].map(|_| numbers(&mut bench.rng, 8 * side * side));
        let wide = numbers(&mut bench.rng, 2 * 32 * 32);
        let straight = apply(&second, side, &times(&y, 3.0));
        let term = || Clear { conv: &second, values: &y, from: at, range: 3.0 };
        let sum = |other: &[f64]| straight.iter().zip(other).map(|(a, b)| (a + b) / 4.0).collect::<Vec<_>>();

        let (found, ..) = bench.convolve(&[term()], Some((&same, 2.0)), at, 4.0).unwrap();
        bench.check(&found, at, &sum(&times(&same, 2.0)));

        let projected = Clear { conv: &shortcut, values: &wide, from, range: 2.0 };
        let (found, ..) = bench.convolve(&[term(), projected], None, at, 4.0).unwrap();
        bench.check(&found, at, &sum(&apply(&shortcut, 32, &times(&wide, 2.0))));
    }
}

/// Without any one of the counted keys the evaluation fails.
#[test]
fn no_key_is_asked_for_in_vain() {
    for &packing in Packing::ALL {
        for stride in 1..=2 {
            let mut bench = Bench::new(12, packing, 6);
            let conv = conv(&mut bench.rng, [2, 5], 3, stride);
            let (from, to) = (packing.layout(2, 32), packing.layout(5, 32 / stride));
            if to.slots() > bench.params.max_slots() {
                continue;
            }
            let values = numbers(&mut bench.rng, 2 * 32 * 32);
            let term = Clear { conv: &conv, values: &values, from, range: 1.0 };
            let (_, evaluator, x) = bench.convolve(&[term], None, to, 1.0).unwrap();
            for (kind, key) in evaluator.keys().iter() {
                let mut others = fhe_ckks::EvaluationKeys::default();
                let kept = evaluator.keys().iter().filter(|(k, other)| (*k, other.shape()) != (kind, key.shape()));
                // A taller key would do in the place of this one.
                kept.filter(|(k, other)| *k != kind || other.shape().main < key.shape().main)
                    .for_each(|(kind, key)| others.insert(kind, key.clone()));
                let evaluator = Evaluator::new(&bench.params, others);
                let mut slots = on_ciphertexts(&evaluator, &bench.circuit);
                let term = Operand { conv: &conv, x: &x[0], from, range: 1.0 };
                let found =
                    convolve(&mut slots, &bench.circuit, &[term], None, to, bench.circuit.before_bootstrap(1.0))
                        .map(drop);
                let missing = matches!(found, Err(fhe_ckks::CkksError::MissingKey { kind: k, .. }) if k == kind);
                assert!(missing, "{packing}, stride {stride}: not used: {kind} at {:?}", key.shape());
            }
        }
    }
}

/// A ResNet-8 of two channels, so that 4096 slots hold it.
pub(crate) fn narrow(rng: &mut ChaCha20Rng) -> ResNet {
    resnet(rng, 3, 1, 2)
}

/// A ResNet with random weights: `stages` stages of `blocks` blocks, the first of `width` channels.
pub(crate) fn resnet(rng: &mut ChaCha20Rng, stages: usize, blocks: usize, width: usize) -> ResNet {
    resnet_for(rng, stages, blocks, width, [INPUT_CHANNELS, 10])
}

/// A ResNet with random weights for images of `input` channels: `stages` stages of `blocks` blocks, the first of `width`
/// channels, and `classes` classes.
pub(crate) fn resnet_for(
    rng: &mut ChaCha20Rng,
    stages: usize,
    blocks: usize,
    width: usize,
    [input, classes]: [usize; 2],
) -> ResNet {
    let stem = conv(rng, [input, width], 3, 1);
    let mut channels = width;
    let blocks = (0..stages * blocks)
        .map(|index| {
            let (inp, out) = (channels, width << (index / blocks));
            channels = out;
            let stride = if inp == out { 1 } else { 2 };
            let conv1 = conv(rng, [inp, out], 3, stride);
            let conv2 = conv(rng, [out, out], 3, 1);
            let shortcut = (inp != out).then(|| conv(rng, [inp, out], 1, 2));
            Block { conv1, conv2, shortcut, stride }
        })
        .collect();
    let weight = numbers(rng, classes * channels);
    let classifier = Linear { out_features: classes, in_features: channels, weight, bias: numbers(rng, classes) };
    ResNet { stem, blocks, classifier }
}

#[test]
fn a_whole_network_takes_the_steps_of_its_schedule() {
    for &packing in Packing::ALL {
        // The network's slots are those of the smaller ring.
        let log_n = if packing == Packing::Batch { 14 } else { 13 };
        whole_network(Circuit::insecure(log_n, 7, packing), WIDE_NOISE);
    }
}

#[test]
fn one_or_two_channels_and_a_hundred_classes_hold_in_every_packing() {
    for (index, &packing) in Packing::ALL.iter().enumerate() {
        let log_n = if packing == Packing::Batch { 14 } else { 13 };
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let network = resnet_for(&mut rng, 3, 1, 2, [1 + index % 2, 100]);
        encrypted_network(rng, network, Circuit::insecure(log_n, 7, packing), WIDE_NOISE);
    }
}

#[test]
fn every_activation_and_profile_holds_under_encryption() {
    let circuit = |profile, relu: &str| Circuit::insecure_in(profile, 13, &relu.parse().unwrap(), Packing::default());
    for relu in ["minimax:7", "composite:3,5", "square"] {
        whole_network(circuit(Profile::wide(), relu), WIDE_NOISE);
    }
    // Six bits fewer in EvalMod: six bits of precision less.
    whole_network(circuit(Profile::narrow(), "chebyshev:7"), 2f64.powi(6) * WIDE_NOISE);
}

#[test]
fn bootstraps_that_are_activations_hold_in_every_packing() {
    for &packing in Packing::ALL {
        let log_n = if packing == Packing::Batch { 14 } else { 13 };
        for relu in ["cosine", "cosine+square"] {
            let circuit = Circuit::insecure_in(Profile::turn(), log_n, &relu.parse().unwrap(), packing);
            whole_network(circuit, TURN_NOISE);
        }
    }
}

/// Two layers to a bootstrap. Half of the activations get values at their own size.
#[test]
fn two_rounds_to_a_bootstrap_hold_in_every_packing() {
    for &packing in Packing::ALL {
        let log_n = if packing == Packing::Batch { 14 } else { 13 };
        let others: &[&str] = if packing == Packing::default() { &["square", "composite:3,5"] } else { &[] };
        for relu in [&["chebyshev:7"], others].concat() {
            let profile = Profile { rounds: 2, ..Profile::wide() };
            whole_network(Circuit::insecure_in(profile, log_n, &relu.parse().unwrap(), packing), WIDE_NOISE);
        }
    }
}

/// The bound on the error of every step in this ring, with the wide profile: four times the largest error of most
/// steps.
const WIDE_NOISE: f64 = 3e-5;

/// That bound with the profile for waves with squares.
const TURN_NOISE: f64 = 8e-3;

/// Asserts that every step is within `noise` of the plaintext model, that the largest error is not far below, and that
/// the steps are those of the schedule.
fn whole_network(circuit: Circuit, noise: f64) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let network = narrow(&mut rng);
    encrypted_network(rng, network, circuit, noise);
}

/// Asserts of a network what [`whole_network`] asserts of a narrow one.
fn encrypted_network(mut rng: ChaCha20Rng, network: ResNet, circuit: Circuit, noise: f64) {
    let packing = circuit.packing;
    let pixels = network.input_channels() * 32 * 32;
    let mut images: Vec<Vec<f64>> = (0..4).map(|_| numbers(&mut rng, pixels)).collect();
    let ranges = ranges::observe(&network, &images, Vec::clone);
    let program = Program::new(network, circuit, ranges).unwrap();
    let room = program.images();
    assert_eq!(room > 1, packing == Packing::Batch, "{packing}: {room} images in a ciphertext");
    images.truncate(room);
    let params = Parameters::try_from(program.circuit().parameters().clone()).unwrap();
    let plan = program.plan(&params).unwrap();
    let (client, observer, keys) = Client::generate_observed(&program, &params, &plan.request, &mut rng, None).unwrap();
    let memory = plan.memory;
    let server = Server::new(program.clone(), &params, keys).unwrap();
    assert_eq!(memory.keys, server.evaluator().keys().bytes());
    assert_eq!(memory.constants, server.constant_bytes());

    let clear: Vec<_> =
        images.iter().map(|image| program.network().trace(image, &program.clear_activation())).collect();
    let (mut seen, mut largest) = (Vec::new(), 0.0f64);
    let encrypted = client.encrypt(&images.iter().map(Vec::as_slice).collect::<Vec<_>>(), &mut rng).unwrap();
    let logits = server
        .evaluate(&encrypted, &mut |step, result| {
            for (found, (_, steps)) in observer.decrypt_step(step, result).iter().zip(&clear) {
                let clear = &steps.iter().find(|known| known.name == step.layer).unwrap().output.data;
                let error = worst(found, clear);
                largest = largest.max(error);
                assert!(error < noise, "{packing}, {} {:?}: worst error {error:e}", step.layer, step.op);
            }
            let scale = result.scale().log2();
            seen.push((step.layer.clone(), step.op, result.level(), (scale * 1e6).round(), result.slots()));
        })
        .unwrap();
    for (found, (outcome, _)) in client.decrypt(&logits).iter().zip(&clear) {
        let error = worst(found, &outcome.logits);
        assert!(error < noise, "{packing}: worst error {error:e}");
        println!(
            "{packing}, {}: worst logit error {error:e}, of all steps {largest:e}",
            program.circuit().approximation
        );
    }
    assert!(largest > noise / 50.0, "{packing}: {largest:e} is less noise than there must be");
    let planned: Vec<_> =
        plan.steps.into_iter().map(|s| (s.layer, s.op, s.level, (s.scale.log2() * 1e6).round(), s.slots)).collect();
    assert_eq!(seen, planned);
}

/// In the clear, an activation before a bootstrap of its own differs from the plain one only by an interpolation's
/// error.
#[test]
fn an_arcsine_before_a_bootstrap_changes_an_activation_by_next_to_nothing() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let network = narrow(&mut rng);
    let ranges = vec![8.0; network.activations()];
    let clear = |packing| {
        let circuit = Circuit::insecure(13, 59, packing);
        Program::new(network.clone(), circuit, ranges.clone()).unwrap()
    };
    let (vector, plain) = (clear(Packing::Vector), clear(Packing::Fused));
    let forms: Vec<_> = vector.layers().iter().map(|layer| layer.form).collect();
    assert_eq!(forms.iter().filter(|form| matches!(form, Form::Arcsine(_))).count(), 2);
    let (vector, plain) = (vector.clear_activation(), plain.clear_activation());
    for (index, form) in forms.into_iter().enumerate() {
        for x in (-80..=80).map(|k| f64::from(k) / 10.0) {
            let [a, b] = [&vector, &plain].map(|activation| {
                let mut one = [x];
                activation.apply(index, &mut one);
                one[0]
            });
            assert!((a - b).abs() < 2e-4, "activation {index} of {x}: {a} and {b}");
            let mut many = [x; 40];
            let outside = vector.apply(index, &mut many);
            assert_eq!((outside, many[0]), (0, a), "one by one and many at a time");
            assert_eq!(many, [many[0]; 40]);
            assert!(matches!(form, Form::Arcsine(_)) || a == b);
            assert!((a - x.max(0.0)).abs() < 0.2, "activation {index} of {x}: {a}");
        }
    }
}

#[test]
fn every_degree_has_a_schedule_or_a_reason() {
    Packing::ALL.iter().for_each(|&packing| every_degree(packing));
}

fn every_degree(packing: Packing) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let network = narrow(&mut rng);
    let ranges = vec![1.0; network.activations()];
    let more = if packing.refreshed_levels().is_some() { 2 } else { 0 };
    let mut judged = std::collections::BTreeMap::new();
    for degree in 3..=255 {
        let circuit = match Circuit::new(16, &Approximation::Chebyshev { degree }, packing, None) {
            Ok(circuit) => circuit,
            Err(reason) => {
                assert!(reason.to_string().contains("128-bit limit"), "degree {degree}: {reason}");
                continue;
            }
        };
        let strided = circuit.levels(2, circuit.bootstrap_level()).convolution;
        assert!(
            circuit.activation_level >= strided,
            "degree {degree}: {} levels of {strided}",
            circuit.activation_level
        );
        // The chain depends only on the depth, so one schedule for each depth is enough.
        let depth = circuit.activation_to(Form::Plain).depth();
        assert_eq!(depth, circuit.activation_to(Form::Arcsine(circuit.sine())).depth(), "degree {degree}");
        judged.entry(depth).or_insert_with(|| {
            let params = Parameters::try_from(circuit.parameters().clone()).unwrap();
            assert!(params.security_bits() >= 128, "degree {degree}");
            let program = Program::new(network.clone(), circuit.clone(), ranges.clone()).unwrap();
            let schedule = program.plan(&params).unwrap().steps;
            assert_eq!(schedule.len(), 3 * program.network().activations() + 1 + more);
            for step in schedule {
                let wanted = match step.op {
                    Op::Convolution | Op::Classifier => circuit.bootstrap_level(),
                    Op::Bootstrap => circuit.activation_level,
                    Op::Activation => circuit.activation_level - depth,
                };
                assert_eq!(step.level, wanted, "degree {degree}, {} {:?}", step.layer, step.op);
            }
        });
    }
    assert_eq!(judged.keys().copied().collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn circuits_without_security_are_those_of_a_larger_ring() {
    let activation: Approximation = "composite:15,15,27".parse().unwrap();
    assert!(Circuit::new(15, &activation, Packing::default(), None).is_err());
    let circuit = |log_n| Circuit::secure_or_not(log_n, &activation, Packing::default(), None).unwrap();
    let (small, large) = (circuit(15), circuit(16));
    let [found, wanted] = [small.parameters(), large.parameters()];
    assert_eq!((&found.main_bits, found.log_n), (&wanted.main_bits, 15));
    assert!(found.insecure && !wanted.insecure, "a secure circuit stays secure");
}

/// Keys and constants in files, in memory or in words: the same bits come out.
#[test]
fn every_way_of_holding_keys_and_constants_computes_the_same_bits() {
    let network = narrow(&mut ChaCha20Rng::seed_from_u64(1));
    let image = numbers(&mut ChaCha20Rng::seed_from_u64(2), 3 * 32 * 32);
    let ranges = ranges::observe(&network, std::slice::from_ref(&image), Vec::clone);
    let program = Program::new(network, Circuit::insecure(13, 7, Packing::Fused), ranges).unwrap();
    let params = Parameters::try_from(program.circuit().parameters().clone()).unwrap();
    let plan = program.plan(&params).unwrap();
    let shelf = Shelf::create(&std::env::temp_dir()).unwrap();
    let logits = |holding: Holding| {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let for_keys = (holding.keys == KeyPlace::File).then_some(&shelf);
        let (client, _, keys) =
            Client::generate_observed(&program, &params, &plan.request, &mut rng, for_keys).unwrap();
        let keys = if holding.keys == KeyPlace::Words { keys.expanded() } else { keys };
        let memory = plan.needs.memory(holding);
        if holding.keys != KeyPlace::File {
            assert_eq!(keys.bytes(), memory.keys, "{holding}");
        }
        let server = Server::holding(program.clone(), &params, keys, holding.constants, Some(&shelf)).unwrap();
        let encrypted = client.encrypt(&[&image], &mut rng).unwrap();
        (server.evaluate(&encrypted, &mut |_, _| {}).unwrap(), memory)
    };
    let (wanted, default) = logits(Holding::DEFAULT);
    for holding in Holding::all() {
        let (found, memory) = logits(holding);
        assert!(found == wanted, "{holding}");
        assert_eq!(memory.total() < default.total(), holding < Holding::DEFAULT, "{holding}");
        let backed = if holding.keys == KeyPlace::File { 0 } else { default.keys };
        assert_eq!(plan.needs.mapped_keys(holding), backed, "{holding}: words are beside the file");
    }
    let (file, lean) = (plan.needs.file(Holding::LEAN), plan.needs.memory(Holding::LEAN));
    assert!(lean.constants < default.constants / 4, "{lean:?}: only short diagonals stay in memory");
    assert_eq!(file + lean.constants, default.keys + default.constants);
}
