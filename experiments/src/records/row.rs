//! What a row is, and the macro that makes one of a list of columns.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A row of one of the files.
pub trait Row: Serialize + DeserializeOwned {
    /// The name of the file.
    const FILE: &'static str;
    /// What a row describes.
    const MEANING: &'static str;
    /// The names of the columns in order.
    const COLUMNS: &'static [&'static str];
    /// What each column holds, in the same order.
    const MEANINGS: &'static [&'static str];
    /// How many of the last columns may be missing in files of earlier programs. Their fields are optional.
    const ADDED: usize;
}

macro_rules! row {
    ($(#[doc = $doc:literal])+ $name:ident in $file:literal, of which $added:literal added {
        $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty,)*
    }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[doc = $field_doc])+ pub $field: $type,)* }

        impl Row for $name {
            const FILE: &'static str = $file;
            const MEANING: &'static str = concat!($($doc),+);
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];
            const MEANINGS: &'static [&'static str] = &[$(concat!($($field_doc),+)),*];
            const ADDED: usize = $added;
        }
    };
}
