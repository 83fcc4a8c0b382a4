//! Sets that are read, and those that are refused.

use super::*;
use crate::cifar::{PIXELS, RECORD, SIDE, embedded_test_sample};

/// An array in NumPy's format with this element type and shape.
fn npy(dtype: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}");
    header += &" ".repeat(63 - (10 + header.len()) % 64);
    header.push('\n');
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// The first pictures of the test set, channels last.
fn interleaved(count: usize) -> Vec<u8> {
    let pixels = |image: &Image| -> Vec<u8> {
        (0..SIDE * SIDE)
            .flat_map(|at| (0..3).map(move |c| (c, at)))
            .map(|(c, at)| image.pixels[c * 1024 + at])
            .collect()
    };
    embedded_test_sample()[..count].iter().flat_map(pixels).collect()
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> std::path::PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn picture(&self, name: &str, side: u32, grey: u8) {
        let path = self.put(name, b"");
        image::RgbImage::from_pixel(side, side, image::Rgb([grey; 3])).save(path).unwrap();
    }
}

fn refusal(path: &Path) -> String {
    let error = load(path, None).unwrap_err().to_string();
    assert!(error.starts_with(&path.parent().unwrap().display().to_string()) && !error.contains('\n'), "{error}");
    error
}

fn labels(set: &PictureSet) -> Vec<Option<u16>> {
    set.images.iter().map(|image| image.label).collect()
}

#[test]
fn arrays_have_the_pictures_and_labels_of_cifar_10_1_and_cifar_10_c() {
    let place = Place::new();
    let wanted = &embedded_test_sample()[..3];
    // CIFAR-10.1 has int32 labels, CIFAR-10-C int64 in one file for all corruptions; big endian is rare.
    let int32: Vec<u8> = wanted.iter().flat_map(|image| i32::from(image.label.unwrap() as i16).to_le_bytes()).collect();
    let int64: Vec<u8> = wanted.iter().flat_map(|image| i64::from(image.label.unwrap()).to_be_bytes()).collect();
    place.put("v6_labels.npy", &npy("<i4", "(3,)", &int32));
    let first = place.put("v6_data.npy", &npy("|u1", "(3, 32, 32, 3)", &interleaved(3)));
    place.put("c/labels.npy", &npy(">i8", "(3,)", &int64));
    let second = place.put("c/fog.npy", &npy("|u1", "(3, 32, 32, 3)", &interleaved(3)));
    for path in [&first, &second] {
        let set = load(path, None).unwrap();
        assert_eq!(set.images, wanted);
        assert!(set.notes[0].starts_with("labels are those of ") && set.classes.is_none(), "{:?}", set.notes);
        assert_eq!(set.labels_end(), 9);
    }
    let planes: Vec<u8> = wanted.iter().flat_map(|image| image.pixels).collect();
    let alone = place.put("alone/planes.npy", &npy("|u1", "(3, 3, 32, 32)", &planes));
    let set = load(&alone, None).unwrap();
    assert_eq!((labels(&set), set.labels_end()), (vec![None; 3], 0));
    assert_eq!(load(&alone, Some(&place.0.path().join("c/labels.npy"))).unwrap().images, wanted);
}

#[test]
fn grey_is_three_equal_planes_and_two_channels_leave_the_third_black() {
    let place = Place::new();
    let values: Vec<u8> = (0..2048).map(|value| (value % 251) as u8).collect();
    for shape in ["(2, 32, 32)", "(2, 32, 32, 1)", "(2, 1, 32, 32)"] {
        let set = load(&place.put("grey.npy", &npy("|u1", shape, &values)), None).unwrap();
        for (image, wanted) in set.images.iter().zip(values.chunks(1024)) {
            assert!(image.pixels.chunks(1024).all(|plane| plane == wanted), "{shape}");
        }
    }
    let set = load(&place.put("two.npy", &npy("|u1", "(1, 32, 32, 2)", &values)), None).unwrap();
    let pixels = &set.images[0].pixels;
    assert_eq!((pixels[5], pixels[1024 + 5], pixels[2048 + 5]), (values[10], values[11], 0));
}

#[test]
fn arrays_that_are_no_pictures_or_labels_are_refused_in_one_line() {
    let place = Place::new();
    let data = interleaved(2);
    let refused = |bytes: &[u8]| refusal(&place.put("a.npy", bytes));
    let whole = npy("|u1", "(2, 32, 32, 3)", &data);
    for cut in [8, 20, 100, whole.len() - 1] {
        assert!(refused(&whole[..cut]).contains("wanted"), "{cut}");
    }
    let cut = refused(&whole[..whole.len() - 1]);
    assert!(cut.contains("found 6143 bytes after the header, wanted 6144, by shape [2, 32, 32, 3]; copy it"), "{cut}");
    assert!(refused(&npy("<f4", "(512, 3)", &data)).contains("wanted uint8"));
    assert!(
        refused(&npy("|u1", "(6, 1024)", &data)).contains("found pictures of shape [6, 1024], wanted [pictures, 32")
    );
    assert!(refused(&npy("|u1", "(96, 64)", &data)).contains("found pictures of shape"));
    assert!(refused(&npy("|u1", "(0, 32, 32, 3)", &[])).contains("found shape [0, 32, 32, 3], which has no picture"));
    assert!(refused(&npy("|u1", "(4294967296, 4294967296, 2)", &data)).contains("wanted less than 2^64, by shape"));
    assert!(refused(&npy("|O", "(2,)", &data)).contains("wanted"));
    let mut fortran = whole.clone();
    let at = fortran.windows(5).position(|word| word == b"False").unwrap();
    fortran[at..at + 5].copy_from_slice(b"True ");
    assert!(refused(&fortran).contains("found an array in Fortran order, wanted C order: save it with"));
    let path = place.put("b_data.npy", &whole);
    let refused = |bytes: &[u8]| {
        place.put("b_labels.npy", bytes);
        refusal(&path)
    };
    assert!(refused(&npy("|u1", "(3,)", &[0, 1, 2])).contains("found 3 labels, wanted 2, one for each picture of"));
    assert!(refused(&npy("|i1", "(2,)", &[0, 255])).contains("found label -1 at element 1, wanted 0 to 999"));
    assert!(refused(&npy("<u2", "(2,)", &[0, 0, 232, 3])).contains("found label 1000 at element 1"));
    assert!(refused(&npy("<f8", "(2,)", &[0; 16])).contains("wanted labels that are whole numbers"));
    assert!(refused(&npy("|u1", "(2, 1)", &[0; 2])).contains("found labels of shape [2, 1], wanted [labels]"));
    assert!(refused(b"0\n1\n").contains("found text, wanted a .npy array of labels"));
}

#[test]
fn batches_of_both_layouts_are_told_apart_by_their_length() {
    let place = Place::new();
    let sample = &embedded_test_sample()[..4];
    let ten: Vec<u8> = sample.iter().flat_map(|i| [i.label.unwrap() as u8].into_iter().chain(i.pixels)).collect();
    let set = load(&place.put("test.bin", &ten), None).unwrap();
    assert_eq!((&set.images[..], set.classes.unwrap()[3].as_str()), (sample, "cat"));
    let hundred = |coarse: u8, fine: u8| -> Vec<u8> {
        sample.iter().flat_map(|i| [coarse, fine].into_iter().chain(i.pixels)).collect()
    };
    let set = load(&place.put("hundred.bin", &hundred(19, 99)), None).unwrap();
    assert_eq!((labels(&set), set.labels_end()), (vec![Some(99); 4], 100));
    assert_eq!(set.images[3].pixels, sample[3].pixels);
    let refused = |bytes: &[u8]| refusal(&place.put("x.bin", bytes));
    assert!(refused(&hundred(20, 0)).contains("found coarse label 20 in record 0, wanted 0 to 19"));
    assert!(refused(&hundred(0, 100)).contains("found fine label 100 in record 0, wanted 0 to 99"));
    assert!(refused(&vec![10; RECORD]).contains("found label 10 in record 0, wanted 0 to 9"));
    assert!(
        refused(&ten[..ten.len() - 1]).contains("wanted whole records of 3073 bytes (CIFAR-10) or 3074 (CIFAR-100)")
    );
    assert!(refused(b"").contains("found 0 bytes (an empty file)"));
    assert!(refusal(&place.put("x.pickle", &ten)).contains("wanted a .npy array of pictures, a .bin batch"));
    assert!(refusal(&place.0.path().join("absent.bin")).contains("No such file"));
    // A length of whole records of both kinds: the labels decide.
    let both = vec![7; RECORD * (RECORD + 1)];
    assert_eq!(load(&place.put("both.bin", &both), None).unwrap().images.len(), RECORD + 1);
    let fine = vec![11; RECORD * (RECORD + 1)];
    assert_eq!(load(&place.put("both.bin", &fine), None).unwrap().images.len(), RECORD);
}

#[test]
fn folders_are_classes_by_their_names() {
    let place = Place::new();
    for (folder, names) in [("own", ["ant", "bee"]), ("cifar", ["dog", "frog"]), ("numbers", ["10", "2"])] {
        for (at, name) in names.iter().enumerate() {
            place.picture(&format!("{folder}/{name}/a.png"), 32, at as u8);
            place.picture(&format!("{folder}/{name}/b.png"), 32, 9);
        }
        place.put(&format!("{folder}/.hidden"), b"x");
    }
    place.picture("flat/a.png", 32, 1);
    place.picture("flat/b.png", 32, 2);
    let load = |name: &str| load(&place.0.path().join(name), None).unwrap();
    let (own, cifar, numbers, flat) = (load("own"), load("cifar"), load("numbers"), load("flat"));
    let pairs = |a, b| vec![Some(a), Some(a), Some(b), Some(b)];
    assert_eq!((labels(&own), own.classes.unwrap()), (pairs(0, 1), vec!["ant".to_owned(), "bee".to_owned()]));
    assert_eq!((labels(&cifar), cifar.classes.unwrap().len()), (pairs(5, 6), 10));
    assert_eq!((labels(&numbers), numbers.classes.unwrap().len()), (pairs(10, 2), 11));
    assert_eq!((labels(&flat), flat.classes), (vec![None; 2], None));
    assert_eq!((own.images[0].pixels[7], own.images[2].pixels[7], flat.images[1].pixels[PIXELS - 1]), (0, 1, 2));
    assert!(own.notes.is_empty());
}

#[test]
fn larger_pictures_are_resized_with_a_note_and_mixed_sizes_refused() {
    let place = Place::new();
    place.picture("large/a.png", 64, 7);
    place.picture("large/b.png", 64, 8);
    let set = load(&place.0.path().join("large"), None).unwrap();
    assert_eq!(
        (set.images[1].pixels[0], &set.notes[0][..]),
        (8, "each picture has 64 x 64 pixels: resized to 32 x 32")
    );
    place.picture("large/c.png", 32, 9);
    let error = load(&place.0.path().join("large"), None).unwrap_err().to_string();
    assert!(
        error.contains("c.png: found 32 x 32 pixels, wanted 64 x 64, the size of ") && error.contains("a.png"),
        "{error}"
    );
}

#[test]
fn folders_that_are_no_set_are_refused_in_one_line() {
    let place = Place::new();
    let refused = |name: &str| {
        let error = load(&place.0.path().join(name), None).unwrap_err().to_string();
        assert!(!error.contains('\n'), "{error}");
        error
    };
    std::fs::create_dir(place.0.path().join("empty")).unwrap();
    assert!(refused("empty").contains("found an empty folder, wanted pictures"));
    place.picture("mixed/a.png", 32, 1);
    place.picture("mixed/cat/a.png", 32, 1);
    assert!(refused("mixed").contains("a.png beside folders, wanted pictures alone"));
    place.picture("deep/cat/more/a.png", 32, 1);
    assert!(refused("deep").contains("found a folder in the folder of a class"));
    place.picture("lack/cat/a.png", 32, 1);
    std::fs::create_dir(place.0.path().join("lack/dog")).unwrap();
    assert!(refused("lack").contains("dog: found the folder of a class without pictures"));
    place.put("text/cat/a.png", b"no picture");
    assert!(refused("text").contains("a.png: found text, wanted a PNG or JPEG"));
    place.put("arrays/a.npy", &npy("|u1", "(1,)", &[0]));
    assert!(refused("arrays").contains("wanted the name of that file in place of its folder's"));
    place.picture("own/a.png", 32, 1);
    let labels = place.put("l.npy", &npy("|u1", "(1,)", &[0]));
    let error = load(&place.0.path().join("own"), Some(&labels)).unwrap_err().to_string();
    assert!(error.contains("found labels of pictures that are no NumPy array, wanted none"), "{error}");
}
