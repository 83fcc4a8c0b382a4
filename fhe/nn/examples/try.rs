#![allow(missing_docs)]
fn main() {
    for file in std::env::args().skip(1) {
        let name = file.rsplit('/').next().unwrap();
        if name.ends_with(".json") {
            let card = fhe_nn::ranges::ModelCard::read(file.as_ref());
            match card.and_then(|card| fhe_nn::ranges::ModelCard::from_json(&card)) {
                Ok(_) => println!("{name}: read"),
                Err(error) => println!("{name}: REFUSED {error}"),
            }
            continue;
        }
        match fhe_nn::weights::read(file.as_ref()).and_then(|bytes| fhe_nn::weights::load(&bytes, None)) {
            Ok(loaded) => println!("{name}: depth {} {:?}", loaded.network.depth(), loaded.notes),
            Err(error) => println!("{name}: REFUSED {error}"),
        }
    }
}
