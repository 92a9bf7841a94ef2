//! What a Kafka client is made with.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// Settings of a Kafka client, by librdkafka's names. `Debug` shows the names alone: a value may be a password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClientSettings(Vec<(String, String)>);

impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Deref for ClientSettings {
    type Target = Vec<(String, String)>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for ClientSettings {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl FromIterator<(String, String)> for ClientSettings {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(settings: I) -> Self {
        Self(settings.into_iter().collect())
    }
}

impl IntoIterator for ClientSettings {
    type Item = (String, String);
    type IntoIter = std::vec::IntoIter<(String, String)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_names_and_no_values() {
        let settings: ClientSettings =
            [("sasl.password".to_owned(), "sesame".to_owned())].into_iter().collect();
        assert_eq!(format!("{settings:?}"), r#"["sasl.password"]"#);
    }
}
