//! Shortcuts without weights, where a block halves the picture and adds channels (He et al. 2016, option A).
//!
//! Each is written as a convolution of zeros and constants, so that every evaluator treats it like one with weights.

use std::fmt;
use std::str::FromStr;

use crate::Error;
use crate::network::Conv;

/// How a shortcut without weights halves its input and where it adds channels of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaddedShortcut {
    /// Whether each output pixel is the mean of 2 x 2 input pixels; otherwise it is the first of them.
    pub average: bool,
    /// Whether all zeros come after the input's channels; otherwise half of them come before.
    pub after: bool,
}

/// Text in a file or card that only says that shortcuts have no weights.
const UNSPECIFIC: &str = "identity-padded";

impl PaddedShortcut {
    /// All conventions.
    pub const ALL: [Self; 4] = [
        Self { average: false, after: false },
        Self { average: false, after: true },
        Self { average: true, after: false },
        Self { average: true, after: true },
    ];

    /// Returns the name of the convention in a file's metadata or a model card.
    pub fn name(self) -> &'static str {
        match (self.average, self.after) {
            (false, false) => "pad-centre",
            (false, true) => "pad-after",
            (true, false) => "average-pool-pad-centre",
            (true, true) => "average-pool-pad-after",
        }
    }

    /// Returns the names of all conventions, for errors.
    pub(crate) fn names() -> String {
        Self::ALL.map(|convention| format!("`{convention}`")).join(", ")
    }

    /// Returns the shortcut from `inp` to `out` channels, which are no fewer, with this stride.
    pub(crate) fn conv(self, inp: usize, out: usize, stride: usize) -> Conv {
        // Without a stride there is nothing to average over.
        let average = self.average && stride > 1;
        // Windows of 2 x 2 are the last two rows and columns of a 3 x 3 kernel, which is padded by one pixel.
        let kernel = if average { 3 } else { 1 };
        let taps = kernel * kernel;
        let mut weight = vec![0.0; out * inp * taps];
        let first = if self.after { 0 } else { (out - inp) / 2 };
        for channel in 0..inp {
            let filter = &mut weight[((first + channel) * inp + channel) * taps..][..taps];
            if average {
                [4, 5, 7, 8].into_iter().for_each(|tap: usize| filter[tap] = 0.25);
            } else {
                filter[0] = 1.0;
            }
        }
        Conv { out_channels: out, in_channels: inp, kernel, stride, weight, bias: vec![0.0; out] }
    }
}

impl fmt::Display for PaddedShortcut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PaddedShortcut {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|convention| convention.name() == text).ok_or_else(|| Error::BadConvention {
            key: "shortcut",
            found: format!("`{text}`"),
            wanted: Self::names(),
        })
    }
}

/// Returns the convention that a file's metadata and the model card state. Notes if it had to be assumed.
///
/// # Errors
/// [`Error::BadConvention`] for an unknown name, or if the two state different ones.
pub(crate) fn stated(
    file: Option<&str>,
    card: Option<PaddedShortcut>,
    notes: &mut Vec<String>,
) -> Result<Option<PaddedShortcut>, Error> {
    match (file, card) {
        (None | Some(UNSPECIFIC), Some(card)) => Ok(Some(card)),
        (None, None) => Ok(None),
        (Some(UNSPECIFIC), None) => {
            let assumed = PaddedShortcut::ALL[0];
            notes.push(format!(
                "the file says `shortcut` = `{UNSPECIFIC}`; `{assumed}` was assumed, others are {}",
                PaddedShortcut::names()
            ));
            Ok(Some(assumed))
        }
        (Some(file), card) => {
            let convention: PaddedShortcut = file.parse()?;
            match card {
                Some(card) if card != convention => Err(Error::BadConvention {
                    key: "shortcut",
                    found: format!("`{convention}` in the weights and `{card}` in the card"),
                    wanted: "the same in both".to_owned(),
                }),
                _ => Ok(Some(convention)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain::Tensor;

    #[test]
    fn each_convention_halves_and_pads_as_it_says() {
        let (side, inp, out) = (4, 2, 4);
        let value = |channel: usize, y: usize, x: usize| (100 * channel + 10 * y + x) as f64;
        let pixels = (0..inp).flat_map(|c| (0..side).flat_map(move |y| (0..side).map(move |x| value(c, y, x))));
        let input = Tensor { channels: inp, height: side, width: side, data: pixels.collect() };
        for convention in PaddedShortcut::ALL {
            let found = convention.conv(inp, out, 2).apply(&input);
            let first = if convention.after { 0 } else { 1 };
            for channel in 0..out {
                for (y, x) in (0..2).flat_map(|y| (0..2).map(move |x| (y, x))) {
                    let at = |dy, dx| value(channel - first, 2 * y + dy, 2 * x + dx);
                    let wanted = if !(first..first + inp).contains(&channel) {
                        0.0
                    } else if convention.average {
                        (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4.0
                    } else {
                        at(0, 0)
                    };
                    assert_eq!(found.data[(channel * 2 + y) * 2 + x], wanted, "{convention} {channel} {y} {x}");
                }
            }
            assert_eq!(convention.name().parse::<PaddedShortcut>().unwrap(), convention);
        }
    }
}
