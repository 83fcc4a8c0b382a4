//! Draws the image on a terminal with 24-bit colours.

use std::fmt::Write;

use datasets::cifar::{Image, SIDE};

/// Returns the image as text. A line shows two rows of pixels: the upper in the foreground, the lower in the
/// background.
pub(crate) fn render(image: &Image) -> String {
    let colour = |row: usize, column: usize| {
        let [r, g, b] = [0, 1, 2].map(|plane| image.pixels[(plane * SIDE + row) * SIDE + column]);
        format!("{r};{g};{b}")
    };
    let mut text = String::new();
    for row in (0..SIDE).step_by(2) {
        for column in 0..SIDE {
            let (upper, lower) = (colour(row, column), colour(row + 1, column));
            write!(text, "\x1b[38;2;{upper};48;2;{lower}m▀").expect("strings take all text");
        }
        text.push_str("\x1b[0m\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_two_rows() {
        let mut image = Image { label: None, pixels: [0; 3 * SIDE * SIDE] };
        image.pixels[0] = 255; // red, upper left
        image.pixels[SIDE * SIDE + SIDE] = 7; // green, the pixel below
        let text = render(&image);
        assert_eq!(text.lines().count(), SIDE / 2);
        assert!(text.starts_with("\x1b[38;2;255;0;0;48;2;0;7;0m▀"));
        assert_eq!(text.matches('▀').count(), SIDE * SIDE / 2);
    }
}
