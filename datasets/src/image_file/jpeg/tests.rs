//! JPEGs of every common form, whole, cut everywhere, and cut with an end-of-image marker put after them.

use super::check;

const PICTURES: [(&str, &[u8]); 7] = [
    ("baseline-420", include_bytes!("../../../tests/pictures/baseline-420.jpg")),
    ("baseline-422-restarts", include_bytes!("../../../tests/pictures/baseline-422-restarts.jpg")),
    ("progressive-420", include_bytes!("../../../tests/pictures/progressive-420.jpg")),
    ("progressive-444-restarts", include_bytes!("../../../tests/pictures/progressive-444-restarts.jpg")),
    ("grey-progressive", include_bytes!("../../../tests/pictures/grey-progressive.jpg")),
    ("cmyk", include_bytes!("../../../tests/pictures/cmyk.jpg")),
    ("turned", include_bytes!("../../../tests/pictures/turned.jpg")),
];

const END: [u8; 2] = [0xFF, 0xD9];

#[test]
fn whole_pictures_are_whole() {
    for (name, bytes) in PICTURES {
        assert_eq!(check(bytes), Ok(()), "{name}");
        assert_eq!(bytes[bytes.len() - 2..], END, "{name}");
    }
}

#[test]
fn bytes_after_the_end_are_no_part_of_the_picture() {
    let (_, bytes) = PICTURES[0];
    assert_eq!(check(&[bytes, b"motion photo", &PICTURES[1].1[..99]].concat()), Ok(()));
}

#[test]
fn fill_bytes_before_markers_are_passed_over() {
    let (_, bytes) = PICTURES[1];
    let first_restart = bytes.windows(2).position(|pair| pair == [0xFF, 0xD0]).unwrap();
    let mut filled = bytes.to_vec();
    filled.splice(bytes.len() - 2..bytes.len() - 2, [0xFF; 3]);
    filled.splice(first_restart..first_restart, [0xFF; 2]);
    filled.splice(2..2, [0xFF; 4]);
    assert_eq!(check(&filled), Ok(()));
}

#[test]
fn pictures_cut_anywhere_are_refused() {
    for (name, bytes) in PICTURES {
        for length in 3..bytes.len() {
            let fault = check(&bytes[..length]).expect_err(&format!("{name} cut to {length}"));
            assert!(fault.found.starts_with(&format!("{length} bytes")), "{name}: {fault:?}");
        }
    }
}

#[test]
fn pictures_cut_anywhere_with_an_end_marker_put_after_them_are_refused() {
    for (name, bytes) in PICTURES {
        // From the end of the last scan on, the picture is whole.
        for length in 3..bytes.len() - 2 {
            assert!(check(&[&bytes[..length], &END[..]].concat()).is_err(), "{name} cut to {length}");
        }
    }
}

#[test]
fn a_missing_restart_interval_is_refused() {
    let (_, bytes) = PICTURES[1];
    let [from, to] = [0xD1, 0xD2].map(|code| bytes.windows(2).position(|pair| pair == [0xFF, code]).unwrap());
    assert!(check(&[&bytes[..from], &bytes[to..]].concat()).is_err());
}

#[test]
fn the_fault_of_a_cut_baseline_picture_counts_its_rows() {
    let (_, bytes) = PICTURES[0];
    let rows = |length: usize| {
        let fault = check(&bytes[..length]).unwrap_err();
        assert_eq!(fault.wanted, "40 rows");
        let words: Vec<&str> = fault.found.split(' ').collect();
        assert_eq!((words[1..3].join(" "), words[4..].join(" ")), ("bytes with".into(), "rows of pixels".into()));
        words[3].parse::<usize>().unwrap()
    };
    let start = bytes.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap() + 14;
    // Units are 16 rows high.
    assert_eq!([rows(start), rows(bytes.len() - 3)], [0, 32]);
    assert!((start..bytes.len() - 3).map(rows).is_sorted());
}
