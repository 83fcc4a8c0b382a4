//! The network as data: convolutions with batch norm folded in, blocks, a classifier, and [`ResNet::layers`], the one
//! list of layers that every evaluation under encryption is derived from.

use serde::{Deserialize, Serialize};

/// Channels of a colour image: red, green, blue. A network may take one or two.
pub const INPUT_CHANNELS: usize = 3;
/// Width and height of the input, in pixels.
pub const INPUT_SIDE: usize = 32;
/// Stages of the ResNets of He et al. 2016. [`ResNet::layers`] counts the stages that a network has.
pub const STAGES: usize = 3;
/// The most stages of a network: each but the first halves the side of the image.
pub const MOST_STAGES: usize = INPUT_SIDE.ilog2() as usize + 1;
/// The most classes of a network that is read from a file.
pub const MOST_CLASSES: usize = 1000;

/// A convolution, zero-padded by `kernel / 2` on every side, plus a bias: an h × w input becomes one of ⌈h / stride⌉ ×
/// ⌈w / stride⌉.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Channels of the output.
    pub out_channels: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Width and height of the kernel; odd.
    pub kernel: usize,
    /// Step between the inputs of neighbouring outputs.
    pub stride: usize,
    /// out × in × kernel × kernel values, the last index fastest.
    pub weight: Vec<f64>,
    /// One value for each output channel.
    pub bias: Vec<f64>,
}

/// `relu(conv2(relu(conv1(x))) + shortcut(x))`.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// First convolution, which has the stride.
    pub conv1: Conv,
    /// Second convolution, of stride 1.
    pub conv2: Conv,
    /// A 1 × 1 convolution if the block changes the shape (a zero-padded identity is one too, of zeros and ones);
    /// `None` if the input itself is added.
    pub shortcut: Option<Conv>,
    /// Stride of `conv1` and of the shortcut.
    pub stride: usize,
}

/// `weight * x + bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// Length of the output.
    pub out_features: usize,
    /// Length of the input.
    pub in_features: usize,
    /// out × in values, the last index fastest.
    pub weight: Vec<f64>,
    /// One value for each output; zeros if the file has none.
    pub bias: Vec<f64>,
}

/// A ResNet for CIFAR-10: a convolution, blocks in stages, the average over each channel, a classifier.
///
/// A block with a stride begins a stage. ResNet-(6n+2) has [`STAGES`] stages of n blocks; any other number of stages,
/// blocks and channels works as well.
///
/// ```
/// use fhe_nn::{ResNet, plain::Relu};
///
/// let network = ResNet::from_safetensors(datasets::pretrained::RESNET20)?;
/// assert_eq!((network.depth(), network.activations()), (20, 19));
/// let image = datasets::cifar::embedded_test_sample()[0].normalised();
/// let outcome = network.forward(&image, &Relu);
/// assert_eq!(outcome.class(), Some(3), "a cat");
/// # Ok::<(), fhe_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ResNet {
    /// From the channels of the input to the width of the first stage.
    pub stem: Conv,
    /// All blocks in order.
    pub blocks: Vec<Block>,
    /// From the channels of the last stage to the classes.
    pub classifier: Linear,
}

/// The operation of a step of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// A convolution; the second of a block includes the addition of the shortcut.
    Convolution,
    /// A bootstrap; only under encryption.
    Bootstrap,
    /// An activation.
    Activation,
    /// The average over each channel and the classifier.
    Classifier,
}

/// The name of the classifier's step.
pub const CLASSIFIER: &str = "fc";

/// A layer: a sum of convolutions, and an activation of that.
///
/// Values are numbered: 0 is the image, and k + 1 is the result of layer k.
#[derive(Clone, Debug)]
pub struct Layer<'a> {
    /// PyTorch's name of the convolution that ends the sum, such as `layer1.0.conv2`.
    pub name: String,
    /// The name of the activation, such as `layer1.0.act2`.
    pub activation: String,
    /// The convolutions whose results are added; at least one.
    pub terms: Vec<Term<'a>>,
    /// The number of the value that is added unchanged.
    pub identity: Option<usize>,
    /// 0 for the first convolution, 1 for the first stage of blocks, and so on.
    pub stage: usize,
}

/// A convolution with the number of the value that it is applied to.
#[derive(Clone, Copy, Debug)]
pub struct Term<'a> {
    /// The convolution.
    pub conv: &'a Conv,
    /// The number of its input; see [`Layer`].
    pub input: usize,
}

impl Layer<'_> {
    /// Whether the layer uses the value with this number.
    pub fn uses(&self, value: usize) -> bool {
        self.identity == Some(value) || self.terms.iter().any(|term| term.input == value)
    }
}

impl ResNet {
    /// Bytes of the weights and biases in memory.
    pub fn bytes(&self) -> usize {
        let blocks =
            self.blocks.iter().flat_map(|block| [&block.conv1, &block.conv2].into_iter().chain(&block.shortcut));
        let convolutions = blocks.chain([&self.stem]).map(|conv| conv.weight.len() + conv.bias.len()).sum::<usize>();
        8 * (convolutions + self.classifier.weight.len() + self.classifier.bias.len())
    }

    /// Channels of the input: three for colour, one for grey.
    pub fn input_channels(&self) -> usize {
        self.stem.in_channels
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classifier.out_features
    }

    /// Number of convolutions and classifiers on the longest path: 6n+2 for three stages of n blocks.
    pub fn depth(&self) -> usize {
        self.layers().len() + 1
    }

    /// Number of activations: 6n+1 for three stages of n blocks.
    pub fn activations(&self) -> usize {
        self.layers().len()
    }

    /// The layers in order of evaluation, the classifier excluded: `conv1`, then `layer1.0.conv1` and `layer1.0.conv2`
    /// for the first block of the first stage, and so on. The classifier is applied to the result of the last.
    pub fn layers(&self) -> Vec<Layer<'_>> {
        let stem = Term { conv: &self.stem, input: 0 };
        let (name, activation) = ("conv1".to_owned(), "act".to_owned());
        let mut layers = vec![Layer { name, activation, terms: vec![stem], identity: None, stage: 0 }];
        let (mut stage, mut place) = (0, 0);
        for (index, block) in self.blocks.iter().enumerate() {
            // A block with a stride begins a stage, and so does the first.
            (stage, place) = if index == 0 || block.stride > 1 { (stage + 1, 0) } else { (stage, place + 1) };
            let input = layers.len();
            let half = |half: usize, terms, identity| {
                let name = |part: &str| format!("layer{stage}.{place}.{part}{half}");
                Layer { name: name("conv"), activation: name("act"), terms, identity, stage }
            };
            layers.push(half(1, vec![Term { conv: &block.conv1, input }], None));
            let second = Term { conv: &block.conv2, input: layers.len() };
            layers.push(match &block.shortcut {
                Some(conv) => half(2, vec![second, Term { conv, input }], None),
                None => half(2, vec![second], Some(input)),
            });
        }
        layers
    }

    /// The names and operations of the steps of a plaintext evaluation, in order: convolution and activation of each
    /// layer, then the classifier.
    pub fn steps(&self) -> Vec<(String, Op)> {
        let both = |layer: Layer<'_>| [(layer.name, Op::Convolution), (layer.activation, Op::Activation)];
        let mut steps: Vec<_> = self.layers().into_iter().flat_map(both).collect();
        steps.push((CLASSIFIER.to_owned(), Op::Classifier));
        steps
    }

    /// The names of the activations, in order of evaluation.
    pub fn activation_names(&self) -> Vec<String> {
        self.layers().into_iter().map(|layer| layer.activation).collect()
    }
}

/// The stage of a step by its name, as [`ResNet::layers`] gives them: 0 for the first convolution and its activation, 2
/// for `layer2.0.act1`. `None` for the classifier and for names of no layer.
pub fn stage(step: &str) -> Option<usize> {
    match step.split_once('.') {
        None => ["conv1", "act"].contains(&step).then_some(0),
        Some((stage, _)) => stage.strip_prefix("layer")?.parse().ok(),
    }
}
