//! The configuration as a whole: files of a worker and of sink connectors.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use coherence_kafka_connect::config::{ConfigErrors, Environment, Finding, Properties};
use coherence_kafka_worker::config::WorkerConfig;
use coherence_kafka_worker::load::ConnectorConfig as Configured;
use coherence_kafka_worker::{Connector, Plugin};

use super::ConnectorConfig;
use crate::connector::{SinkConnector, SinkPlugin};

mod load;
mod worker;

/// The sink as the plugin of a worker.
pub(crate) fn plugin() -> Arc<dyn Plugin> {
    Arc::new(SinkPlugin::default())
}

/// A worker of sinks.
pub(crate) fn worker_config(properties: &Properties) -> Result<WorkerConfig, ConfigErrors> {
    WorkerConfig::parse(&*plugin(), properties, Environment::default())
}

/// The configuration of a sink connector.
pub(crate) fn config(connector: &Arc<dyn Connector>) -> &ConnectorConfig {
    let any: &dyn std::any::Any = connector.as_ref();
    any.downcast_ref::<SinkConnector>().unwrap().config()
}

/// A sink connector as a worker has read it.
pub(crate) struct Read {
    config: ConnectorConfig,
    pub(crate) raw: BTreeMap<String, String>,
    pub(crate) warnings: Vec<Finding>,
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.config.fmt(f)
    }
}

impl Deref for Read {
    type Target = ConnectorConfig;

    fn deref(&self) -> &ConnectorConfig {
        &self.config
    }
}

/// Reads the settings of a connector as its worker does.
pub(crate) fn read(worker: &WorkerConfig, properties: &Properties) -> Result<Read, ConfigErrors> {
    let Configured { connector, raw, warnings } = Configured::parse(&*plugin(), worker, properties)?;
    Ok(Read { config: config(&connector).clone(), raw, warnings })
}
