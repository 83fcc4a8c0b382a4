//! Arrays in NumPy's file format.

use std::path::{Path, PathBuf};

use datasets::cifar::{Image, SIDE};

/// Writes bytes as an array of unsigned bytes with this shape, such as `(3,)`.
pub(crate) fn write(path: &Path, shape: &str, data: &[u8]) {
    let mut header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
    header += &" ".repeat(63 - (10 + header.len()) % 64);
    header.push('\n');
    let bytes = [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat();
    std::fs::write(path, bytes).unwrap();
}

/// Writes pictures as CIFAR-10.1 has them: pictures x rows x columns x channels. Returns the path.
pub(crate) fn pictures(path: PathBuf, images: &[Image]) -> PathBuf {
    let plane = SIDE * SIDE;
    let last = |image: &Image| (0..3 * plane).map(|at| image.pixels[at % 3 * plane + at / 3]).collect::<Vec<u8>>();
    let data: Vec<u8> = images.iter().flat_map(last).collect();
    write(&path, &format!("({}, {SIDE}, {SIDE}, 3)", images.len()), &data);
    path
}
