//! The Kafka clients of a source.

use std::time::Duration;

use coherence_kafka_connect::config::{ConfigErrors, Properties, Property};
use coherence_kafka_rdkafka::settings::producer as entry_store;

use super::table;

/// What is set unless the user does: Java's two minutes would outlast the session.
pub(super) const DELIVERY_TIMEOUT: (&str, &str) = ("delivery.timeout.ms", "20000");
const SECOND_NAME: &str = "message.timeout.ms";
/// What the broker allows for a transaction unless configured otherwise.
const LONGEST_TRANSACTION: Duration = Duration::from_secs(15 * 60);

/// Returns the timeout of transactions: less than the session, which the broker counts from the last heartbeat, a sixth
/// of a session apart.
pub(super) fn transaction_timeout(session: Duration) -> Duration {
    (session * 5 / 6).min(LONGEST_TRANSACTION)
}

/// Returns the settings of the producer, by librdkafka's names.
pub(super) fn producer(
    properties: &Properties,
    session_timeout: Duration,
    findings: &mut ConfigErrors,
) -> Vec<(String, String)> {
    let (name, value) = DELIVERY_TIMEOUT;
    let given = [name, SECOND_NAME].iter().find_map(|name| properties.get(name));
    let default = given.is_none().then(|| Property::new(name, value, "default"));
    let all: Properties = properties.iter().cloned().chain(default).collect();
    let settings = entry_store(&all, &table::NAMES, findings).settings;
    let timeout = settings.iter().find(|(name, _)| name == SECOND_NAME).and_then(|(_, ms)| ms.parse().ok());
    let timeout = timeout.map_or(Duration::ZERO, Duration::from_millis);
    let longest = (session_timeout * 2 / 3).min(LONGEST_TRANSACTION);
    // 0 is no limit in librdkafka.
    if timeout > longest || timeout.is_zero() {
        let key = given.map_or(name, |property| property.key.as_str());
        let why = format!(
            "{} must be at most {}, two thirds of {}, which is {}: records that are not acknowledged when another \
             process takes over must no longer be sent",
            timeout.as_millis(),
            longest.as_millis(),
            table::SESSION_TIMEOUT,
            session_timeout.as_millis()
        );
        findings.error_at(given, key, why);
    }
    settings
}
