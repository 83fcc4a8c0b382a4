//! Measures what it costs, in memory, time and precision, to classify an encrypted image.

fn main() {
    cipherlab::main();
}
