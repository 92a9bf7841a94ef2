//! The settings of a connector, as they would be in a file of the source's own: those of the producer without prefixes.

use coherence_kafka_connect::config::{ConfigErrors, Finding, Properties, Property};
use coherence_kafka_rdkafka::settings::translate::Client;
use coherence_kafka_worker::config::WorkerConfig;
use coherence_kafka_worker::config::clients::{of_all_clients, of_client};
use coherence_kafka_worker::config::table::is_shared;

use super::table::is_own;
use crate::config::table::DESCRIPTION;

/// The settings, and the names by which those of the producer are written.
pub(crate) struct Flat {
    pub(crate) properties: Properties,
    /// The place of a setting, its name here, and as it is written.
    written: Vec<(String, String, String)>,
}

impl Flat {
    /// Takes the settings of a connector, and those of its worker that reach it.
    pub(crate) fn of_connector(
        worker: &WorkerConfig,
        connector: &Properties,
        findings: &mut ConfigErrors,
    ) -> Self {
        let shared = worker.properties().iter().filter(|property| is_shared(&DESCRIPTION, &property.key));
        let own = connector.iter().filter(|property| is_own(&property.key));
        let own = shared.chain(own).map(|property| (property.key.as_str(), property));
        let producer =
            of_client(Client::Producer, worker.properties(), connector, &worker.override_policy, findings);
        Self::layers(worker, producer.into_iter().chain(own))
    }

    /// Takes the settings of the worker's Kafka clients.
    pub(crate) fn of_worker(worker: &WorkerConfig, findings: &mut ConfigErrors) -> Self {
        let none = Properties::default();
        let producer =
            of_client(Client::Producer, worker.properties(), &none, &worker.override_policy, findings);
        Self::layers(worker, producer)
    }

    fn layers<'a>(
        worker: &'a WorkerConfig,
        above: impl IntoIterator<Item = (&'a str, &'a Property)>,
    ) -> Self {
        let mut written = Vec::new();
        let all = of_all_clients(worker.properties()).into_iter().chain(above).map(|(name, property)| {
            if name != property.key {
                written.push((property.origin.clone(), name.to_owned(), property.key.clone()));
            }
            Property { key: name.to_owned(), ..property.clone() }
        });
        let servers = Property::new("bootstrap.servers", worker.bootstrap_servers(), "default");
        // The later of two with one name wins.
        let properties = std::iter::once(servers).chain(all).collect();
        Self { properties, written }
    }

    /// Returns what was found about these settings, by the names that the user has written.
    pub(crate) fn as_written(&self, found: ConfigErrors) -> ConfigErrors {
        let named = |finding: Finding| {
            let is = |(origin, name, _): &&(String, String, String)| {
                finding.origin.as_ref() == Some(origin) && finding.key == *name
            };
            match self.written.iter().rev().find(is) {
                Some((.., key)) => Finding { key: key.clone(), ..finding },
                None => finding,
            }
        };
        ConfigErrors {
            errors: found.errors.into_iter().map(named).collect(),
            warnings: found.warnings.into_iter().map(named).collect(),
        }
    }
}
