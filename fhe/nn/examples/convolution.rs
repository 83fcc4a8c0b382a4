//! Evaluates one convolution on an encrypted image, at 128 bits of security, and prints its error.
//!
//!     cargo run --release -p fhe-nn --example convolution

use std::error::Error;

use datasets::{cifar, pretrained};
use fhe_ckks::{Evaluator, KeyRequest, Parameters, ParametersLiteral, SecretDistribution, SecretKey};
use fhe_nn::encrypted::interleave::Interleave;
use fhe_nn::encrypted::layout::{self, Layout};
use fhe_nn::encrypted::matvec::{self, MatVecPlan};
use fhe_nn::plain::Tensor;
use fhe_nn::{Conv, ResNet};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

fn main() -> Result<(), Box<dyn Error>> {
    // The first four of the sixteen output channels of ResNet-20's first convolution: 2^12 slots hold them.
    let stem = ResNet::from_safetensors(pretrained::RESNET20)?.stem;
    let conv = Conv { out_channels: 4, weight: stem.weight[..4 * 27].to_vec(), bias: stem.bias[..4].to_vec(), ..stem };
    let image = cifar::embedded_test_sample()[0].normalised();

    let params = Parameters::try_from(ParametersLiteral {
        log_n: 13,
        main_bits: vec![50, 42],
        special_bits: vec![50],
        secret: SecretDistribution::UniformTernary,
        ephemeral_weight: None,
        insecure: false,
        kernels: None,
    })?;
    let (level, scale) = (1, 42f64.exp2());

    // The convolution is a sparse matrix between two layouts of values in slots.
    let (from, to) = (Layout::multiplexed(3, 32), Layout::multiplexed(4, 32));
    let matrix = layout::convolution(&conv, from, to, 1.0);
    let plan = MatVecPlan::new(&matrix, from);

    let mut rng = ChaCha20Rng::from_os_rng();
    let secret = SecretKey::generate(&params, &mut rng);
    let mut request = KeyRequest::default();
    plan.request_keys(&params, level, Interleave::NONE, &mut request);
    let evaluator = Evaluator::new(&params, request.generate(&secret, &mut rng));

    let x = secret.encrypt_real(&from.pack(&image), level, scale, &mut rng)?;
    let y = matvec::multiply(&evaluator, &plan, &matrix, &x, params.prime(level), Interleave::NONE)?;
    let y = evaluator.rescale(y)?;
    let bias = params.encode_real(&layout::bias(&conv, to, 1.0), y.scale(), y.basis())?;
    let found = to.unpack(&secret.decrypt_real(&evaluator.add_plain(&y, &bias)?));

    let exact = conv.apply(&Tensor::image(&image, 3)).data;
    let error = found.iter().zip(&exact).map(|(found, exact)| (found - exact).abs()).fold(0.0, f64::max);
    let (hoisted, others) = plan.rotations();
    println!("{} values, {hoisted} hoisted rotations and {others} others, largest error {error:.1e}", found.len());
    assert!(error < 1e-6, "found an error of {error:e}");
    Ok(())
}
