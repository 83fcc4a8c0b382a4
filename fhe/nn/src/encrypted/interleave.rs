//! Several images in one ciphertext.

use num_complex::Complex64;

/// Interleaves the slots of equally long vectors, one vector for each image: slot i of image k is slot i · `stride` + k
/// of the ciphertext. With `complex`, the real parts of slots hold the first `stride` images, and the imaginary parts as
/// many more.
///
/// A rotation by d slots of every image is then one by d · `stride` slots of the ciphertext, no slot of an image moves
/// to another image, and a diagonal of a matrix repeats each of its numbers `stride` times. Real factors act alike on
/// both parts of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interleave {
    /// The distance from a slot of an image to its next; 1 or more.
    pub stride: usize,
    /// Whether the imaginary parts of slots hold images of their own.
    pub complex: bool,
}

impl Interleave {
    /// One image in a ciphertext.
    pub const NONE: Self = Self { stride: 1, complex: false };

    /// The number of images of the ciphertext.
    pub fn images(self) -> usize {
        self.stride * if self.complex { 2 } else { 1 }
    }

    /// The number of slots of the ciphertext for `slots` slots of each image.
    pub fn slots(self, slots: usize) -> usize {
        self.stride * slots
    }

    /// The rotation of the ciphertext that rotates each image by `steps` slots.
    pub fn distance(self, steps: i64) -> i64 {
        self.stride as i64 * steps
    }

    /// The slots of the ciphertext whose product with every image has the same `factors`.
    pub fn repeat(self, factors: &[f64]) -> Vec<f64> {
        factors.iter().flat_map(|&factor| std::iter::repeat_n(factor, self.stride)).collect()
    }

    /// The slots of the ciphertext whose sum with every image has the same `summands`.
    pub fn repeat_in_parts(self, summands: &[f64]) -> Vec<Complex64> {
        self.repeat(summands).into_iter().map(|summand| self.in_parts(summand)).collect()
    }

    /// The slot that holds a number for every image.
    pub fn in_parts(self, number: f64) -> Complex64 {
        Complex64::new(number, if self.complex { number } else { 0.0 })
    }

    /// The scale of complex slots whose parts, once taken apart, have `scale`: z + z̄ is twice the real part.
    pub fn scale_before_parts(self, scale: f64) -> f64 {
        if self.complex { scale / 2.0 } else { scale }
    }

    /// The slots of the ciphertext for at most [`Interleave::images`] vectors of `slots` slots each. Missing images are
    /// zeros.
    pub fn join(self, images: &[Vec<f64>], slots: usize) -> Vec<Complex64> {
        let mut joined = vec![Complex64::default(); self.slots(slots)];
        for (k, image) in images.iter().enumerate() {
            let own = joined.iter_mut().skip(k % self.stride).step_by(self.stride);
            let part = |slot| if k < self.stride { re(slot) } else { im(slot) };
            own.map(part).zip(image).for_each(|(slot, value)| *slot = *value);
        }
        joined
    }

    /// The slots of each image; the inverse of [`Interleave::join`].
    pub fn split(self, slots: &[Complex64]) -> Vec<Vec<f64>> {
        let own = |k: usize| slots.iter().skip(k % self.stride).step_by(self.stride);
        let part = |k: usize| own(k).map(|slot| if k < self.stride { slot.re } else { slot.im }).collect();
        (0..self.images()).map(part).collect()
    }
}

fn re(slot: &mut Complex64) -> &mut f64 {
    &mut slot.re
}

fn im(slot: &mut Complex64) -> &mut f64 {
    &mut slot.im
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complex(re: f64, im: f64) -> Complex64 {
        Complex64::new(re, im)
    }

    #[test]
    fn split_undoes_join_and_fills_missing_images_with_zeros() {
        let interleave = Interleave { stride: 3, complex: false };
        let joined = interleave.join(&[vec![1.0, 2.0], vec![3.0, 4.0]], 2);
        assert_eq!(joined, [1.0, 3.0, 0.0, 2.0, 4.0, 0.0].map(|v| complex(v, 0.0)));
        assert_eq!(interleave.split(&joined), [[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]]);
        assert_eq!(interleave.repeat_in_parts(&[1.0, 2.0]), interleave.join(&[[1.0, 2.0]; 3].map(Vec::from), 2));
    }

    #[test]
    fn imaginary_parts_hold_images_of_their_own() {
        let interleave = Interleave { stride: 2, complex: true };
        let joined = interleave.join(&[vec![1.0, 2.0], vec![3.0, 4.0], vec![5.0, 6.0]], 2);
        assert_eq!(joined, [complex(1.0, 5.0), complex(3.0, 0.0), complex(2.0, 6.0), complex(4.0, 0.0)]);
        assert_eq!(interleave.split(&joined), [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [0.0, 0.0]]);
        assert_eq!(interleave.repeat_in_parts(&[1.0, 2.0]), interleave.join(&[[1.0, 2.0]; 4].map(Vec::from), 2));
        assert_eq!(interleave.repeat(&[1.0, 2.0]), [1.0, 1.0, 2.0, 2.0]);
        assert_eq!((interleave.images(), interleave.slots(2)), (4, 4));
    }

    #[test]
    fn a_rotation_of_the_ciphertext_rotates_every_image() {
        let interleave = Interleave { stride: 2, complex: false };
        let mut joined = interleave.join(&[vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]], 3);
        joined.rotate_left(interleave.distance(1) as usize);
        assert_eq!(interleave.split(&joined), [[2.0, 3.0, 1.0], [5.0, 6.0, 4.0]]);
        assert_eq!((interleave.slots(3), Interleave::NONE.slots(3)), (6, 3));
    }
}
