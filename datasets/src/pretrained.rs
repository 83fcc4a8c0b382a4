//! The ResNet-20 we ship. How it was made and how well it does: `MODEL_CARD.md`.

/// Weights in safetensors form, float32, PyTorch names, batch norm not folded.
pub const RESNET20: &[u8] = include_bytes!("../assets/resnet20.safetensors");

/// The machine-readable card of [`RESNET20`] (JSON): accuracy, recipe, normalisation constants, and the largest magnitude
/// before each activation over the 50,000 training images.
pub const RESNET20_CARD: &str = include_str!("../assets/resnet20.json");
