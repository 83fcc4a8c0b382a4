//! The operations that a computation's time is divided among.

/// An operation that threads spend time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Primitive {
    /// The transform to the NTT domain.
    ForwardTransform,
    /// The transform from the NTT domain.
    InverseTransform,
    /// The base conversion that raises gadget digits.
    ModUp,
    /// The base conversion of a division by special primes, which may divide by main primes as well.
    ModDown,
    /// The base conversion of a division by main primes only.
    Rescale,
    /// Products of gadget digits with keys.
    KeyProduct,
    /// Drawing the uniform halves of keys and ciphertexts from their seeds.
    UniformHalves,
    /// Unpacking the stored halves of keys.
    UnpackKeys,
    /// Unpacking encoded diagonals of matrices.
    UnpackDiagonals,
    /// Products with encoded diagonals and weights.
    DiagonalProduct,
    /// Products of ciphertexts, with the linear terms that are added to them.
    CiphertextProduct,
    /// Arranging weights in slots, in cleartext.
    ArrangeWeights,
    /// The Fourier transform and the rounding of an encoding.
    Embed,
    /// The reduction of encoded integers modulo each prime.
    Reduce,
    /// Automorphisms.
    Permute,
    /// Sums, negatives, and products with constants.
    Arithmetic,
    /// Copies of residues, and zeros.
    Copy,
    /// New memory from the operating system: page faults of limbs that did not come from the pool.
    Allocate,
    /// Drawing secrets and errors.
    Sample,
    /// Packing keys and diagonals.
    Pack,
}

impl Primitive {
    /// All primitives, in the order of their numbers.
    pub const ALL: [Self; 20] = [
        Self::ForwardTransform,
        Self::InverseTransform,
        Self::ModUp,
        Self::ModDown,
        Self::Rescale,
        Self::KeyProduct,
        Self::UniformHalves,
        Self::UnpackKeys,
        Self::UnpackDiagonals,
        Self::DiagonalProduct,
        Self::CiphertextProduct,
        Self::ArrangeWeights,
        Self::Embed,
        Self::Reduce,
        Self::Permute,
        Self::Arithmetic,
        Self::Copy,
        Self::Allocate,
        Self::Sample,
        Self::Pack,
    ];

    /// Returns the name in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::ForwardTransform => "forward transforms",
            Self::InverseTransform => "inverse transforms",
            Self::ModUp => "base conversion: mod up",
            Self::ModDown => "base conversion: mod down",
            Self::Rescale => "base conversion: rescale",
            Self::KeyProduct => "key products",
            Self::UniformHalves => "drawing uniform halves",
            Self::UnpackKeys => "unpacking keys",
            Self::UnpackDiagonals => "unpacking diagonals",
            Self::DiagonalProduct => "products with diagonals",
            Self::CiphertextProduct => "products of ciphertexts",
            Self::ArrangeWeights => "encoding: arranging weights",
            Self::Embed => "encoding: embedding",
            Self::Reduce => "encoding: reduction",
            Self::Permute => "permutations",
            Self::Arithmetic => "element-wise arithmetic",
            Self::Copy => "copies",
            Self::Allocate => "allocation",
            Self::Sample => "drawing secrets and errors",
            Self::Pack => "packing",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_the_order_of_the_numbers_and_names_differ() {
        for (at, primitive) in Primitive::ALL.into_iter().enumerate() {
            assert_eq!(primitive as usize, at);
            assert!(Primitive::ALL[..at].iter().all(|other| other.name() != primitive.name()), "{primitive:?}");
        }
    }
}
