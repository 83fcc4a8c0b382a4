//! The networks that are part of the program.

use std::path::Path;

#[cfg(test)]
use datasets::digest::sha256;
use datasets::pretrained;

/// A network that is part of the program, with its card.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shipped {
    /// The name that a user gives in place of a file.
    pub name: &'static str,
    /// Safetensors.
    pub(super) weights: &'static [u8],
    /// JSON.
    pub(super) card: &'static str,
}

/// The shipped networks. The first one is used where no weights are named; advice prefers the others in this order.
pub(crate) static SHIPPED: [Shipped; 5] = [
    Shipped { name: "resnet20", weights: pretrained::RESNET20, card: pretrained::RESNET20_CARD },
    Shipped {
        name: "resnet20-cosine-square",
        weights: pretrained::RESNET20_COSINE_SQUARE,
        card: pretrained::RESNET20_COSINE_SQUARE_CARD,
    },
    Shipped { name: "resnet20-cosine", weights: pretrained::RESNET20_COSINE, card: pretrained::RESNET20_COSINE_CARD },
    Shipped {
        name: "resnet20-chebyshev7",
        weights: pretrained::RESNET20_CHEBYSHEV7,
        card: pretrained::RESNET20_CHEBYSHEV7_CARD,
    },
    Shipped {
        name: "resnet20-wide-ranges",
        weights: pretrained::RESNET20_WIDE_RANGES,
        card: pretrained::RESNET20_WIDE_RANGES_CARD,
    },
];

impl Shipped {
    /// Returns the network of this name.
    pub(crate) fn named(name: &Path) -> Option<&'static Self> {
        SHIPPED.iter().find(|shipped| Path::new(shipped.name) == name)
    }

    /// Returns the weights, as safetensors.
    pub(crate) fn weights(&self) -> &'static [u8] {
        self.weights
    }

    /// Returns the card, as JSON.
    pub(crate) fn card(&self) -> &'static str {
        self.card
    }

    /// Digest of the weights.
    #[cfg(test)]
    pub(crate) fn weights_sha256(&self) -> String {
        sha256(self.weights)
    }
}
