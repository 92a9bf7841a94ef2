//! From settings by librdkafka's names to a client.

use rdkafka::ClientConfig;

/// A configuration with these settings; of two with one name, the last one counts.
pub(crate) fn client_config(settings: &[(String, String)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (name, value) in settings {
        config.set(name, value);
    }
    config
}
