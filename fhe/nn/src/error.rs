use std::path::PathBuf;

/// A program of Python that converts the checkpoint of PyTorch in its first argument, for a shell's single quotes.
const CONVERT: &str = "import sys, torch; from safetensors.torch import save_file; \
    found = torch.load(sys.argv[1], \"cpu\", weights_only=True); \
    found = next((found[key] for key in (\"state_dict\", \"net\", \"model\", \"model_state_dict\") if key in found), found); \
    save_file({name: tensor.contiguous() for name, tensor in found.items()}, sys.argv[1] + \".safetensors\")";

/// Everything that can be wrong with weights, a model card or an interval.
///
/// Each message holds its cause, so no error has a [source](std::error::Error::source): a chain would tell the cause
/// twice.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{}: {reason}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// A folder, pipe, socket or device in place of a file.
    #[error("{}: found {found}, wanted a file", path.display())]
    NotAFile {
        /// Its path.
        path: PathBuf,
        /// Its kind.
        found: &'static str,
    },
    /// A file with more bytes than are read.
    #[error("{}: found {found} bytes, wanted at most {wanted}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes found.
        found: u64,
        /// Largest number of bytes read.
        wanted: u64,
    },
    /// The bytes are those of another format.
    #[error("not a safetensors file: found {found}; {remedy}")]
    OtherFormat {
        /// The format.
        found: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A checkpoint of PyTorch from which no tensors can be taken.
    #[error(
        "{}: found a checkpoint of PyTorch that cannot be read ({reason}); copy it again, or convert it: python3 -c '{}' {}",
        path.display(), CONVERT, path.display()
    )]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// The reason, in one line.
        reason: String,
    },
    /// A checkpoint of PyTorch with several networks.
    #[error(
        "{}: found two networks, `{first}` and `{second}`, wanted one; save it alone: python3 -c 'import sys, torch; \
         torch.save(torch.load(sys.argv[1], \"cpu\", weights_only=True)[\"{key}\"], \"{key}.pth\")' {}",
        path.display(), path.display(), key = key(first)
    )]
    TwoNetworks {
        /// The file.
        path: PathBuf,
        /// The name of the one.
        first: String,
        /// The name of the other.
        second: String,
    },
    /// The header is that of a file of another length.
    #[error(
        "not a whole safetensors file: found {found} bytes, wanted the {wanted} that its header states; copy it again"
    )]
    WrongLength {
        /// Bytes found.
        found: u64,
        /// Bytes of the header and the tensors that it lists.
        wanted: u64,
    },
    /// The bytes are not a safetensors file.
    #[error("not a safetensors file: {0}")]
    Format(safetensors::SafeTensorError),
    /// Two tensors that are the same by PyTorch's names.
    #[error("tensors `{first}` and `{second}`: found both, wanted one of them for `{name}`")]
    TwoNames {
        /// The one.
        first: String,
        /// The other.
        second: String,
        /// PyTorch's name.
        name: String,
    },
    /// A tensor without elements.
    #[error("tensor `{name}`: found shape {found:?}, wanted 1 or more in every dimension")]
    EmptyTensor {
        /// Its name.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
    },
    /// A network of more stages than the image can be halved.
    #[error(
        "found {found} stages, `layer1` to `layer{found}`, wanted at most {wanted}: each halves the side of the image"
    )]
    WrongStages {
        /// Stages found.
        found: usize,
        /// The most stages.
        wanted: usize,
    },
    /// A network of another family, by its tensors.
    #[error("found {found}, wanted {wanted}")]
    OtherNetwork {
        /// What the file has.
        found: String,
        /// What a network of this family has.
        wanted: String,
    },
    /// A convention in the metadata of a file or in a model card that is unknown or contradicts another.
    #[error("`{key}`: found {found}, wanted {wanted}")]
    BadConvention {
        /// Its key.
        key: &'static str,
        /// Value or values found.
        found: String,
        /// Value wanted.
        wanted: String,
    },
    /// A tensor that the architecture needs is absent.
    #[error("tensor {wanted} not found; wanted PyTorch's names for a ResNet of basic blocks")]
    MissingTensor {
        /// Its name, or the names either of which would do.
        wanted: String,
    },
    /// A block changes the shape, and neither tensors nor a convention say how its shortcut does.
    #[error(
        "tensor `{name}` not found; wanted it, or, for shortcuts without weights, `shortcut` in the file's metadata or the \
         model card: {conventions}"
    )]
    MissingShortcut {
        /// Name of the tensor.
        name: String,
        /// The names of the conventions.
        conventions: String,
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
    #[error("tensor `{name}`: found elements of type {found}, wanted F32, F16, BF16 or F64")]
    WrongType {
        /// Its name.
        name: String,
        /// Element type in the file.
        found: String,
    },
    /// A weight that is NaN or infinite.
    #[error("tensor `{name}`: found {found} at element {index}, wanted finite numbers")]
    NotFinite {
        /// Its name.
        name: String,
        /// Flat index of the first such element.
        index: usize,
        /// The element.
        found: f64,
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
    #[error(
        "tensor `{name}`: found it, wanted none: it belongs to no layer of the ResNet-{depth} that the others make"
    )]
    UnusedTensor {
        /// Its name.
        name: String,
        /// Depth that the number of blocks in the first stage implies.
        depth: usize,
    },
    /// The model card is not a JSON object, or one of its fields is missing or has a value that it cannot have.
    #[error("model card: {0}")]
    Card(String),
    /// The model card lacks the range of an activation, or has one for which there is no interval.
    #[error("model card: range of activation `{activation}` found {found:?}, wanted a finite number above 0")]
    BadRange {
        /// Name of the activation.
        activation: String,
        /// Range in the card; `None` if there is none.
        found: Option<f64>,
    },
    /// The model card has the range of an activation that the network lacks.
    #[error(
        "model card: found ranges of {found} activations, wanted the {wanted} of the network; `{activation}` is none of them"
    )]
    ExtraRange {
        /// Name of the activation.
        activation: String,
        /// Ranges in the card.
        found: usize,
        /// Activations of the network.
        wanted: usize,
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

/// Returns the key of a checkpoint's dictionary under which a network's names begin.
fn key(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}
