//! The options of one converter while they are read: values by type, and every refusal collected.
//!
//! Connect's `ConfigDef` does the same; its texts are kept. See also [`crate::config`], which does it for whole
//! connector files.

use std::collections::BTreeMap;

use coherence_kafka_common::serializer::charset::Charset;

use super::OptionError;

/// The options of a converter that is being created.
#[derive(Debug)]
pub struct Options<'o> {
    given: &'o BTreeMap<String, String>,
    errors: Vec<OptionError>,
}

impl<'o> Options<'o> {
    pub(super) fn new(given: &'o BTreeMap<String, String>) -> Self {
        Self { given, errors: Vec::new() }
    }

    /// Returns every option, without the white space around its value.
    pub fn all(&self) -> impl Iterator<Item = (&'o str, &'o str)> {
        self.given.iter().map(|(key, value)| (key.as_str(), value.trim()))
    }

    pub(super) fn into_errors(self) -> Vec<OptionError> {
        self.errors
    }

    /// Returns the text of an option, without the white space around it.
    pub fn text(&self, key: &str) -> Option<&'o str> {
        self.given.get(key).map(|value| value.trim())
    }

    /// Returns a boolean option; the default where it is absent or was refused.
    pub fn boolean(&mut self, key: &str, default: bool) -> bool {
        match self.text(key) {
            None => default,
            Some(text) if text.eq_ignore_ascii_case("true") => true,
            Some(text) if text.eq_ignore_ascii_case("false") => false,
            Some(_) => {
                self.invalid(key, "Expected value to be either true or false");
                default
            }
        }
    }

    /// Returns whether `decimal.format` makes decimals numbers of JSON, instead of their bytes in Base64.
    pub fn numeric_decimals(&mut self) -> bool {
        const KEY: &str = "decimal.format";
        let format = self.text(KEY).unwrap_or("BASE64");
        let numeric = format.eq_ignore_ascii_case("NUMERIC");
        if !numeric && !format.eq_ignore_ascii_case("BASE64") {
            self.invalid(KEY, "String must be one of (case insensitive): NUMERIC, BASE64");
        }
        numeric
    }

    /// Returns a number of 32 bits; the default where it is absent or was refused.
    pub fn int(&mut self, key: &str, default: i32) -> i32 {
        match self.text(key).map(str::parse) {
            None => default,
            Some(Ok(number)) => number,
            Some(Err(_)) => {
                self.invalid(key, "Not a number of type INT");
                default
            }
        }
    }

    /// Returns the charset that the first of `keys` which is set names, or UTF-8. `None` when it was refused.
    pub(super) fn charset(&mut self, keys: &[&str]) -> Option<Charset> {
        let Some((key, name)) = keys.iter().find_map(|key| Some((key, self.text(key)?))) else {
            return Some(Charset::UTF_8);
        };
        let charset = Charset::for_name(name);
        if charset.is_none() {
            self.refuse(key, format!("Unsupported encoding {name}"));
        }
        charset
    }

    /// Refuses an option in the words of Kafka's `ConfigException`.
    pub fn invalid(&mut self, key: &str, why: &str) {
        let value = self.text(key).unwrap_or("null");
        self.refuse(key, format!("Invalid value {value} for configuration {key}: {why}"));
    }

    /// Refuses an option in other words.
    pub fn refuse(&mut self, key: &str, message: String) {
        self.errors.push(OptionError {
            key: key.to_owned(),
            value: self.text(key).map(str::to_owned),
            message,
        });
    }
}
