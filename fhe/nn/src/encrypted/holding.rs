//! How an evaluation holds what is large: its keys and the constants of its bootstraps.

/// The place and the form of evaluation keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyPlace {
    /// In a file, from which a limb is mapped while it is used.
    File,
    /// In memory, packed, with a seed in place of the uniform half.
    Packed,
    /// In memory, a word for each residue of both halves: nothing is unpacked or drawn while images are evaluated.
    Words,
}

/// The place of the constants of bootstraps, which are encoded matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConstantPlace {
    /// In a file, from which a limb is mapped while it is used.
    File,
    /// Nowhere: each bootstrap encodes its own and drops them.
    WhenUsed,
    /// In memory.
    Memory,
}

/// How an evaluation holds its keys and constants. All ways compute the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holding {
    /// The place of the keys.
    pub keys: KeyPlace,
    /// The place of the constants.
    pub constants: ConstantPlace,
}

impl Default for Holding {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Holding {
    /// Packed keys and constants, both in memory.
    pub const DEFAULT: Self = Self { keys: KeyPlace::Packed, constants: ConstantPlace::Memory };

    /// The least memory: keys and constants in a file.
    pub const LEAN: Self = Self { keys: KeyPlace::File, constants: ConstantPlace::File };

    /// All ways, by the places of keys and then of constants.
    pub fn all() -> impl Iterator<Item = Self> {
        let constants = [ConstantPlace::File, ConstantPlace::WhenUsed, ConstantPlace::Memory];
        let keys = [KeyPlace::File, KeyPlace::Packed, KeyPlace::Words];
        keys.into_iter().flat_map(move |keys| constants.map(|constants| Self { keys, constants }))
    }

    /// Whether it needs a file.
    pub fn needs_file(self) -> bool {
        self.keys == KeyPlace::File || self.constants == ConstantPlace::File
    }
}

impl std::fmt::Display for Holding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys = match self.keys {
            KeyPlace::File => "keys in a file",
            KeyPlace::Packed => "packed keys",
            KeyPlace::Words => "keys in words",
        };
        let constants = match self.constants {
            ConstantPlace::File => "constants in a file",
            ConstantPlace::WhenUsed => "constants when used",
            ConstantPlace::Memory => "constants in memory",
        };
        write!(f, "{keys}, {constants}")
    }
}
