//! Cards that cannot be, and cards with every field.

use super::*;

/// Returns a small card after `change`.
fn card(change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) -> String {
    let text = r#"{
        "architecture": "resnet8", "test_accuracy": 0.5, "mean": [0.49, 0.48, 0.45], "std": [0.2, 0.2, 0.2],
        "range_on_training_images": {"act": 3.0}
    }"#;
    let mut card = serde_json::from_str(text).unwrap();
    change(&mut card);
    serde_json::to_string(&card).unwrap()
}

fn refusal(json: &str) -> String {
    let error = ModelCard::from_json(json).unwrap_err().to_string();
    assert!(error.starts_with("model card: "), "{error}");
    error
}

/// Returns the refusal of a card with `value` in the field `name`.
fn with(name: &str, value: &str) -> String {
    let error = refusal(&card(|card| drop(card.insert(name.to_owned(), serde_json::from_str(value).unwrap()))));
    assert!(error.contains(&format!("`{name}")), "{error}");
    error
}

#[test]
fn every_field_is_read() {
    let json = card(|card| {
        let more = r#"{
            "trained_with": {"relu": "chebyshev:7", "half_widths": {"act": 2.5}}, "shortcut": "pad-after", "bn_eps": 1e-3,
            "logit_bound": 40, "odd_pictures": {"white": 0, "noise": 12}, "note": "not read"
        }"#;
        card.extend(serde_json::from_str::<serde_json::Map<_, _>>(more).unwrap());
    });
    for json in [json.clone(), format!("\u{feff}{json}\r\n")] {
        let card = ModelCard::from_json(&json).unwrap();
        assert_eq!((card.architecture.as_str(), card.test_accuracy, card.mean[2]), ("resnet8", Some(0.5), 0.45));
        assert_eq!(card.trained_with.unwrap().half_widths["act"], 2.5);
        assert_eq!(card.shortcut.unwrap().name(), "pad-after");
        assert_eq!((card.bn_eps, card.logit_bound), (Some(1e-3), Some(40.0)));
        assert_eq!((card.odd_pictures["white"], card.odd_pictures["noise"]), (0, 12));
    }
    let least = ModelCard::from_json(&card(|_| ())).unwrap();
    assert!(least.trained_with.is_none() && least.logit_bound.is_none() && least.odd_pictures.is_empty());
    let null = card(|card| drop(card.insert("trained_with".into(), serde_json::Value::Null)));
    assert!(ModelCard::from_json(&null).unwrap().trained_with.is_none());
}

#[test]
fn numbers_that_no_network_has_are_refused_with_found_and_wanted() {
    let mean = with("mean", "[125.3, 123.0, 113.9]");
    assert_eq!(mean, "model card: `mean`: found 125.3, wanted a fraction of full scale from 0 to 1; divide by 255");
    assert!(with("mean", "[0.5, -0.1, 0.5]").contains("found -0.1, wanted"));
    assert!(with("mean", "[0.5, 1e308, 0.5]").contains("found 1e+308, wanted"));
    assert!(
        with("std", "[63.0, 62.1, 66.7]")
            .contains("found 63.0, wanted a fraction of full scale from 0.001 to 1; divide")
    );
    assert!(with("std", "[0.2, 0, 0.2]").contains("found 0, wanted a fraction of full scale from 0.001 to 1"));
    assert!(with("std", "[0.2, -0.2, 0.2]").contains("found -0.2"));
    assert!(with("test_accuracy", "92.58").contains("found 92.58, wanted a share from 0 to 1; divide percent by 100"));
    assert!(with("test_accuracy", "-0.5").contains("found -0.5, wanted a share"));
    for range in ["0", "-1", "1e+308"] {
        let error = with("range_on_training_images", &format!(r#"{{"act": {range}}}"#));
        assert!(
            error.contains(&format!("found {range}, wanted a number above 0")) && error.contains("`act`"),
            "{error}"
        );
    }
    assert!(with("bn_eps", "0").contains("above 0"));
    assert!(with("logit_bound", "-3").contains("found -3, wanted a number above 0"));
    assert!(with("odd_pictures", r#"{"white": 1.5}"#).contains("found 1.5, wanted a whole number"));
    let trained = r#"{"relu": "chebyshev:7", "half_widths": {"act": 0}}"#;
    assert!(with("trained_with", trained).contains("`trained_with.half_widths`: found 0"));
}

#[test]
fn fields_of_another_type_are_refused_by_name() {
    assert!(with("mean", "[]").contains("found [], wanted three numbers"));
    assert!(refusal(&card(|card| drop(card.insert("mean".into(), 0.5.into())))).contains("wanted three numbers"));
    let two = refusal(&card(|card| drop(card.insert("mean".into(), vec![0.5, 0.5].into()))));
    assert_eq!(two, "model card: `std`: found 3 numbers, wanted 2, as many as in `mean`");
    assert!(with("classes", r#"["cat", 7]"#).contains("found 7, wanted text"));
    assert!(with("test_set", "10").contains("found 10, wanted text"));
    assert!(with("mean", "0.5").contains("found 0.5, wanted three numbers"));
    assert!(with("std", r#"[0.2, "0.2", 0.2]"#).contains(r#"found "0.2", wanted a number"#));
    assert!(with("test_accuracy", r#""92 %""#).contains("wanted a number"));
    assert!(with("architecture", "20").contains("found 20, wanted text"));
    assert!(with("range_on_training_images", "[1, 2]").contains("wanted an object of numbers by name"));
    assert!(with("logit_bound", r#""high""#).contains("wanted a number"));
    assert!(with("odd_pictures", "7").contains("wanted an object"));
    assert!(with("shortcut", r#""pad""#).contains("`pad-centre`, `pad-after`"));
    assert!(with("trained_with", r#""square""#).contains("wanted an object"));
    assert!(with("trained_with", "{}").contains("missing field `trained_with.relu`"));
    assert!(with("trained_with", r#"{"relu": "gelu", "half_widths": {}}"#).contains("unknown activation 'gelu'"));
}

#[test]
fn text_that_is_no_card_is_refused() {
    assert!(refusal("").contains("found nothing, wanted a JSON object"));
    assert!(refusal("[1, 2]").contains("found `[1, 2]`, wanted a JSON object"));
    assert!(refusal("mean: [0.4]\nstd: [0.2]").contains("found `mean: [0.4]…`, wanted a JSON object"));
    assert!(refusal("<html>").contains("wanted a JSON object"));
    assert!(refusal("{}").contains("missing field `architecture`"));
    let nan = refusal(&card(|_| ()).replace("0.5", "NaN"));
    assert!(nan.contains("found `NaN") && nan.contains("whose numbers are finite"), "{nan}");
    let cut = card(|_| ());
    assert!(refusal(&cut[..cut.len() - 1]).contains("EOF"));
    let twice = card(|_| ()).replacen('{', r#"{"mean": [0.1, 0.1, 0.1], "#, 1);
    assert!(refusal(&twice).contains("duplicate field `mean`"));
    assert!(refusal(&card(|_| ()).replace("0.5", "1e999")).contains("number out of range"));
}

#[test]
fn card_files_are_bounded_regular_utf8_files() {
    let folder = std::env::temp_dir().join(format!("cards-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("card.json");
    let refusal = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        ModelCard::read(&file).unwrap_err().to_string()
    };
    assert!(refusal(&[b' '; (1 << 20) + 1]).contains("found 1048577 bytes, wanted at most 1048576"));
    assert!(refusal(b"\xFF\xFE{\0}\0").contains("offset 0 that is no UTF-8 text"));
    std::fs::write(&file, card(|_| ())).unwrap();
    assert_eq!(ModelCard::read(&file).unwrap(), card(|_| ()));
    assert!(ModelCard::read(&folder).unwrap_err().to_string().contains("found a folder, wanted a file"));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn headrooms_that_leave_all_numbers_are_refused() {
    assert!(matches!(intervals(&[1e10], 1e300), Err(Error::BadHeadroom { .. })));
    assert_eq!(intervals(&[2.0], 1.5).unwrap(), [Interval { lo: -3.0, hi: 3.0 }]);
}
