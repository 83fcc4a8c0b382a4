//! Imports a folder that the inverse of the import wrote, whole and damaged, and the published folder if it is there.

use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::packed::{CLASSES, ConvolutionKind};
use super::*;

const SMALL: Geometry = Geometry { width: 4, side: 8 };

/// Random tensors of the shapes that the import gives.
fn tensors(geometry: Geometry) -> Tensors {
    let mut runner = TestRunner::deterministic();
    let mut draw = |shape: &[usize]| {
        let count = shape.iter().product::<usize>();
        let values = prop::collection::vec(-1.0..1.0f32, count).new_tree(&mut runner).unwrap().current();
        Tensor { shape: shape.to_vec(), values }
    };
    let mut all = Tensors::new();
    for layer in geometry.convolutions() {
        all.insert(format!("{}.weight", layer.name), draw(&[layer.out, layer.inp, layer.kernel, layer.kernel]));
        all.insert(format!("{}.bias", layer.name), draw(&[layer.out]));
    }
    all.insert("fc.weight".to_owned(), draw(&[CLASSES, 4 * geometry.width]));
    all
}

/// Writes the files as the published scripts do: weights repeated over the grid, masked, rolled.
fn write(folder: &Path, geometry: Geometry, tensors: &Tensors) {
    let save = |file: &str, values: &[f32]| {
        let lines: Vec<String> = values.iter().map(|value| format!("{value:.18e}\n")).collect();
        std::fs::write(folder.join(file), lines.concat()).unwrap();
    };
    for layer in geometry.convolutions() {
        let (weight, bias) = (&tensors[&format!("{}.weight", layer.name)], &tensors[&format!("{}.bias", layer.name)]);
        let (side, kernel, inp) = (layer.side as i64, layer.kernel as i64, layer.inp as i64);
        let halving = layer.kind == ConvolutionKind::Halving;
        let outputs_here = |y: i64, x: i64| !halving || (y % 2 == 0 && x % 2 == 0);
        for i in 0..layer.out as i64 {
            for (ky, kx) in (0..kernel).flat_map(|ky| (0..kernel).map(move |kx| (ky, kx))) {
                let mut vector = Vec::new();
                for block in 0..if layer.kind == ConvolutionKind::Stem { layer.out as i64 } else { inp } {
                    let out = match layer.kind {
                        ConvolutionKind::Stem => i,
                        ConvolutionKind::Same => (block - i).rem_euclid(layer.out as i64),
                        ConvolutionKind::Halving if i < inp => (block - i).rem_euclid(inp),
                        ConvolutionKind::Halving => inp + (block - i).rem_euclid(inp),
                    };
                    for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
                        let (from_y, from_x) = (y + ky - kernel / 2, x + kx - kernel / 2);
                        let seen = (0..side).contains(&from_y) && (0..side).contains(&from_x) && outputs_here(y, x);
                        let at = ((out * inp + block) * kernel + ky) * kernel + kx;
                        vector.push(if seen && block < inp { weight.values[at as usize] } else { 0.0 });
                    }
                }
                save(&format!("{}-ch{i}-k{}.bin", layer.file, ky * kernel + kx + 1), &vector);
            }
        }
        let halves: Vec<_> = if halving { bias.values.chunks(layer.inp).collect() } else { vec![&bias.values[..]] };
        for (half, values) in halves.into_iter().enumerate() {
            let number = if halving { (half + 1).to_string() } else { String::new() };
            let pixels = (0..side).flat_map(|y| (0..side).map(move |x| (y, x)));
            let spread = |&bias: &f32| pixels.clone().map(move |(y, x)| if outputs_here(y, x) { bias } else { 0.0 });
            let vector: Vec<f32> = values.iter().flat_map(spread).collect();
            save(&format!("{}-bias{number}.bin", layer.file), &vector);
        }
    }
    let fc = &tensors["fc.weight"];
    let features = fc.shape[1];
    let rows: Vec<f32> = (0..features).flat_map(|f| (0..CLASSES).map(move |c| fc.values[c * features + f])).collect();
    save("fc.bin", &rows);
}

#[test]
fn a_folder_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = tensors(SMALL);
    write(folder.path(), SMALL, &wanted);
    assert_eq!(import_as(folder.path(), SMALL).unwrap(), wanted);

    let bytes = to_safetensors(&wanted).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.names().len(), wanted.len());
    assert_eq!(file.tensor("layer2.0.downsample.weight").unwrap().shape(), [8, 4, 1, 1]);
    let first = f32::from_le_bytes(file.tensor("fc.weight").unwrap().data()[..4].try_into().unwrap());
    assert_eq!(first, wanted["fc.weight"].values[0]);
}

#[track_caller]
fn says(error: &str, words: &[&str]) {
    words.iter().for_each(|word| assert!(error.contains(word), "{word}: {error}"));
}

/// Returns the error of the import after line `line` of a file was replaced by `text`, or removed. Restores the file.
fn error_with(folder: &Path, file: &str, line: usize, text: Option<&str>) -> String {
    let path = folder.join(file);
    let whole = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<&str> = whole.lines().collect();
    match text {
        Some(text) => lines[line - 1] = text,
        None => drop(lines.remove(line - 1)),
    }
    std::fs::write(&path, lines.join("\n")).unwrap();
    let error = import_as(folder, SMALL).unwrap_err().to_string();
    std::fs::write(&path, whole).unwrap();
    error
}

#[test]
fn a_line_that_is_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), SMALL, &tensors(SMALL));
    let long = " ".repeat(64 * 160);
    // Kernel position 1 looks up and left, so the first row of layer1 sees the border. A stride of 2 has no output at
    // odd columns, which layer4 shows.
    let wrong: [(&str, usize, Option<&str>, &[&str]); 10] = [
        ("layer5-conv1bn1-ch3-k5.bin", 9, Some("zero"), &["layer5-conv1bn1-ch3-k5.bin:9", "'zero'", "finite number"]),
        ("fc.bin", 3, Some("NaN"), &["fc.bin:3", "'NaN'"]),
        ("fc.bin", 3, Some("1e300"), &["fc.bin:3", "'1e300'", "finite number of single precision"]),
        ("fc.bin", 3, Some(""), &["fc.bin:3", "''", "finite number"]),
        ("fc.bin", 3, Some(&long), &["fc.bin: found 1", "bytes, wanted at most 10240"]),
        ("conv1bn1-bias.bin", 256, None, &["conv1bn1-bias.bin", "found 255 numbers, wanted 256"]),
        (
            "layer1-conv1bn1-ch0-k1.bin",
            2,
            Some("0.5"),
            &["layer1-conv1bn1-ch0-k1.bin:2", "found 0.5, wanted 0", "border"],
        ),
        ("layer4-conv1bn1-ch0-k5.bin", 2, Some("0.5"), &["layer4-conv1bn1-ch0-k5.bin:2", "wanted 0", "stride"]),
        ("conv1bn1-ch0-k5.bin", 193, Some("0.5"), &["conv1bn1-ch0-k5.bin:193", "wanted 0", "3 input channels"]),
        ("layer9-conv2bn2-ch7-k5.bin", 2, Some("7.5"), &["layer9-conv2bn2-ch7-k5.bin:2", "found 7.5", "same block"]),
    ];
    for (file, line, text, words) in wrong {
        says(&error_with(folder.path(), file, line, text), words);
    }
}

#[test]
fn a_file_that_is_missing_or_no_text_is_named() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), SMALL, &tensors(SMALL));
    let error = || import_as(folder.path(), SMALL).unwrap_err().to_string();
    let classifier = folder.path().join("fc.bin");
    let whole = std::fs::read(&classifier).unwrap();
    std::fs::write(&classifier, b"PK\x03\x04\xFF").unwrap();
    says(&error(), &["fc.bin: found a zip archive, wanted text"]);
    std::fs::write(&classifier, whole).unwrap();
    std::fs::remove_file(folder.path().join("layer7dx-conv1bn1-ch5-k1.bin")).unwrap();
    says(&error(), &["`layer7dx-conv1bn1-ch5-k1.bin` not found", "clone"]);
}

#[test]
fn the_published_network_has_its_6314_files() {
    let layers = Geometry::PUBLISHED.convolutions();
    let files = |layer: &packed::Packed| layer.out * layer.kernel * layer.kernel + layer.bias_files().len();
    assert_eq!(layers.iter().map(files).sum::<usize>() + 1, 6314);
}

/// `CIPHERLAB_PAPER_FOLDER` is the published folder, `CIPHERLAB_PAPER_WEIGHTS` a safetensors file of the same weights.
#[test]
fn the_published_folder_is_read() {
    let [Some(folder), Some(oracle)] = ["CIPHERLAB_PAPER_FOLDER", "CIPHERLAB_PAPER_WEIGHTS"].map(std::env::var_os)
    else {
        eprintln!("skipped: CIPHERLAB_PAPER_FOLDER and CIPHERLAB_PAPER_WEIGHTS name no folder and file");
        return;
    };
    let tensors = import(Path::new(&folder)).unwrap();
    let oracle = std::fs::read(oracle).unwrap();
    let oracle = safetensors::SafeTensors::deserialize(&oracle).unwrap();
    assert_eq!(oracle.names().len(), tensors.len());
    for (name, found) in &tensors {
        let wanted = oracle.tensor(name).unwrap();
        assert_eq!(found.shape, wanted.shape(), "{name}");
        let words = wanted.data().as_chunks::<4>().0.iter().map(|&word| f32::from_le_bytes(word));
        for (index, (found, wanted)) in found.values.iter().zip(words).enumerate() {
            // Batch norm was folded in single precision by the one, in double by the other.
            assert!((found - wanted).abs() <= 4.0 * f32::EPSILON * wanted.abs(), "{name}[{index}]: {found}, {wanted}");
        }
    }
}
