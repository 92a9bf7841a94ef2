//! The settings of a worker, checked together with its plugin.

use coherence_kafka_connect::config::{ConfigErrors, Environment, Properties};
use coherence_kafka_connect::converter::Role;

use crate::config::{WorkerConfig, create_converter, create_header_converter};
use crate::plugin::Plugin;

impl WorkerConfig {
    /// Checks the settings of a worker whose connectors are of this kind; `environment` is what `${env:…}` may see.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn parse(
        plugin: &dyn Plugin,
        properties: &Properties,
        environment: Environment,
    ) -> Result<Self, ConfigErrors> {
        let mut findings = ConfigErrors::default();
        let worker = Self::check(plugin, properties, environment, &mut findings);
        findings.finish(Some(worker))
    }

    /// Returns a worker even where it is refused, so that its connectors can be checked all the same.
    pub(super) fn check(
        plugin: &dyn Plugin,
        properties: &Properties,
        environment: Environment,
        findings: &mut ConfigErrors,
    ) -> Self {
        let mut worker = Self::read(plugin.description(), properties, environment, findings);
        // Checked here too, though each connector makes its own: a connector may come much later, over REST.
        worker.client = plugin.check_clients(&worker, findings);
        for role in [Role::Key, Role::Value] {
            if let Some(class) = worker.properties().get(role.property()) {
                create_converter(role, class, worker.properties(), findings);
            }
        }
        create_header_converter(worker.properties(), findings);
        worker.warnings = findings.warnings.clone();
        // Where the file is a connector's too, they are found with the connector.
        if worker.properties().get("connector.class").is_none() {
            plugin.check_shared(&worker, findings);
        }
        worker
    }
}
