//! Several images in one ciphertext.

/// Interleaves the slots of equally long vectors, one vector for each image: slot i of image k is slot i · `images` + k
/// of the ciphertext.
///
/// A rotation by d slots of every image is then one by d · `images` slots of the ciphertext, no slot of an image moves
/// to another image, and a diagonal of a matrix repeats each of its numbers `images` times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interleave {
    /// Number of images; 1 or more.
    pub images: usize,
}

impl Interleave {
    /// One image in a ciphertext.
    pub const NONE: Self = Self { images: 1 };

    /// The number of slots of the ciphertext for `slots` slots of each image.
    pub fn slots(self, slots: usize) -> usize {
        self.images * slots
    }

    /// The rotation of the ciphertext that rotates each image by `steps` slots.
    pub fn distance(self, steps: i64) -> i64 {
        self.images as i64 * steps
    }

    /// The slots of the ciphertext where every image has the same `numbers`.
    pub fn repeat(self, numbers: &[f64]) -> Vec<f64> {
        numbers.iter().flat_map(|&number| std::iter::repeat_n(number, self.images)).collect()
    }

    /// The slots of the ciphertext for at most `images` vectors of `slots` slots each. Missing images are zeros.
    pub fn join(self, images: &[Vec<f64>], slots: usize) -> Vec<f64> {
        let mut joined = vec![0.0; self.slots(slots)];
        for (k, image) in images.iter().enumerate() {
            joined.iter_mut().skip(k).step_by(self.images).zip(image).for_each(|(slot, value)| *slot = *value);
        }
        joined
    }

    /// The slots of each image; the inverse of [`Interleave::join`].
    pub fn split(self, slots: &[f64]) -> Vec<Vec<f64>> {
        (0..self.images).map(|k| slots.iter().skip(k).step_by(self.images).copied().collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_undoes_join_and_fills_missing_images_with_zeros() {
        let interleave = Interleave { images: 3 };
        let joined = interleave.join(&[vec![1.0, 2.0], vec![3.0, 4.0]], 2);
        assert_eq!(joined, [1.0, 3.0, 0.0, 2.0, 4.0, 0.0]);
        assert_eq!(interleave.split(&joined), [[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]]);
        assert_eq!(interleave.repeat(&[1.0, 2.0]), interleave.join(&[[1.0, 2.0]; 3].map(Vec::from), 2));
    }

    #[test]
    fn a_rotation_of_the_ciphertext_rotates_every_image() {
        let interleave = Interleave { images: 2 };
        let mut joined = interleave.join(&[vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]], 3);
        joined.rotate_left(interleave.distance(1) as usize);
        assert_eq!(interleave.split(&joined), [[2.0, 3.0, 1.0], [5.0, 6.0, 4.0]]);
        assert_eq!((interleave.slots(3), Interleave::NONE.slots(3)), (6, 3));
    }
}
