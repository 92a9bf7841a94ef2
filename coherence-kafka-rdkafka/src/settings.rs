//! Settings of Kafka clients: from Java's names to librdkafka's, and from there to a client.
//!
//! ```text
//! properties ── translate.rs ──► settings by librdkafka's names ──► a client
//!   of an entry store: entry_store.rs
//!   names and values that librdkafka accepts: librdkafka.rs
//! ```

use std::fmt;
use std::ops::{Deref, DerefMut};

use rdkafka::ClientConfig;

mod entry_store;
mod librdkafka;
pub mod translate;

pub use entry_store::{ProducerConfig, connection, is_of_connections, producer};

/// A configuration with these settings; of two with one name, the last one counts.
pub(crate) fn client_config(settings: &[(String, String)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (name, value) in settings {
        config.set(name, value);
    }
    config
}

/// The same for a client that joins no group, so that no partitions move.
pub(crate) fn client_config_without_group(settings: &[(String, String)]) -> ClientConfig {
    let mut config = client_config(settings);
    config.remove("group.id");
    config.remove("group.instance.id");
    config
}

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
