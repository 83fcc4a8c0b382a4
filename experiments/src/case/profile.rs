//! Profiles of circuits in files: a TOML file with the table `[profile]`.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use datasets::digest::sha256;
use fhe_nn::encrypted::Profile;
use serde::{Deserialize, Serialize};

use crate::files;

/// The longest file.
const LONGEST: u64 = 1 << 16;
/// Digits of a digest in a label.
const DIGITS: usize = 8;

/// The whole file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    profile: Profile,
}

/// A profile that a case asks for in place of the shipped ones.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AskedProfile {
    /// The profile.
    pub profile: Profile,
    label: String,
}

impl AskedProfile {
    /// Returns a profile with its label.
    pub(crate) fn new(profile: Profile) -> Self {
        let digest = sha256(text(&profile).as_bytes());
        Self { label: format!("{}-{}", profile.name, &digest[..DIGITS]), profile }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, has another shape, or a number that no circuit could have.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = files::read_text(path, LONGEST).context("wanted a TOML file with a table [profile]")?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// The line and the key, or the value found and the values wanted.
    fn parse(text: &str) -> Result<Self> {
        let described = |error: toml::de::Error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            anyhow!("line {line}: {}; wanted the table [profile] as `plan --search --write` writes it", error.message())
        };
        let File { profile } = toml::from_str(text).map_err(described)?;
        profile.check()?;
        Ok(Self::new(profile))
    }
}

/// Name and first digits of the digest: profiles of one name with other numbers have other labels.
impl fmt::Display for AskedProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

/// Returns the text of a file that holds a profile.
pub(crate) fn text(profile: &Profile) -> String {
    toml::to_string(&File { profile: profile.clone() }).expect("numbers, words and lists are TOML")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_read_as_they_were_written() {
        let special = Profile { special_primes: Some(5), most_digits: None, ..Profile::turn() };
        for profile in Profile::polynomial().into_iter().chain(Profile::wave()).chain([special]) {
            let read =
                AskedProfile::parse(&text(&profile)).unwrap_or_else(|error| panic!("{}: {error:#}", profile.name));
            assert_eq!(read.profile, profile, "{}", text(&profile));
        }
    }

    #[test]
    fn shipped_files_are_profiles() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/profiles");
        let folders = [folder.clone(), folder.join("front")].map(|folder| std::fs::read_dir(folder).unwrap());
        let files = folders.into_iter().flatten().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        let read = files.map(|path| AskedProfile::read(&path).unwrap_or_else(|error| panic!("{error:#}")));
        assert!(read.count() >= 13);
    }

    #[test]
    fn labels_differ_where_numbers_do() {
        let [a, b] = [38, 37].map(|base| AskedProfile::new(Profile { base, ..Profile::narrow() }).to_string());
        assert!(a.starts_with("narrow-") && b.starts_with("narrow-") && a != b && a.len() == 7 + DIGITS, "{a}, {b}");
    }

    /// One row for each way in which a file can be wrong: the change of a good text, and the words of the message.
    #[test]
    fn a_file_with_another_shape_or_number_is_refused() {
        let good = text(&Profile::narrow());
        let without = |key: &str| good.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n");
        let rows = [
            (String::new(), "missing field `profile`"),
            (good.replace("base = 32", "base = 32\nbese = 32"), "line 4: unknown field `bese`"),
            (good.replace("[profile", "[profiles"), "unknown field `profiles`"),
            (without("range"), "missing field `range`"),
            (good.replace("base = 32", "base = -1"), "line 3: invalid value: integer `-1`"),
            (good.replace("base = 32", "base = \"32\""), "line 3: invalid type: string \"32\""),
            (good.replace("base = 32", "base = 19"), "profile.base: found 19, wanted 20 to 50"),
            (good.replace("masks.shared", "masks.many"), "unknown variant `many`"),
            (good.replace("message_ratio = 16.0", "message_ratio = nan"), "profile.message_ratio: found NaN"),
            (good.replace("[7, 7]", "[7, 0]"), "profile.slots_to_coeffs: found stages = [7, 0]"),
        ];
        for (text, words) in rows {
            let error = format!("{:#}", AskedProfile::parse(&text).expect_err(words));
            assert!(error.contains(words), "wanted {words}: {error}");
        }
    }
}
