//! The network as data: convolutions with batch norm folded in, blocks, a classifier.

/// Channels of the input: red, green, blue.
pub const INPUT_CHANNELS: usize = 3;
/// Width and height of the input, in pixels.
pub const INPUT_SIDE: usize = 32;
/// Stages, each of the same number of blocks; from the second on, each begins with a stride of 2 and twice the channels.
pub const STAGES: usize = 3;

/// A convolution, zero-padded by `kernel / 2` on every side, plus a bias: an `h x w` input becomes `ceil(h / stride)` by
/// `ceil(w / stride)`.
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
    /// `out x in x kernel x kernel`, the last index fastest.
    pub weight: Vec<f64>,
    /// One value an output channel.
    pub bias: Vec<f64>,
}

/// `relu(conv2(relu(conv1(x))) + shortcut(x))`.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// First convolution, which takes the stride.
    pub conv1: Conv,
    /// Second convolution, of stride 1.
    pub conv2: Conv,
    /// A 1 x 1 convolution where the block changes the shape (a zero-padded identity is one too, of zeros and ones); `None`
    /// where the input itself is added.
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
    /// `out x in`, the last index fastest.
    pub weight: Vec<f64>,
    /// One value an output; zeros where the file has none.
    pub bias: Vec<f64>,
}

/// ResNet-(6n+2): a convolution, [`STAGES`] stages of n blocks, the average over each channel, a classifier.
#[derive(Clone, Debug, PartialEq)]
pub struct ResNet {
    /// From 3 channels to the width of the first stage.
    pub stem: Conv,
    /// All blocks in order, n to a stage.
    pub blocks: Vec<Block>,
    /// From the channels of the last stage to the classes.
    pub classifier: Linear,
}

/// What a step of the evaluation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A convolution; the second of a block together with the shortcut added to it.
    Conv,
    /// An activation, counted from 0 in order of evaluation.
    Activation(usize),
    /// The average over each channel.
    Pool,
    /// The classifier.
    Linear,
}

impl ResNet {
    /// Blocks in a stage.
    pub fn blocks_per_stage(&self) -> usize {
        self.blocks.len() / STAGES
    }

    /// Layers with weights on the longest path: 6n+2.
    pub fn depth(&self) -> usize {
        2 * self.blocks.len() + 2
    }

    /// Number of activations: 6n+1.
    pub fn activations(&self) -> usize {
        2 * self.blocks.len() + 1
    }

    /// The steps of an evaluation in order, by PyTorch's names: `conv1`, `act`, then `layer1.0.conv1`, `layer1.0.act1`,
    /// `layer1.0.conv2` (with the shortcut added), `layer1.0.act2` and so on for each block, `pool`, `fc`.
    pub fn steps(&self) -> Vec<(String, Op)> {
        let mut steps = vec![("conv1".to_owned(), Op::Conv), ("act".to_owned(), Op::Activation(0))];
        for index in 0..self.blocks.len() {
            let block = self.block_name(index);
            for half in 1..=2 {
                steps.push((format!("{block}.conv{half}"), Op::Conv));
                steps.push((format!("{block}.act{half}"), Op::Activation(2 * index + half)));
            }
        }
        steps.extend([("pool".to_owned(), Op::Pool), ("fc".to_owned(), Op::Linear)]);
        steps
    }

    /// The names of the activations, in order of evaluation.
    pub fn activation_names(&self) -> Vec<String> {
        self.steps().into_iter().filter(|(_, op)| matches!(op, Op::Activation(_))).map(|(name, _)| name).collect()
    }

    /// `layer1.0` for the first block.
    pub fn block_name(&self, index: usize) -> String {
        let n = self.blocks_per_stage();
        format!("layer{}.{}", index / n + 1, index % n)
    }
}
