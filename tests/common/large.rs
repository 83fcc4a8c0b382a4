//! A made-up run of 10,000 images.

use std::path::Path;

/// Writes the files of a simulated run of one case over 10,000 images into a folder.
pub(crate) fn write_large_run(folder: &Path) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs/flawed");
    for file in ["config.toml", "cases.csv", "layers.csv", "run.json"] {
        std::fs::copy(fixture.join(file), folder.join(file)).unwrap();
    }
    let text = std::fs::read_to_string(fixture.join("images.csv")).unwrap();
    let mut rows = format!("{}\n", text.lines().next().unwrap());
    for image in 0..10_000 {
        let (label, class, margin) =
            (image % 10, (image + usize::from(image % 97 == 0)) % 10, image as f64 * 1.234_567e-3);
        rows += &format!(
            "simulated-65536-chebyshev:59-fused,{image},{label},{label},{label},{class},{margin},1,0.0123456,"
        );
        rows += &format!("13.{image:04},0.00234567,,0.5,3.4e-05,{},0,,140000,80000,\n", 14.0 + image as f64 * 1e-4);
    }
    std::fs::write(folder.join("images.csv"), rows).unwrap();
}
