//! The networks we ship. How they were made and how well they do: `MODEL_CARD.md`.

/// Weights in safetensors form, float32, PyTorch names, batch norm not folded.
pub const RESNET20: &[u8] = include_bytes!("../assets/resnet20.safetensors");

/// The machine-readable card of [`RESNET20`] (JSON): accuracy, recipe, normalisation constants, and the largest magnitude
/// before each activation over the 50,000 training images.
pub const RESNET20_CARD: &str = include_str!("../assets/resnet20.json");

/// A network that is in the program.
pub struct Pretrained {
    /// As configs and the command line have it.
    pub name: &'static str,
    /// Weights in safetensors form.
    pub weights: &'static [u8],
    /// Their card (JSON).
    pub card: &'static str,
}

/// All of them, the default first.
pub const ALL: &[Pretrained] = &[
    Pretrained { name: "resnet20", weights: RESNET20, card: RESNET20_CARD },
    // Fine-tuned with the interpolant of ReLU of degree 15 in the forward pass.
    Pretrained {
        name: "resnet20-chebyshev15",
        weights: include_bytes!("../assets/resnet20-chebyshev15.safetensors"),
        card: include_str!("../assets/resnet20-chebyshev15.json"),
    },
];
