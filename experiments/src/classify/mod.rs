//! How `classify` reports an image: as JSON, as tables, and as a picture on a terminal.

pub mod picture;
pub mod report;
pub mod table;
