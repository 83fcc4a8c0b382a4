//! Encrypted layers against the clear ones, at small and insecure rings, and the schedule against what is evaluated.

use fhe_ckks::{Ciphertext, Evaluator, KeyRequest, Parameters, SecretKey};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::layout::{self, Layout};
use super::matvec::MatVecPlan;
use super::schedule::Term;
use super::server::{classify, convolve};
use super::*;
use crate::network::{Block, Conv, Linear, STAGES};
use crate::plain::Tensor;
use crate::{ResNet, ranges};

/// What a step may err by: noise of a few bits at the scale of 2^42, summed over a few thousand products.
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

/// Both halves of a linear layer's test: level and scale as in a network, the chain above them left away.
struct Bench {
    circuit: Circuit,
    params: Parameters,
    secret: SecretKey,
    rng: ChaCha20Rng,
}

impl Bench {
    fn new(log_n: u32, seed: u64) -> Self {
        let mut circuit = Circuit::insecure(log_n, 3);
        circuit.parameters.main_bits.truncate(circuit.linear_level + 1);
        circuit.parameters.special_bits.truncate(2);
        let params = Parameters::try_from(circuit.parameters.clone()).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let secret = SecretKey::generate(&params, &mut rng);
        Self { circuit, params, secret, rng }
    }

    fn evaluator(&mut self, request: &KeyRequest) -> Evaluator {
        Evaluator::new(&self.params, request.generate(&self.secret, &mut self.rng))
    }

    fn encrypt(&mut self, at: Layout, values: &[f64]) -> Ciphertext {
        let (level, scale) = (self.circuit.linear_level, self.circuit.linear_scale());
        self.secret.encrypt_real(&at.pack(values), level, scale, &mut self.rng).unwrap()
    }

    fn check(&self, found: &Ciphertext, at: Layout, expected: &[f64]) {
        assert_eq!((found.level(), found.slots()), (self.circuit.linear_level - 1, at.slots()));
        assert!((found.scale() / self.circuit.linear_scale() - 1.0).abs() < 1e-9);
        let error = worst(&at.unpack(&self.secret.decrypt_real(found)), expected);
        assert!(error < TOLERANCE, "worst error {error:e} of layout {at:?}");
    }
}

fn keys_of(bench: &Bench, convs: &[(&Conv, Layout, Layout)]) -> KeyRequest {
    let mut request = KeyRequest::default();
    for (conv, from, to) in convs {
        let plan = MatVecPlan::new(&layout::convolution(conv, *from, *to, 1.0));
        plan.request_keys(&bench.params, bench.circuit.linear_level, &mut request);
    }
    request
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    // Layouts of at most two grids fill the 2048 slots of this ring: two channels of 32², eight of 16², 32 of 8².
    #[test]
    fn an_encrypted_convolution_is_the_convolution(
        log_side in 3u32..=5, in_share in 1usize..=8, out_share in 1usize..=8,
        kernel in prop::sample::select(vec![1usize, 3, 5]), stride in 1usize..=2, seed: u64,
    ) {
        let mut bench = Bench::new(12, seed);
        let side = 1usize << log_side;
        let most = |side: usize| (2 * 1024 / (side * side)).min(12);
        let channels = [(in_share * most(side)).div_ceil(8), (out_share * most(side / stride)).div_ceil(8)];
        let conv = conv(&mut bench.rng, channels, kernel, stride);
        let from = Layout { channels: channels[0], side };
        let to = Layout { channels: channels[1], side: side / stride };
        let request = keys_of(&bench, &[(&conv, from, to)]);
        let evaluator = bench.evaluator(&request);
        let (range_in, range_out) = (3.0, 5.0);
        let x = numbers(&mut bench.rng, channels[0] * side * side);
        let encrypted = bench.encrypt(from, &x);
        let term = Term { conv: &conv, x: &encrypted, from, range: range_in };
        let found = convolve(&evaluator, &bench.circuit, &[term], None, to, range_out).unwrap();
        let scaled: Vec<f64> = x.iter().map(|x| range_in * x).collect();
        let expected: Vec<f64> = apply(&conv, side, &scaled).iter().map(|y| y / range_out).collect();
        bench.check(&found, to, &expected);
    }

    #[test]
    fn an_encrypted_classifier_is_average_and_classifier(
        log_side in 3u32..=5, share in 1usize..=8, out_features in 2usize..=16, seed: u64,
    ) {
        let mut bench = Bench::new(12, seed);
        let side = 1usize << log_side;
        let from = Layout { channels: (share * (2 * 1024 / (side * side))).div_ceil(8), side };
        let (width, level) = (out_features.next_power_of_two(), bench.circuit.linear_level);
        let mut request = KeyRequest::default();
        request.rotation(&bench.params, 1, level);
        let strides = std::iter::successors(Some(width), |s| Some(2 * s)).take_while(|&s| s < from.slots());
        strides.for_each(|stride| request.rotation(&bench.params, stride as i64, level - 1));
        let evaluator = bench.evaluator(&request);
        let in_features = from.channels;
        let weight = numbers(&mut bench.rng, out_features * in_features);
        let linear = Linear { out_features, in_features, weight, bias: numbers(&mut bench.rng, out_features) };
        let x = numbers(&mut bench.rng, in_features * side * side);
        let encrypted = bench.encrypt(from, &x);
        let logits = classify(&evaluator, &bench.circuit, &linear, &encrypted, from, 7.0).unwrap();
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
    let mut bench = Bench::new(12, 5);
    let (side, range_in, range_mid, range_out) = (16, 2.0, 3.0, 4.0);
    let at = Layout { channels: 8, side };
    let from = Layout { channels: 2, side: 32 };
    let second = conv(&mut bench.rng, [8, 8], 3, 1);
    let shortcut = conv(&mut bench.rng, [2, 8], 1, 2);
    let request = keys_of(&bench, &[(&second, at, at), (&shortcut, from, at)]);
    let evaluator = bench.evaluator(&request);
    let [y, same] = [0, 1].map(|_| numbers(&mut bench.rng, 8 * side * side));
    let wide = numbers(&mut bench.rng, 2 * 32 * 32);
    let times = |values: &[f64], range: f64| values.iter().map(|v| v * range).collect::<Vec<_>>();
    let straight = apply(&second, side, &times(&y, range_mid));
    let encrypted = bench.encrypt(at, &y);
    let term = || Term { conv: &second, x: &encrypted, from: at, range: range_mid };
    let sum = |other: &[f64]| straight.iter().zip(other).map(|(a, b)| (a + b) / range_out).collect::<Vec<_>>();

    let identity = bench.encrypt(at, &same);
    let found = convolve(&evaluator, &bench.circuit, &[term()], Some((&identity, range_in)), at, range_out).unwrap();
    bench.check(&found, at, &sum(&times(&same, range_in)));

    let input = bench.encrypt(from, &wide);
    let projected = Term { conv: &shortcut, x: &input, from, range: range_in };
    let found = convolve(&evaluator, &bench.circuit, &[term(), projected], None, at, range_out).unwrap();
    bench.check(&found, at, &sum(&apply(&shortcut, 32, &times(&wide, range_in))));
}

/// A ResNet-8 of two channels, so that 4096 slots hold it.
pub(crate) fn narrow(rng: &mut ChaCha20Rng) -> ResNet {
    let stem = conv(rng, [3, 2], 3, 1);
    let mut channels = 2;
    let blocks = (0..STAGES)
        .map(|stage| {
            let (inp, out) = (channels, 2 << stage);
            channels = out;
            let stride = if inp == out { 1 } else { 2 };
            let conv1 = conv(rng, [inp, out], 3, stride);
            let conv2 = conv(rng, [out, out], 3, 1);
            let shortcut = (inp != out).then(|| conv(rng, [inp, out], 1, 2));
            Block { conv1, conv2, shortcut, stride }
        })
        .collect();
    let weight = numbers(rng, 10 * channels);
    let classifier = Linear { out_features: 10, in_features: channels, weight, bias: numbers(rng, 10) };
    ResNet { stem, blocks, classifier }
}

#[test]
fn a_whole_network_takes_the_steps_of_its_schedule() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let network = narrow(&mut rng);
    let image = numbers(&mut rng, 3 * 32 * 32);
    let ranges = ranges::observe(&network, &[()], |()| image.clone());
    let program = Program::new(network, Circuit::insecure(13, 7), ranges);
    let params = Parameters::try_from(program.circuit().parameters.clone()).unwrap();
    let (client, keys) = Client::generate(&program, &params, &mut rng).unwrap();
    let request = program.request_keys(&params).unwrap();
    let memory = program.memory(&params, &request).unwrap();
    let server = Server::new(program.clone(), &params, keys).unwrap();
    assert_eq!(memory.keys, server.evaluator().keys().bytes());
    assert_eq!(memory.constants, server.constant_bytes());

    let series = program.circuit().activation.clone();
    let polynomial = |index: usize, values: &mut [f64]| {
        let range = program.ranges()[index];
        values.iter_mut().for_each(|v| *v = range * series.evaluate(circuit::straighten_inverse(*v / range)));
        0
    };
    let (outcome, steps) = program.network().trace(&image, &polynomial);
    let mut seen = Vec::new();
    let encrypted = client.encrypt(&image, &mut rng).unwrap();
    let logits = server
        .evaluate(&encrypted, &mut |step, result| {
            let clear = &steps.iter().find(|known| known.name == step.layer).unwrap().output.data;
            let error = worst(&client.look(step, result), clear);
            assert!(error < 2e-2, "{} {:?}: worst error {error:e}", step.layer, step.op);
            let scale = result.scale().log2();
            seen.push((step.layer.clone(), step.op, result.level(), (scale * 1e6).round(), result.slots()));
        })
        .unwrap();
    assert!(worst(&client.decrypt(&logits), &outcome.logits) < 2e-2);
    let schedule = program.schedule(&params).unwrap();
    let planned: Vec<_> =
        schedule.into_iter().map(|s| (s.layer, s.op, s.level, (s.scale.log2() * 1e6).round(), s.slots)).collect();
    assert_eq!(seen, planned);
}

#[test]
fn every_degree_has_a_schedule_or_a_reason() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let network = narrow(&mut rng);
    let ranges = vec![1.0; network.activations()];
    let mut judged = std::collections::BTreeMap::new();
    for degree in 3..=255 {
        let circuit = match Circuit::chebyshev_relu(16, degree) {
            Ok(circuit) => circuit,
            Err(reason) => {
                assert!(reason.to_string().contains("128-bit limit"), "degree {degree}: {reason}");
                continue;
            }
        };
        // The chain depends on the depth alone: one schedule a depth.
        let depth = circuit.activation_level - circuit.linear_level;
        judged.entry(depth).or_insert_with(|| {
            let params = Parameters::try_from(circuit.parameters.clone()).unwrap();
            assert!(params.security_bits() >= 128, "degree {degree}");
            let program = Program::new(network.clone(), circuit.clone(), ranges.clone());
            let schedule = program.schedule(&params).unwrap();
            assert_eq!(schedule.len(), 3 * program.network().activations() + 1);
            for step in schedule {
                let wanted = match step.op {
                    Op::Convolution | Op::Classifier => circuit.linear_level - 1,
                    Op::Bootstrap => circuit.activation_level,
                    Op::Activation => circuit.linear_level,
                };
                assert_eq!(step.level, wanted, "degree {degree}, {} {:?}", step.layer, step.op);
            }
        });
    }
    assert_eq!(judged.keys().copied().collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7, 8]);
}
