//! How `classify` reports an image: as JSON, as tables, and as a picture on a terminal.

pub(crate) mod picture;
pub(crate) mod report;
pub(crate) mod table;
