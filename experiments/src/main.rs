//! cipherlab
fn main() {}
