//! What a kind of connector is called, and which settings and metrics it has.

use coherence_kafka_connect::config::def::ConfigDef;

use crate::metric::Family;

/// The direction of a connector, as Connect's REST API names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectorType {
    /// Topics to another system.
    Sink,
    /// Another system to topics.
    Source,
}

impl ConnectorType {
    /// Returns `sink` or `source`.
    pub fn name(self) -> &'static str {
        match self {
            ConnectorType::Sink => "sink",
            ConnectorType::Source => "source",
        }
    }
}

/// What a kind of connector is called, and which settings and metrics it has.
#[derive(Debug)]
pub struct Description {
    /// Its direction.
    pub kind: ConnectorType,
    /// The values of `connector.class` that name it; the first is its full name.
    pub classes: &'static [&'static str],
    /// The `task.class` of its tasks, as Connect's REST API shows it.
    pub task_class: &'static str,
    /// Its settings.
    pub settings: &'static ConfigDef,
    /// Families of its settings: the prefix, and why they are without effect where they are.
    pub families: &'static [(&'static str, Option<&'static str>)],
    /// The groups of its settings that the worker's file may hold for all its connectors.
    pub shared_groups: &'static [&'static str],
    /// The metrics of its tasks.
    pub metrics: &'static [Family],
    /// The beginning of the names of its metrics, and of the former names by which they are shown too.
    pub former_metrics: Option<(&'static str, &'static str)>,
}
