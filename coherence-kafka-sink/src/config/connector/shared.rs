//! The settings that a worker makes for all of its connectors, looked at by themselves.

use coherence_kafka_connect::config::{ConfigErrors, Properties, SessionConfig};

use super::super::table::{self, SHARED};
use super::super::worker::WorkerConfig;
use super::{Check, setting};

impl WorkerConfig {
    /// Returns the session of a connector that configures none.
    ///
    /// # Errors
    /// Everything that is wrong with the settings which a worker makes for its connectors.
    pub fn session(&self) -> Result<SessionConfig, ConfigErrors> {
        let mut findings = ConfigErrors::default();
        let session = self.check_shared(&mut findings);
        findings.finish(Some(session))
    }

    /// Returns whether the worker's settings, or its environment, configure the session.
    pub fn names_session(&self) -> bool {
        self.properties.iter().any(|property| property.key.starts_with("coherence.session"))
            || self.variables.environment("COHERENCE_SERVER_ADDRESS").is_some()
    }

    /// Finds what is wrong with them before a connector comes: over REST that may be much later.
    pub(in super::super) fn check_shared(&self, findings: &mut ConfigErrors) -> SessionConfig {
        let none = Properties::default();
        let mut check = Check { worker: self, properties: &none, findings };
        let (values, violations) =
            table::CONNECTOR.parse(|key| check.property(key).map(|property| property.value.as_str()));
        for violation in violations {
            // Settings that only a connector has are missing here.
            if table::CONNECTOR.key(violation.key()).is_some_and(|key| SHARED.contains(&key.group)) {
                let property = check.property(violation.key());
                check.findings.violation(property, violation);
            }
        }
        check.retry(&values);
        check.restart(&values);
        check.existing_directory(&values);
        SessionConfig::read(&values, |key| setting(self, &none, key), &self.variables, findings)
    }
}
