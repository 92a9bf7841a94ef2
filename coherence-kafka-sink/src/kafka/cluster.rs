//! One look at a cluster, for the start of a worker and for `check`.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::{ClientSettings, client_config};

/// How long one attempt may take: between two of them the reasons of a failure are read.
const ATTEMPT: Duration = Duration::from_millis(500);

/// Why a cluster could not be looked at, in librdkafka's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreachable {
    /// What librdkafka said.
    pub reason: String,
    /// Waiting does not help: credentials are refused, or the TLS handshake fails.
    pub hopeless: bool,
}

/// The names of all topics of the cluster that `settings` lead to.
///
/// # Errors
/// Why it cannot be reached within `wait`, in librdkafka's words. Refused credentials and failed TLS handshakes end
/// the wait at once.
pub fn topics(settings: &ClientSettings, wait: Duration) -> Result<Vec<String>, String> {
    look(settings, wait).map_err(|unreachable| unreachable.reason)
}

/// As [`topics`], and says whether there is any hope.
///
/// # Errors
/// Why it cannot be reached within `wait`.
pub fn look(settings: &ClientSettings, wait: Duration) -> Result<Vec<String>, Unreachable> {
    let mut config = client_config(settings);
    // No member of any group: nobody's partitions move because somebody looked.
    config.remove("group.id");
    config.remove("group.instance.id");
    // What it has to say is in the error that is returned.
    config.set_log_level(RDKafkaLogLevel::Emerg);
    let client: BaseConsumer<Reasons> = config
        .create_with_context(Reasons::default())
        .map_err(|error| Unreachable { reason: error.to_string(), hopeless: true })?;
    let end = Instant::now() + wait;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let error = match client.fetch_metadata(None, ATTEMPT.min(left)) {
            Ok(metadata) => {
                return Ok(metadata.topics().iter().map(|topic| topic.name().to_owned()).collect());
            }
            Err(error) => error,
        };
        while client.poll(Duration::ZERO).is_some() {}
        let Found { reason, hopeless } = std::mem::take(&mut *client.context().0.lock());
        if hopeless || Instant::now() >= end {
            return Err(Unreachable { reason: reason.unwrap_or_else(|| error.to_string()), hopeless });
        }
        // Kept for the case that nothing else is said until the end.
        client.context().0.lock().reason = reason;
    }
}

/// Makes a topic. That somebody else has made it meanwhile is no error. Not to be called from a runtime.
///
/// # Errors
/// What the broker says, or librdkafka within `wait`.
pub fn create_topic(
    settings: &ClientSettings,
    name: &str,
    partitions: i32,
    replication: i32,
    wait: Duration,
) -> Result<(), String> {
    let client: AdminClient<DefaultClientContext> =
        client_config(settings).create().map_err(|error| error.to_string())?;
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replication));
    let options = AdminOptions::new().operation_timeout(Some(wait)).request_timeout(Some(wait));
    // The answer comes from a thread of librdkafka's; this one only waits.
    let waits = tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    let answers =
        waits.block_on(client.create_topics([&topic], &options)).map_err(|error| error.to_string())?;
    match answers.into_iter().next() {
        None | Some(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(()),
        Some(Err((_, code))) => Err(code.to_string()),
    }
}

/// What librdkafka said about its connections.
#[derive(Default)]
struct Reasons(Mutex<Found>);

#[derive(Default)]
struct Found {
    reason: Option<String>,
    /// Waiting does not help.
    hopeless: bool,
}

impl ClientContext for Reasons {
    fn error(&self, error: KafkaError, reason: &str) {
        let mut found = self.0.lock();
        let code = error.rdkafka_error_code();
        // "all brokers are down" says less than the reason before it.
        if code != Some(RDKafkaErrorCode::AllBrokersDown) || found.reason.is_none() {
            found.reason = Some(reason.to_owned());
        }
        found.hopeless |= matches!(
            code,
            Some(
                RDKafkaErrorCode::Authentication
                    | RDKafkaErrorCode::SSL
                    | RDKafkaErrorCode::SaslAuthenticationFailed
            )
        );
    }
}

impl ConsumerContext for Reasons {}
