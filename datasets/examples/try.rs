#![allow(missing_docs)]
fn main() {
    for file in std::env::args().skip(1) {
        let name = file.rsplit('/').next().unwrap();
        match datasets::image_file::load(file.as_ref()) {
            Ok(loaded) => println!("{name}: {} green {}", loaded.changes, loaded.image.pixels[1024 + 528]),
            Err(error) => println!("{name}: REFUSED {error}"),
        }
    }
}
