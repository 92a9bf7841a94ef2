//! The settings that a worker makes for all of its connectors, looked at by themselves.

use coherence_kafka_connect::config::{ConfigErrors, Properties, SessionConfig};
use coherence_kafka_connect::transform::Classes;
use coherence_kafka_worker::config::connector::read_shared;
use coherence_kafka_worker::config::{RestartConfig, WorkerConfig};

use super::{Check, setting};
use crate::config::table::DESCRIPTION;

/// Returns the session of a connector that configures none.
///
/// # Errors
/// Everything that is wrong with the settings which a worker makes for its connectors.
pub(crate) fn session(worker: &WorkerConfig) -> Result<SessionConfig, ConfigErrors> {
    let mut findings = ConfigErrors::default();
    let session = check_shared(worker, &mut findings);
    findings.finish(Some(session))
}

/// Returns whether the worker's settings, or its environment, configure the session.
pub(crate) fn names_session(worker: &WorkerConfig) -> bool {
    worker.properties().iter().any(|property| property.key.starts_with("coherence.session"))
        || worker.variables().environment("COHERENCE_SERVER_ADDRESS").is_some()
}

/// Finds what is wrong with them before a connector comes: over REST that may be much later.
pub(crate) fn check_shared(worker: &WorkerConfig, findings: &mut ConfigErrors) -> SessionConfig {
    let values = read_shared(worker, &DESCRIPTION, findings);
    let (none, no_classes) = (Properties::default(), Classes::default());
    let mut check = Check { worker, properties: &none, classes: &no_classes, findings };
    check.retry(&values);
    RestartConfig::read(&values, |key| setting(worker, &none, key), check.findings);
    check.existing_directory(&values);
    SessionConfig::read(&values, |key| setting(worker, &none, key), worker.variables(), findings)
}
