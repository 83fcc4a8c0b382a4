//! The weights we ship, of a ResNet-20 in float32 with PyTorch's names, batch norm not folded. How they were made and
//! how well they do: `MODEL_CARD.md`.

/// Weights for ReLU (safetensors).
pub const RESNET20: &[u8] = include_bytes!("../assets/resnet20.safetensors");

/// The machine-readable card of [`RESNET20`] (JSON): accuracy, recipe, normalisation constants, and the largest
/// magnitude before each activation over the 50,000 training images.
pub const RESNET20_CARD: &str = include_str!("../assets/resnet20.json");

/// Weights for ReLU whose intervals hold for pictures of any kind (safetensors).
pub const RESNET20_WIDE_RANGES: &[u8] = include_bytes!("../assets/resnet20-wide-ranges.safetensors");

/// The card of [`RESNET20_WIDE_RANGES`], with ranges on odd pictures too.
pub const RESNET20_WIDE_RANGES_CARD: &str = include_str!("../assets/resnet20-wide-ranges.json");

/// Weights for the cosine of a bootstrap in place of ReLU. It holds for every number, so for pictures of any kind.
pub const RESNET20_COSINE: &[u8] = include_bytes!("../assets/resnet20-cosine.safetensors");

/// The card of [`RESNET20_COSINE`], with the half period of each activation.
pub const RESNET20_COSINE_CARD: &str = include_str!("../assets/resnet20-cosine.json");

/// Weights for a cosine as the second activation of a block, and a square as the first.
pub const RESNET20_COSINE_SQUARE: &[u8] = include_bytes!("../assets/resnet20-cosine-square.safetensors");

/// The card of [`RESNET20_COSINE_SQUARE`].
pub const RESNET20_COSINE_SQUARE_CARD: &str = include_str!("../assets/resnet20-cosine-square.json");

/// Weights for the interpolant of ReLU of degree 7 in its place.
pub const RESNET20_CHEBYSHEV7: &[u8] = include_bytes!("../assets/resnet20-chebyshev7.safetensors");

/// The card of [`RESNET20_CHEBYSHEV7`], with the interval of each activation.
pub const RESNET20_CHEBYSHEV7_CARD: &str = include_str!("../assets/resnet20-chebyshev7.json");
