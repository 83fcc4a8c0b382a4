use std::path::PathBuf;

/// What can be wrong with weights, a model card or an interval.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The bytes are not a safetensors file.
    #[error("not a safetensors file: {0}")]
    Format(#[from] safetensors::SafeTensorError),
    /// A tensor that the architecture needs is absent.
    #[error("tensor {wanted} not found; wanted PyTorch's names for a CIFAR ResNet of 6n+2 layers")]
    MissingTensor {
        /// Its name, or the names either of which would do.
        wanted: String,
    },
    /// A tensor of another shape.
    #[error("tensor `{name}`: found shape {found:?}, wanted {wanted:?}")]
    WrongShape {
        /// Its name.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape that the layers before it ask for.
        wanted: Vec<usize>,
    },
    /// A tensor of another element type.
    #[error("tensor `{name}`: found elements of type {found}, wanted F32")]
    WrongType {
        /// Its name.
        name: String,
        /// Element type in the file.
        found: String,
    },
    /// A weight that is no number.
    #[error("tensor `{name}`: found {found} at element {index}, wanted finite numbers")]
    NotFinite {
        /// Its name.
        name: String,
        /// Flat index of the first such element.
        index: usize,
        /// The element.
        found: f32,
    },
    /// A variance below zero.
    #[error("tensor `{name}`: found variance {found} at element {index}, wanted 0 or more")]
    NegativeVariance {
        /// Its name.
        name: String,
        /// Flat index of the first such element.
        index: usize,
        /// The element.
        found: f64,
    },
    /// A tensor that no layer takes: the file is of another architecture.
    #[error("tensor `{name}` belongs to no layer of the ResNet-{depth} that the other tensors make")]
    UnusedTensor {
        /// Its name.
        name: String,
        /// Depth that the number of blocks in the first stage implies.
        depth: usize,
    },
    /// The model card is not the JSON object it should be.
    #[error("model card: {0}")]
    Card(#[from] serde_json::Error),
    /// The model card lacks the range of an activation, or has one for which there is no interval.
    #[error("model card: range of activation `{activation}` found {found:?}, wanted a finite number above 0")]
    BadRange {
        /// Name of the activation.
        activation: String,
        /// Range in the card; `None` where there is none.
        found: Option<f64>,
    },
    /// A headroom that makes no interval.
    #[error("headroom: found {found}, wanted a finite factor above 0, such as 1.05")]
    BadHeadroom {
        /// The factor.
        found: f64,
    },
    /// The noise model is not the JSON object it should be.
    #[error("noise model: {0}")]
    NoiseModel(serde_json::Error),
    /// A noise model without an operation that a circuit has.
    #[error("noise model: no noise of the {op} at {slots} slots; wanted a model calibrated on a circuit that has it")]
    MissingNoise {
        /// The operation.
        op: String,
        /// Slots of its result.
        slots: usize,
    },
    /// Noise that cannot be drawn.
    #[error(
        "noise model: found gain {gain}, mean {mean} and deviation {deviation} for the {op} at {slots} slots, wanted \
         finite numbers, the deviation 0 or more"
    )]
    BadNoise {
        /// The operation.
        op: String,
        /// Slots of its result.
        slots: usize,
        /// The gain.
        gain: f64,
        /// The mean.
        mean: f64,
        /// The deviation.
        deviation: f64,
    },
}
