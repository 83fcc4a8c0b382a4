//! The main job: one encrypted image through the network.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use datasets::cifar::{CLASS_NAMES, Image, embedded_test_sample};
use fhe_ckks::{Ciphertext, Parameters};
use fhe_nn::encrypted::{Circuit, Client, Op, Program, Server, StepInfo, circuit};
use fhe_nn::plain::Relu;
use fhe_nn::ranges::ModelCard;
use fhe_nn::{ResNet, plain};
use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use serde::Serialize;

use crate::machine;

/// Arguments of `classify`.
#[derive(clap::Args)]
pub struct Args {
    /// Number of an image of the embedded test sample (0 to 99), or a PNG or JPEG file; may be repeated.
    #[arg(long = "image", value_name = "N|FILE", default_value = "0")]
    images: Vec<String>,
    /// Ring dimension N.
    #[arg(long, default_value_t = 65536)]
    ring_dim: usize,
    /// Activation: chebyshev:DEGREE, the Chebyshev interpolant of ReLU.
    #[arg(long, default_value = "chebyshev:59")]
    relu: String,
    /// How far beyond the ranges seen on training images the activations hold.
    #[arg(long, default_value_t = 1.05)]
    headroom: f64,
    /// Threads; all cores if not given.
    #[arg(long)]
    threads: Option<usize>,
    /// Seed of all keys and noise, for a run that repeats bit for bit. NOT SECRET: without it the operating system's
    /// randomness is used.
    #[arg(long)]
    seed: Option<u64>,
    /// Decrypt after each layer and compare with the plaintext model (outside the timed path).
    #[arg(long)]
    trace: bool,
    /// Print one JSON object an image instead of tables.
    #[arg(long)]
    json: bool,
}

/// What is printed of an image.
#[derive(Serialize)]
struct Report {
    image: String,
    class: usize,
    label: Option<u8>,
    plain_class: Option<usize>,
    exact_class: Option<usize>,
    logits: Vec<f64>,
    plain_logits: Vec<f64>,
    max_abs_error: f64,
    precision_bits: f64,
    seconds: Seconds,
    layers: Vec<Layer>,
    peak_rss_bytes: Option<u64>,
    key_bytes: usize,
    constant_bytes: usize,
    params: Params,
}

#[derive(Clone, Serialize)]
struct Seconds {
    keygen: f64,
    encrypt: f64,
    evaluate: f64,
    decrypt: f64,
}

#[derive(Serialize)]
struct Layer {
    layer: String,
    op: &'static str,
    level: usize,
    seconds: f64,
    max_abs_error: Option<f64>,
    mean_abs_error: Option<f64>,
    precision_bits: Option<f64>,
}

#[derive(Clone, Serialize)]
struct Params {
    ring_dim: usize,
    log_qp: f64,
    log_qp_limit: Option<f64>,
    security: u32,
    relu: String,
    packing: &'static str,
    threads: usize,
    backend: &'static str,
}

/// Runs `classify`.
pub fn run(args: &Args) -> Result<()> {
    let degree = match args.relu.split_once(':') {
        Some(("chebyshev", degree)) => degree.parse().with_context(|| format!("degree '{degree}' of --relu"))?,
        _ => bail!("--relu {}: wanted chebyshev:DEGREE, such as chebyshev:59", args.relu),
    };
    if !args.ring_dim.is_power_of_two() {
        bail!("--ring-dim {}: wanted a power of two, such as 65536", args.ring_dim);
    }
    if let Some(threads) = args.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("--threads")?;
    }
    let images = args.images.iter().map(|image| load(image)).collect::<Result<Vec<_>>>()?;
    let mut rng = args.seed.map_or_else(ChaCha20Rng::from_os_rng, ChaCha20Rng::seed_from_u64);

    let network = ResNet::from_safetensors(datasets::pretrained::RESNET20)?;
    let card = ModelCard::from_json(datasets::pretrained::RESNET20_CARD)?;
    let ranges: Vec<f64> = card.intervals(&network, args.headroom)?.iter().map(|interval| interval.hi).collect();
    let circuit = Circuit::chebyshev_relu(args.ring_dim.trailing_zeros(), degree)?;
    let params = Parameters::try_from(circuit.parameters.clone())?;
    let program = Program::new(network, circuit, ranges);
    let described = Params {
        ring_dim: params.n(),
        log_qp: params.log_qp(),
        log_qp_limit: params.security().map(|report| report.limit),
        security: params.security_bits(),
        relu: args.relu.clone(),
        packing: "multiplexed",
        threads: rayon::current_num_threads(),
        backend: params.ring().backend().name(),
    };

    let started = Instant::now();
    let spinner = spinner(&format!("generating keys at N = {}", params.n()));
    let (client, keys) = Client::generate(&program, &params, &mut rng)?;
    let server = Server::new(program, &params, keys)?;
    spinner.finish_and_clear();
    let keygen = started.elapsed().as_secs_f64();

    for (name, image) in &images {
        let report = classify(args, &server, &client, name, image, keygen, described.clone(), &mut rng)?;
        if args.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            print(&report);
        }
    }
    Ok(())
}

#[allow(clippy::too_many_arguments)]
fn classify(
    args: &Args,
    server: &Server,
    client: &Client,
    name: &str,
    image: &Image,
    keygen: f64,
    params: Params,
    rng: &mut ChaCha20Rng,
) -> Result<Report> {
    let input = image.normalised();
    let program = server.program();
    let (reference, steps) = program.network().trace(&input, &polynomial(program));
    let exact = program.network().forward(&input, &Relu);

    let started = Instant::now();
    let encrypted = client.encrypt(&input, rng)?;
    let encrypt = started.elapsed().as_secs_f64();

    let bar = progress(program.steps());
    let mut layers = Vec::new();
    let mut evaluate = 0.0;
    let mut clock = Instant::now();
    let mut see = |step: &StepInfo, result: &Ciphertext| {
        let seconds = clock.elapsed().as_secs_f64();
        evaluate += seconds;
        bar.set_message(step.layer.clone());
        bar.inc(1);
        let error = args.trace.then(|| compare(client, step, result, &steps)).flatten();
        layers.push(Layer {
            layer: step.layer.clone(),
            op: op_name(step.op),
            level: result.level(),
            seconds,
            max_abs_error: error.map(|(max, _)| max),
            mean_abs_error: error.map(|(_, mean)| mean),
            precision_bits: error.map(|(max, _)| -max.log2()),
        });
        clock = Instant::now();
    };
    let encrypted_logits = server.evaluate(&encrypted, &mut see)?;
    bar.finish_and_clear();

    let started = Instant::now();
    let logits = client.decrypt(&encrypted_logits);
    let decrypt = started.elapsed().as_secs_f64();
    let max_abs_error = max_error(&logits, &reference.logits);
    let class = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).expect("there are classes");
    Ok(Report {
        image: name.to_owned(),
        class,
        label: image.label,
        plain_class: reference.class(),
        exact_class: exact.class(),
        max_abs_error,
        precision_bits: -max_abs_error.log2(),
        logits,
        plain_logits: reference.logits,
        seconds: Seconds { keygen, encrypt, evaluate, decrypt },
        layers,
        peak_rss_bytes: machine::peak_rss_bytes(),
        key_bytes: server.evaluator().keys().bytes(),
        constant_bytes: server.constant_bytes(),
        params,
    })
}

/// The encrypted network's activation, in the clear.
fn polynomial(program: &Program) -> impl plain::Activation {
    let series = program.circuit().activation.clone();
    let ranges = program.ranges().to_vec();
    move |index: usize, values: &mut [f64]| {
        let range = ranges[index];
        let mut overflow = 0;
        for value in values {
            let u = *value / range;
            overflow += usize::from(u.abs() > 1.0);
            *value = range * series.evaluate(circuit::straighten_inverse(u));
        }
        overflow
    }
}

/// Largest and mean deviation from the plaintext step that this one ends with.
fn compare(client: &Client, step: &StepInfo, result: &Ciphertext, steps: &[plain::Step]) -> Option<(f64, f64)> {
    let expected = &steps.iter().find(|known| known.name == step.layer)?.output.data;
    let found = client.look(step, result);
    let errors = || found.iter().zip(expected).map(|(f, e)| (f - e).abs());
    Some((errors().fold(0.0, f64::max), errors().sum::<f64>() / expected.len() as f64))
}

fn max_error(found: &[f64], expected: &[f64]) -> f64 {
    found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max)
}

fn op_name(op: Op) -> &'static str {
    match op {
        Op::Convolution => "convolution",
        Op::Bootstrap => "bootstrap",
        Op::Activation => "activation",
        Op::Classifier => "classifier",
    }
}

/// An image by number or by file.
fn load(image: &str) -> Result<(String, Image)> {
    if let Ok(index) = image.parse::<usize>() {
        let sample = embedded_test_sample();
        let found = sample
            .get(index)
            .with_context(|| format!("--image {index}: the embedded sample holds images 0 to {}", sample.len() - 1))?;
        return Ok((format!("test image {index}"), found.clone()));
    }
    let path = PathBuf::from(image);
    let loaded = datasets::image_file::load(&path).with_context(|| format!("--image {image}"))?;
    if loaded.changes.cropped() || loaded.changes.resized() {
        eprintln!("{image}: {}", loaded.changes);
    }
    Ok((image.to_owned(), loaded.image))
}

fn spinner(message: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(message.to_owned());
    spinner.enable_steady_tick(std::time::Duration::from_millis(120));
    spinner
}

fn progress(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{elapsed_precise} [{bar:40}] {pos}/{len} {msg}, {eta} left")
        .expect("a valid template")
        .progress_chars("=> ");
    ProgressBar::new(steps as u64).with_style(style)
}

fn print(report: &Report) {
    println!("{:<18} {:<12} {:>5} {:>9} {:>10} {:>6}", "layer", "operation", "level", "seconds", "max error", "bits");
    for layer in &report.layers {
        let optional = |v: Option<f64>, digits: usize| v.map_or(String::new(), |v| format!("{v:.digits$}"));
        println!(
            "{:<18} {:<12} {:>5} {:>9.3} {:>10} {:>6}",
            layer.layer,
            layer.op,
            layer.level,
            layer.seconds,
            optional(layer.max_abs_error, 6),
            optional(layer.precision_bits, 1),
        );
    }
    println!("\n{:<12} {:>10} {:>10} {:>10}", "class", "encrypted", "plaintext", "error");
    for (k, name) in CLASS_NAMES.iter().enumerate() {
        let (found, expected) = (report.logits[k], report.plain_logits[k]);
        println!("{name:<12} {found:>10.4} {expected:>10.4} {:>10.6}", found - expected);
    }
    let name = |class: Option<usize>| class.map_or("none", |c| CLASS_NAMES[c]);
    println!(
        "\n{}: {} (plaintext polynomial model: {}, exact model: {}, label: {})",
        report.image,
        name(Some(report.class)),
        name(report.plain_class),
        name(report.exact_class),
        name(report.label.map(usize::from)),
    );
    let Seconds { keygen, encrypt, evaluate, decrypt } = report.seconds;
    println!("seconds: keys {keygen:.2}, encrypt {encrypt:.3}, evaluate {evaluate:.2}, decrypt {decrypt:.3}");
    let gigabytes = |bytes: usize| bytes as f64 / 1e9;
    println!(
        "memory: peak {:.2} GB, evaluation keys {:.2} GB, bootstrapping constants {:.2} GB",
        report.peak_rss_bytes.map_or(f64::NAN, |b| gigabytes(b as usize)),
        gigabytes(report.key_bytes),
        gigabytes(report.constant_bytes),
    );
    let p = &report.params;
    println!(
        "parameters: N = {}, logQP = {:.1} of {:.0}, {} bits of security, {}, {} threads, {}",
        p.ring_dim,
        p.log_qp,
        p.log_qp_limit.unwrap_or(f64::NAN),
        p.security,
        p.relu,
        p.threads,
        p.backend,
    );
}
