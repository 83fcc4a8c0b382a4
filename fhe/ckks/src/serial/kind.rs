//! The kinds of serialised objects, and the constants of the format.

/// First bytes of every object.
pub const MAGIC: [u8; 8] = *b"CIPHRLAB";

/// Version of the format. Objects of other versions are refused.
pub const VERSION: u16 = crate::params::digest::FORMAT_VERSION;

/// The kind of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Kind {
    /// A [`SecretKey`](crate::SecretKey).
    SecretKey = 1,
    /// A [`PublicKey`](crate::PublicKey).
    PublicKey = 2,
    /// A [`SwitchingKey`](crate::SwitchingKey).
    SwitchingKey = 3,
    /// A set of [`EvaluationKeys`](crate::EvaluationKeys).
    EvaluationKeys = 4,
    /// A [`Ciphertext`](crate::Ciphertext).
    Ciphertext = 5,
    /// A [`SeededCiphertext`](crate::SeededCiphertext).
    SeededCiphertext = 6,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::SecretKey,
        Self::PublicKey,
        Self::SwitchingKey,
        Self::EvaluationKeys,
        Self::Ciphertext,
        Self::SeededCiphertext,
    ];

    /// Returns the name of the kind with this code.
    pub(super) fn describe(code: u16) -> String {
        let known = Self::ALL.into_iter().find(|&kind| kind as u16 == code);
        known.map_or_else(|| format!("the unknown code {code}"), |kind| kind.to_string())
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SecretKey => "secret key",
            Self::PublicKey => "public key",
            Self::SwitchingKey => "switching key",
            Self::EvaluationKeys => "evaluation keys",
            Self::Ciphertext => "ciphertext",
            Self::SeededCiphertext => "seeded ciphertext",
        })
    }
}
