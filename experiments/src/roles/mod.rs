//! Client and server as programs of their own, over files: keys, uploads and downloads.
//!
//! The client makes the keys, encrypts and decrypts. The server gets `KEYS/public` and uploads, and returns downloads. It
//! has neither the secret key nor a use for it.

pub(crate) mod client;
mod codes;
mod frames;
pub(crate) mod keys;
pub mod manifest;
pub mod parcel;
pub(crate) mod server;
mod shape;
