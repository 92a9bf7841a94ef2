//! Settings as text: an ordered, flat map of key to value that remembers where each value came from.

use std::collections::{BTreeMap, HashMap};

use super::def::trim;

/// One setting. `Debug` leaves the value out, because it may be a secret that its key does not betray.
#[derive(Clone, PartialEq, Eq)]
pub struct Property {
    /// The key, case included.
    pub key: String,
    /// The value; surrounding blanks are kept until the typed parse.
    pub value: String,
    /// Where it was set: `file:line`, an environment variable, the command line, a request.
    pub origin: String,
    /// Whether the value must never be shown.
    pub secret: bool,
}

impl Property {
    /// Creates a setting whose secrecy follows from its key.
    pub fn new(key: impl Into<String>, value: impl Into<String>, origin: impl Into<String>) -> Self {
        let key = key.into();
        Property { secret: is_secret(&key), key, value: value.into(), origin: origin.into() }
    }

    /// Returns the value without surrounding blanks, as every typed parse of Kafka sees it.
    pub fn trimmed(&self) -> &str {
        trim(&self.value)
    }

    /// Returns the trimmed value, or a stand-in where it is secret.
    pub fn shown(&self) -> &str {
        if self.secret { super::def::HIDDEN } else { self.trimmed() }
    }
}

impl std::fmt::Debug for Property {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Property")
            .field("key", &self.key)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// Returns whether values of this key are secrets whatever they hold.
pub fn is_secret(key: &str) -> bool {
    const ENDINGS: &[&str] =
        &["password", "passphrase", "secret", "token", "jaas.config", "credentials", "user.info"];
    const KEYS: &[&str] = &["ssl.keystore.key", "ssl.key.pem"];
    let key = key.to_ascii_lowercase();
    ENDINGS.iter().chain(KEYS).any(|ending| key.ends_with(ending))
}

/// Settings in the order of their first appearance, each key once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    entries: Vec<Property>,
    index: HashMap<String, usize>,
}

impl Properties {
    /// Settings of one origin, such as the body of a request.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        origin: &str,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        pairs.into_iter().map(|(key, value)| Property::new(key, value, origin)).collect()
    }

    /// Returns the setting of this key.
    pub fn get(&self, key: &str) -> Option<&Property> {
        self.index.get(key).map(|&at| &self.entries[at])
    }

    /// Every setting, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Property> {
        self.entries.iter()
    }

    /// Returns the settings below `prefix`, with the rest of their keys.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Property)> {
        self.iter().filter_map(move |property| Some((property.key.strip_prefix(prefix)?, property)))
    }

    /// Returns whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Keys and values, sorted: what the REST interface shows.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        self.iter().map(|property| (property.key.clone(), property.value.clone())).collect()
    }
}

impl FromIterator<Property> for Properties {
    /// The last value of a key wins and keeps the place of the first.
    fn from_iter<I: IntoIterator<Item = Property>>(properties: I) -> Self {
        let mut all = Properties::default();
        for property in properties {
            match all.index.get(&property.key) {
                Some(&at) => all.entries[at] = property,
                None => {
                    all.index.insert(property.key.clone(), all.entries.len());
                    all.entries.push(property);
                }
            }
        }
        all
    }
}
