//! Topics of a cluster: list, describe, create. Every call blocks, and must not be called from a runtime.

use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic as RdNewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::Metadata;

use crate::error_capture::{ErrorCapture, explained};
use crate::settings::{client_config, client_config_without_group};

/// How long one attempt lasts. The reasons of a failure are read between two attempts.
const ATTEMPT: Duration = Duration::from_millis(500);

/// Why a cluster did not answer, in librdkafka's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreachable {
    /// librdkafka's reason.
    pub reason: String,
    /// Waiting does not help: the credentials are refused, or the TLS handshake fails.
    pub hopeless: bool,
}

/// A topic of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its number of partitions.
    pub partitions: usize,
    /// Its `cleanup.policy`, such as `compact`; `None` where the cluster does not report it.
    pub cleanup_policy: Option<String>,
}

/// A topic to be created.
#[derive(Debug, Clone, Copy)]
pub struct NewTopic<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its number of partitions.
    pub partitions: i32,
    /// Its replication factor; `None` is the cluster's default.
    pub replication: Option<i32>,
    /// Its configuration, such as `cleanup.policy`.
    pub configuration: &'a [(&'a str, &'a str)],
}

/// Returns the names of all topics of the cluster, with client `settings` by librdkafka's names.
///
/// # Errors
/// Why the cluster does not answer within `wait`. Refused credentials and failed TLS handshakes end the wait at once.
pub fn topic_names(settings: &[(String, String)], wait: Duration) -> Result<Vec<String>, Unreachable> {
    let metadata = metadata(settings, wait, ErrorCapture::is_hopeless)?;
    Ok(metadata.topics().iter().map(|topic| topic.name().to_owned()).collect())
}

/// Returns the identifier of the cluster; `None` where it does not answer within `wait`.
pub fn cluster_id(settings: &[(String, String)], wait: Duration) -> Option<String> {
    let client: BaseConsumer = client_config_without_group(settings).create().ok()?;
    client.client().fetch_cluster_id(wait)
}

/// Returns those of `names` that exist, with their cleanup policy.
///
/// # Errors
/// Why the cluster does not answer within `wait`.
pub fn describe_topics(
    settings: &[(String, String)],
    names: &[String],
    wait: Duration,
) -> Result<Vec<Topic>, Unreachable> {
    let metadata = metadata(settings, wait, |_| false)?;
    let found = metadata.topics().iter().filter(|topic| names.iter().any(|name| name == topic.name()));
    let topic = |topic: &rdkafka::metadata::MetadataTopic| Topic {
        name: topic.name().to_owned(),
        partitions: topic.partitions().len(),
        cleanup_policy: cleanup_policy(settings, topic.name(), wait),
    };
    Ok(found.filter(|topic| !topic.partitions().is_empty()).map(topic).collect())
}

/// The topics of the cluster, unless it does not answer within `wait` or `ends` is true before.
fn metadata(
    settings: &[(String, String)],
    wait: Duration,
    ends: impl Fn(&ErrorCapture) -> bool,
) -> Result<Metadata, Unreachable> {
    let mut config = client_config_without_group(settings);
    // The capture keeps what librdkafka logs, for the error that is returned.
    config.set_log_level(RDKafkaLogLevel::Info);
    let client: BaseConsumer<ErrorCapture> = config
        .create_with_context(ErrorCapture::with_logs())
        .map_err(|error| Unreachable { reason: error.to_string(), hopeless: true })?;
    let end = Instant::now() + wait;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let error = match client.fetch_metadata(None, ATTEMPT.min(left)) {
            Ok(metadata) => return Ok(metadata),
            Err(error) => error,
        };
        while client.poll(Duration::ZERO).is_some() {}
        let capture = client.context();
        if ends(capture) || Instant::now() >= end {
            let reason = capture.reason().unwrap_or_else(|| error.to_string());
            return Err(Unreachable { reason: explained(&reason), hopeless: capture.is_hopeless() });
        }
    }
}

/// Returns the `cleanup.policy` of a topic, where the cluster reports it.
pub fn cleanup_policy(settings: &[(String, String)], topic: &str, wait: Duration) -> Option<String> {
    let client: AdminClient<DefaultClientContext> = client_config(settings).create().ok()?;
    let options = AdminOptions::new().request_timeout(Some(wait));
    let resource = ResourceSpecifier::Topic(topic);
    let answers = runtime().ok()?.block_on(client.describe_configs([&resource], &options)).ok()?;
    let resource = answers.into_iter().next()?.ok()?;
    resource.get("cleanup.policy")?.value.clone()
}

/// Creates a topic, unless it exists.
///
/// # Errors
/// The broker's reason, or librdkafka's within `wait`.
pub fn create_topic(
    settings: &[(String, String)],
    topic: &NewTopic<'_>,
    wait: Duration,
) -> Result<(), String> {
    let client: AdminClient<DefaultClientContext> =
        client_config(settings).create().map_err(|error| error.to_string())?;
    let replication = TopicReplication::Fixed(topic.replication.unwrap_or(-1));
    let mut new = RdNewTopic::new(topic.name, topic.partitions, replication);
    for (name, value) in topic.configuration {
        new = new.set(name, value);
    }
    let options = AdminOptions::new().operation_timeout(Some(wait)).request_timeout(Some(wait));
    let answers =
        runtime()?.block_on(client.create_topics([&new], &options)).map_err(|error| error.to_string())?;
    match answers.into_iter().next() {
        None | Some(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(()),
        Some(Err((_, code))) => Err(code.to_string()),
    }
}

/// The answers come from a thread of librdkafka; this runtime only waits for them.
fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())
}
