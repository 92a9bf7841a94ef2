//! The configuration of a connector, checked by its plugin.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use coherence_kafka_connect::config::{ConfigErrors, Finding, Properties, Variables};

use crate::config::WorkerConfig;
use crate::plugin::{Connector, Plugin};

/// The configuration of a connector, checked. `Debug` shows no values: there may be passwords among them.
#[derive(Clone)]
pub struct ConnectorConfig {
    /// The connector that it leads to.
    pub connector: Arc<dyn Connector>,
    /// The connector's own settings as written, variables unresolved: the REST interface shows them. Nothing of
    /// the worker or of the environment is among them.
    pub raw: BTreeMap<String, String>,
    /// Warnings for the operator, to be logged once.
    pub warnings: Vec<Finding>,
}

impl fmt::Debug for ConnectorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorConfig").field("name", &self.name()).finish_non_exhaustive()
    }
}

impl ConnectorConfig {
    /// Checks the settings of a connector that come from the operator: from files, the environment, arguments.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn parse(
        plugin: &dyn Plugin,
        worker: &WorkerConfig,
        properties: &Properties,
    ) -> Result<Self, ConfigErrors> {
        Self::check(plugin, worker, properties, worker.variables())
    }

    /// Checks the settings of a connector that came over the network: of the variables in them, those have a value
    /// whose provider the worker declares.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn of_request(
        plugin: &dyn Plugin,
        worker: &WorkerConfig,
        properties: &Properties,
    ) -> Result<Self, ConfigErrors> {
        Self::check(plugin, worker, properties, &worker.variables().of_requests())
    }

    fn check(
        plugin: &dyn Plugin,
        worker: &WorkerConfig,
        properties: &Properties,
        variables: &Variables,
    ) -> Result<Self, ConfigErrors> {
        let mut findings = ConfigErrors::default();
        let raw = properties.to_map();
        let properties = variables.resolve(properties, &mut findings);
        let connector = plugin.connector(worker, &properties, &mut findings);
        // Settings of the worker that reach the clients of the connector were reported with the worker.
        findings.warnings.retain(|warning| !worker.warnings.contains(warning));
        let warnings = findings.warnings.clone();
        findings.finish(connector.map(|connector| Self { connector, raw, warnings }))
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        self.connector.name()
    }
}
