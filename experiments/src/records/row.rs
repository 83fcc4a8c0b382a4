//! What a row is, and the macro that makes one of a list of columns.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The form of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// `string`, `integer` or `number`.
    pub kind: &'static str,
    /// The unit; empty for words, counts without one, and numbers that name something.
    pub unit: &'static str,
    /// Why a field may be empty; `None` if it never is.
    pub empty: Option<&'static str>,
}

/// A type that a column can have.
pub trait Value {
    /// Its [`Form::kind`].
    const KIND: &'static str;
    /// Whether a field of this type can be empty.
    const OPTIONAL: bool = false;
}

macro_rules! values {
    ($($type:ty: $kind:literal),*) => { $(impl Value for $type { const KIND: &'static str = $kind; })* };
}

values!(String: "string", u8: "integer", u16: "integer", u32: "integer", u64: "integer", usize: "integer", f64: "number");

impl<T: Value> Value for Option<T> {
    const KIND: &'static str = T::KIND;
    const OPTIONAL: bool = true;
}

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
    /// The form of each column, in the same order.
    const FORMS: &'static [Form];
    /// How many of the last columns may be missing in files of earlier programs. Their fields are optional.
    const ADDED: usize;
}

/// Makes a row of a list of columns: `name: type as "unit"; "why it is empty"`, with the meaning as its documentation. A
/// column whose type is optional has a reason; the compiler checks that.
macro_rules! row {
    ($(#[doc = $doc:literal])+ $name:ident in $file:literal, of which $added:literal added {
        $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty $(as $unit:literal)? $(; $empty:literal)?,)*
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
            const FORMS: &'static [Form] = &[$(Form {
                kind: <$type as Value>::KIND,
                unit: concat!($($unit)?),
                empty: {
                    let reason: &[&str] = &[$($empty)?];
                    assert!(!(reason.is_empty() && <$type as Value>::OPTIONAL), stringify!($field));
                    reason.first().copied()
                },
            }),*];
            const ADDED: usize = $added;
        }
    };
}
