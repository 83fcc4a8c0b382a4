//! The format of a file that is not a safetensors file, and how to make one of it.

use crate::Error;

const PYTORCH: &str = "read it with `weights::read`, which converts it";
const ONNX: &str = "convert it: python3 -c 'import sys, onnx; from onnx.numpy_helper import to_array; \
    from safetensors.numpy import save_file; \
    save_file({tensor.name: to_array(tensor) for tensor in onnx.load(sys.argv[1]).graph.initializer}, sys.argv[1] + \".safetensors\")' FILE";
const NUMPY: &str = "convert it: python3 -c 'import sys, numpy; from safetensors.numpy import save_file; \
    save_file(dict(numpy.load(sys.argv[1])), sys.argv[1] + \".safetensors\")' FILE";
const ARRAY: &str = "it holds a single array; save all tensors, of PyTorch's network `model` by \
    `torch.save(model.state_dict(), \"FILE.pth\")`";
const SCRIPT: &str = "save its tensors: python3 -c 'import sys, torch; \
    torch.save(torch.jit.load(sys.argv[1], \"cpu\").state_dict(), sys.argv[1] + \".tensors.pth\")' FILE";
pub(super) const OTHER: &str =
    "save the tensors, of PyTorch's network `model` by `torch.save(model.state_dict(), \"FILE.pth\")`";
const DOWNLOAD: &str = "download the file itself";

/// First bytes, their offset, the format that has them there, and the remedy.
const FORMATS: &[(usize, &[u8], &str, &str)] = &[
    (0, b"version https://git-lfs", "a Git LFS pointer", "run `git lfs pull` for the file itself"),
    (0, b"\x93NUMPY", "a NumPy array (.npy)", ARRAY),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes", OTHER),
    (0, b"GGUF", "a GGUF file", OTHER),
    (4, b"TFL3", "a TensorFlow Lite file", OTHER),
    (0, b"\x1F\x8B", "a gzip file", "unpack it with `gunzip`"),
    (0, b"BZh", "a bzip2 file", "unpack it with `bunzip2`"),
    (0, b"\xFD7zXZ\0", "an xz file", "unpack it with `unxz`"),
    (0, b"\x28\xB5\x2F\xFD", "a zstd file", "unpack it with `unzstd`"),
    (257, b"ustar", "a tar archive", "unpack it with `tar`"),
    (0, b"%PDF", "a PDF document", DOWNLOAD),
    (0, b"\x89PNG", "a PNG image", OTHER),
];

/// Says why `bytes` are not a safetensors file, given the `reason` of the parser.
pub(super) fn refusal(bytes: &[u8], reason: safetensors::SafeTensorError) -> Error {
    if let Some((found, remedy)) = other(bytes) {
        return Error::OtherFormat { found, remedy };
    }
    match wanted_length(bytes) {
        Some(wanted) if wanted != bytes.len() as u64 => Error::WrongLength { found: bytes.len() as u64, wanted },
        _ => Error::Format(reason),
    }
}

/// Whether the bytes are those of a checkpoint of PyTorch: `torch.save`'s zip archive or its earlier pickles.
pub(super) fn is_checkpoint(bytes: &[u8]) -> bool {
    // The header of a safetensors file has its length in eight bytes before it; these may look like a pickle's first.
    bytes.get(8) != Some(&b'{') && other(bytes).is_some_and(|(_, remedy)| remedy == PYTORCH)
}

/// Names another format and its remedy.
fn other(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let starts =
        |&&(at, magic, ..): &&(usize, &[u8], &str, &str)| bytes.get(at..).is_some_and(|rest| rest.starts_with(magic));
    if bytes.is_empty() {
        return Some(("an empty file", DOWNLOAD));
    }
    if let Some(&(_, _, found, remedy)) = FORMATS.iter().find(starts) {
        return Some((found, remedy));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        // The name of the first member follows the 30 bytes of its header.
        let length = usize::from(u16::from_le_bytes(bytes.get(26..28)?.try_into().ok()?));
        let name = bytes.get(30..30 + length)?;
        return Some(if name.ends_with(b".npy") {
            ("NumPy arrays (.npz)", NUMPY)
        } else if name.ends_with(b"data.pkl") {
            ("a PyTorch checkpoint", PYTORCH)
        } else if name.ends_with(b"/data/0") || name.ends_with(b"/constants.pkl") {
            ("a TorchScript program", SCRIPT)
        } else {
            ("a zip archive", "unpack it with `unzip`")
        });
    }
    match bytes {
        [0x80, 2..=5, ..] => Some(("a pickle, as PyTorch wrote checkpoints before version 1.6", PYTORCH)),
        // A protobuf whose first field is the version of ONNX, and whose second is the name of the program that wrote
        // it.
        [8, 1..=20, 0x12, ..] => Some(("an ONNX model", ONNX)),
        _ => text(bytes),
    }
}

fn text(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let start = bytes.trim_ascii_start();
    if start.first() == Some(&b'<') {
        return Some(("an HTML or XML page, as servers send in place of a file", DOWNLOAD));
    }
    is_text(bytes).then_some(("text", "wanted the file that `safetensors.torch.save_file` or `torch.save` writes"))
}

/// Returns whether the first 512 bytes are UTF-8 text without control characters.
fn is_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(512)];
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // The last character may be cut.
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
            return is_text(&start[..error.valid_up_to()]);
        }
        Err(_) => return false,
    };
    text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\r' | '\n'))
}

/// Returns the length that the header of a safetensors file asks for, if there is a header.
fn wanted_length(bytes: &[u8]) -> Option<u64> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let length = u64::from_le_bytes(*length);
    if rest.first() != Some(&b'{') || length > 100_000_000 {
        return None;
    }
    let Some(header) = rest.get(..length as usize) else {
        return Some(8 + length);
    };
    let header: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(header).ok()?;
    let end = header.values().filter_map(|tensor| tensor.get("data_offsets")?.get(1)?.as_u64()).max().unwrap_or(0);
    (8 + length).checked_add(end)
}
