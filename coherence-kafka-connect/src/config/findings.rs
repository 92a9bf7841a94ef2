//! The errors and warnings of a configuration, all at once, each with its place.

use std::fmt;
use std::path::PathBuf;

use super::def::Violation;
use super::properties::Property;

/// One point about one setting. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where the setting stands, such as `worker.properties:12`; `None` where it stands nowhere.
    pub origin: Option<String>,
    /// The key; empty where the point is about a whole file.
    pub key: String,
    /// What is wrong, and what to write instead where that is known.
    pub message: String,
}

impl Property {
    /// Returns a point about this setting.
    pub fn finding(&self, message: impl Into<String>) -> Finding {
        Finding { origin: Some(self.origin.clone()), key: self.key.clone(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// A configuration that is refused: every error, and the warnings that may explain them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigErrors {
    /// The errors.
    pub errors: Vec<Finding>,
    /// The warnings, such as an unknown setting.
    pub warnings: Vec<Finding>,
}

impl ConfigErrors {
    /// An error about a setting.
    pub fn error(&mut self, property: &Property, message: impl Into<String>) {
        self.errors.push(property.finding(message));
    }

    /// A warning about a setting.
    pub fn warning(&mut self, property: &Property, message: impl Into<String>) {
        self.warnings.push(property.finding(message));
    }

    /// An error about a key that may not be set at all.
    pub fn error_at(&mut self, property: Option<&Property>, key: &str, message: impl Into<String>) {
        self.errors.push(Finding {
            origin: property.map(|property| property.origin.clone()),
            key: key.to_owned(),
            message: message.into(),
        });
    }

    /// An error whose text may repeat the value: where that is secret, `otherwise` stands in.
    pub fn refusal(&mut self, property: Option<&Property>, key: &str, why: String, otherwise: &str) {
        let secret = property.is_some_and(|property| property.secret);
        self.error_at(property, key, if secret { otherwise.to_owned() } else { why });
    }

    /// A refusal of the typed parse; the value is left out where it is secret.
    pub fn violation(&mut self, property: Option<&Property>, violation: Violation) {
        let violation =
            if property.is_some_and(|property| property.secret) { violation.hidden() } else { violation };
        self.error_at(property, violation.key(), violation.to_string());
    }

    /// The same, where an error about a setting that stands nowhere names the file that lacks it.
    pub fn missing_from(mut self, file: Option<&PathBuf>) -> Self {
        let file = file.map(|file| file.display().to_string());
        for error in self.errors.iter_mut().filter(|error| error.origin.is_none()) {
            error.origin.clone_from(&file);
        }
        self
    }

    /// Every error, in the order of the checks.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Finding> {
        self.errors.iter()
    }

    /// Takes over what is new: a bad setting of the worker is found again by each of its connectors.
    pub fn append(&mut self, other: ConfigErrors) {
        self.errors.extend(new(&self.errors, other.errors));
        self.warnings.extend(new(&self.warnings, other.warnings));
    }

    /// Returns the value, or everything that is wrong.
    ///
    /// # Errors
    /// These findings, if one of them is an error or the value is missing.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, ConfigErrors> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}

fn new(known: &[Finding], found: Vec<Finding>) -> Vec<Finding> {
    found.into_iter().filter(|finding| !known.contains(finding)).collect()
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errors.len() {
            1 => write!(f, "one setting is refused")?,
            n => write!(f, "{n} settings are refused")?,
        }
        for (number, error) in self.errors.iter().enumerate() {
            write!(f, "\n  {}. {error}", number + 1)?;
        }
        if !self.warnings.is_empty() {
            f.write_str("\nwarnings")?;
        }
        for warning in &self.warnings {
            write!(f, "\n  - {warning}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
