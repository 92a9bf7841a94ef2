//! Where the settings of Kafka clients stand: layers, as in Connect.
//!
//! The worker's `consumer.*`, over them the connector's `consumer.override.*`; `producer` and `admin` likewise. Below both
//! lie the worker's own `security.protocol`, `sasl.*` and `ssl.*`, which in Connect do not reach the clients of
//! connectors and are the most common trap there.

use coherence_kafka_connect::config::{ConfigErrors, Properties, Property};
use coherence_kafka_rdkafka::settings::translate::Client;

use super::OverridePolicy;

/// What the worker's settings of a client begin with, and a connector's.
pub fn prefixes(client: Client) -> (&'static str, &'static str) {
    match client {
        Client::Consumer => ("consumer.", "consumer.override."),
        Client::Producer => ("producer.", "producer.override."),
        Client::Admin => ("admin.", "admin.override."),
    }
}

/// Settings of a client, in Java's or librdkafka's names, the lowest layer first.
pub type Settings<'a> = Vec<(&'a str, &'a Property)>;

/// Returns the worker's own brokers and security, which every client begins with.
pub fn of_all_clients(worker: &Properties) -> Settings<'_> {
    const SECURITY: &[&str] = &["security.protocol", "sasl.", "ssl."];
    let bootstrap = worker.get("bootstrap.servers").map(|property| ("bootstrap.servers", property));
    let security = worker
        .iter()
        .map(|property| (property.key.as_str(), property))
        .filter(|(key, _)| SECURITY.iter().any(|prefix| key.starts_with(prefix)));
    bootstrap.into_iter().chain(security).collect()
}

/// Returns the settings of a kind of client: the worker's, and over them the connector's where the policy allows it.
pub fn of_client<'a>(
    client: Client,
    worker: &'a Properties,
    connector: &'a Properties,
    policy: &OverridePolicy,
    findings: &mut ConfigErrors,
) -> Settings<'a> {
    let (own, overrides) = prefixes(client);
    // A file that holds both worker and connector settings has the connector's overrides in the worker's view, and
    // `admin.listeners` is the worker's, with its TLS.
    let stranger = |key: &str| {
        let of_listeners = key == "listeners" || key.starts_with("listeners.");
        key.starts_with("override.") || (client == Client::Admin && of_listeners)
    };
    let mut settings: Settings<'a> = worker.below(own).filter(|(key, _)| !stranger(key)).collect();
    for (key, property) in connector.below(overrides) {
        match policy.refusal(key) {
            None => settings.push((key, property)),
            Some(why) => findings.error(property, why),
        }
    }
    settings
}
