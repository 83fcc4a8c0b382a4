//! The fields of a model card, each checked as it is read.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Error;
use crate::shortcut::PaddedShortcut;

/// A check of a number: returns the words for the number that is wanted if `f64` is none.
pub(super) type Check = fn(f64) -> Result<(), String>;

/// A field that the card has.
pub(super) struct Field {
    /// Its name.
    pub(super) name: &'static str,
    /// Its value.
    pub(super) value: Value,
}

/// Reads a JSON object.
///
/// # Errors
/// [`Error::Card`] for text that is not a JSON object, with the text at the place of the fault.
pub(super) fn object<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
    let start = json.trim_start();
    if !start.starts_with('{') {
        let found = if start.is_empty() { "nothing".to_owned() } else { format!("`{}`", short(start)) };
        return Err(Error::Card(format!("found {found}, wanted a JSON object")));
    }
    serde_json::from_str(json).map_err(|error| {
        let line = json.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
        let near = line.get(error.column().saturating_sub(1)..).unwrap_or_default();
        if error.is_data() || near.is_empty() {
            Error::Card(error.to_string())
        } else {
            Error::Card(format!("{error}: found `{}`, wanted JSON, whose numbers are finite", short(near)))
        }
    })
}

/// Returns the start of the first line of a text.
fn short(text: &str) -> String {
    let start: String = text.chars().take(40).take_while(|c| !c.is_control()).collect();
    if start.len() < text.len() { format!("{start}…") } else { start }
}

impl Field {
    /// Returns the field.
    ///
    /// # Errors
    /// [`Error::Card`] if the card lacks it.
    pub(super) fn required(name: &'static str, value: Option<Value>) -> Result<Self, Error> {
        match value {
            Some(value) => Ok(Self { name, value }),
            None => Err(Error::Card(format!("missing field `{name}`"))),
        }
    }

    fn bad(&self, found: &Value, wanted: &str) -> Error {
        Error::Card(format!("`{}`: found {}, wanted {wanted}", self.name, short(&found.to_string())))
    }

    /// Returns the member `key` of an object, under the name `name`.
    pub(super) fn member(&self, key: &str, name: &'static str) -> Result<Self, Error> {
        let object = self.value.as_object().ok_or_else(|| self.bad(&self.value, "an object"))?;
        Self::required(name, object.get(key).cloned())
    }

    /// Returns the text of the field.
    pub(super) fn text(&self) -> Result<String, Error> {
        let text = self.value.as_str().ok_or_else(|| self.bad(&self.value, "text"))?;
        Ok(text.to_owned())
    }

    /// Returns the number of the field.
    pub(super) fn number(&self, check: Check) -> Result<f64, Error> {
        self.checked(&self.value, check)
    }

    fn checked(&self, value: &Value, check: Check) -> Result<f64, Error> {
        let number = value.as_f64().ok_or_else(|| self.bad(value, "a number"))?;
        check(number).map_err(|wanted| self.bad(value, &wanted))?;
        Ok(number)
    }

    /// Returns one number for each channel: red, green, blue; or one or two for a network that takes fewer.
    pub(super) fn channels(&self, check: Check) -> Result<Vec<f64>, Error> {
        let values = self.value.as_array().filter(|values| (1..=3).contains(&values.len()));
        let values = values
            .ok_or_else(|| self.bad(&self.value, "three numbers, for red, green and blue, or one for each channel"))?;
        values.iter().map(|value| self.checked(value, check)).collect()
    }

    /// Returns the texts of a list.
    pub(super) fn texts(&self) -> Result<Vec<String>, Error> {
        let values = self.value.as_array().ok_or_else(|| self.bad(&self.value, "a list of texts"))?;
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| self.bad(value, "text"));
        values.iter().map(text).collect()
    }

    /// Returns the numbers of an object, by name.
    pub(super) fn numbers(&self, check: Check) -> Result<BTreeMap<String, f64>, Error> {
        self.object(|value| self.checked(value, check))
    }

    /// Returns the counts of an object, by name.
    pub(super) fn counts(&self) -> Result<BTreeMap<String, u64>, Error> {
        self.object(|value| value.as_u64().ok_or_else(|| self.bad(value, "a whole number, 0 or more")))
    }

    fn object<T>(&self, read: impl Fn(&Value) -> Result<T, Error>) -> Result<BTreeMap<String, T>, Error> {
        let object = self.value.as_object().ok_or_else(|| self.bad(&self.value, "an object of numbers by name"))?;
        let named = |(name, value): (&String, &Value)| match read(value) {
            Ok(value) => Ok((name.clone(), value)),
            Err(Error::Card(reason)) => Err(Error::Card(format!("{reason}, for `{name}`"))),
            Err(error) => Err(error),
        };
        object.iter().map(named).collect()
    }

    /// Returns the form of shortcuts without weights.
    pub(super) fn convention(&self) -> Result<PaddedShortcut, Error> {
        self.text()?.parse().map_err(|error: Error| Error::Card(error.to_string()))
    }
}

/// Accepts a share, from 0 to 1.
pub(super) fn share(number: f64) -> Result<(), String> {
    let percent = if number > 1.0 && number <= 100.0 { "; divide percent by 100" } else { "" };
    in_range(number, 0.0, 1.0).map_err(|()| format!("a share from 0 to 1{percent}"))
}

/// Accepts a mean of pixels.
pub(super) fn mean(number: f64) -> Result<(), String> {
    in_range(number, 0.0, 1.0).map_err(|()| format!("a fraction of full scale from 0 to 1{}", of_255(number)))
}

/// Accepts a standard deviation of pixels.
pub(super) fn deviation(number: f64) -> Result<(), String> {
    in_range(number, 1e-3, 1.0).map_err(|()| format!("a fraction of full scale from 0.001 to 1{}", of_255(number)))
}

fn of_255(number: f64) -> &'static str {
    if number > 1.0 && number <= 255.0 { "; divide by 255" } else { "" }
}

/// Accepts a magnitude above 0 that single precision holds.
pub(super) fn magnitude(number: f64) -> Result<(), String> {
    in_range(number, f64::MIN_POSITIVE, f32::MAX.into()).map_err(|()| "a number above 0 and up to 3.4e38".to_owned())
}

/// Accepts the epsilon of batch norm.
pub(super) fn epsilon(number: f64) -> Result<(), String> {
    in_range(number, f64::MIN_POSITIVE, 1.0).map_err(|()| "a number above 0 and up to 1, such as 1e-5".to_owned())
}

fn in_range(number: f64, least: f64, most: f64) -> Result<(), ()> {
    if (least..=most).contains(&number) { Ok(()) } else { Err(()) }
}
