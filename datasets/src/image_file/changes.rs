//! The changes that brought a picture to 32 x 32 pixels, in words.

use std::fmt;

use crate::cifar::SIDE;

/// The changes that brought a picture to 32 x 32 pixels. `Display` writes them in one line for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Width of the picture upright, in pixels.
    pub width: u32,
    /// Height of the picture upright, in pixels.
    pub height: u32,
    /// Whether the camera's orientation tag turned or mirrored it.
    pub turned: bool,
    /// Whether an alpha channel was laid over white.
    pub flattened: bool,
    /// Side of the centre square that was kept, in pixels.
    pub crop: u32,
}

impl Changes {
    /// Returns whether the centre square is less than the whole picture.
    pub fn cropped(&self) -> bool {
        self.width != self.height
    }

    /// Returns whether the square had another side than 32 pixels.
    pub fn resized(&self) -> bool {
        self.crop as usize != SIDE
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} pixels", self.width, self.height)?;
        let mut steps = Vec::new();
        if self.turned {
            steps.push("turned upright".to_owned());
        }
        if self.flattened {
            steps.push("transparency laid over white".to_owned());
        }
        if self.cropped() {
            steps.push(format!("cropped to the centre {0} x {0}", self.crop));
        }
        if self.resized() {
            steps.push(format!("resized to {SIDE} x {SIDE}"));
        }
        if steps.is_empty() { write!(f, ", taken as it is") } else { write!(f, ": {}", steps.join(", ")) }
    }
}
